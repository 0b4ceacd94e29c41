"""M-FLAG's losses and their gradients against values computed with the official code."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from baselines.objectives.mflag import OFF_DIAGONAL, alignment_loss, orthogonality_loss
from tests.golden.files import golden_files
from tests.golden.values import close


@pytest.fixture(scope="module", params=golden_files("mflag_losses_seed*.npz"))
def drawn(request):
    seed = int(re.search(r"_seed(\d+)$", request.param.stem).group(1))
    generator = np.random.default_rng(seed)
    features = np.abs(generator.standard_normal((8, 24))).astype("float32")
    images = generator.standard_normal((8, 12)).astype("float32")
    texts = (images + generator.standard_normal((8, 12))).astype("float32")
    parts = [torch.from_numpy(part).requires_grad_() for part in (features, images, texts)]
    return dict(np.load(request.param)), parts


def test_alignment_and_its_gradients(drawn):
    golden, (_, images, texts) = drawn
    loss = alignment_loss(images, texts)
    close(loss, golden["loss_align"])
    close(alignment_loss(images, texts, "once"), golden["loss_align_counted_once"])
    close(torch.nn.functional.cosine_similarity(images, texts), golden["cosine"])
    gradients = torch.autograd.grad(loss, (images, texts))
    close(gradients[0], golden["grad_align_image"])
    close(gradients[1], golden["grad_align_text"])


def test_orthogonality_and_its_gradient(drawn):
    golden, (features, _, _) = drawn
    loss = orthogonality_loss(features)
    close(loss, golden["loss_orthogonal"])
    close(torch.autograd.grad(loss, features)[0], golden["grad_orthogonal"])
    close(orthogonality_loss(features, off_diagonal=0.0), golden["on_diagonal_half"])
    beside = orthogonality_loss(features) - orthogonality_loss(features, off_diagonal=0.0)
    close(beside, golden["off_diagonal_half"])
    close(
        orthogonality_loss(features, OFF_DIAGONAL, 16), golden["loss_orthogonal_nominal_batch_16"]
    )


def test_total(drawn):
    golden, (features, images, texts) = drawn
    close(alignment_loss(images, texts) + orthogonality_loss(features), golden["loss_total"])
