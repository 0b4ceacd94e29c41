"""ConVIRT's loss against values computed with two public re-implementations."""

import re

import numpy as np
import pytest
import torch

from baselines.objectives.contrast import cosine_logits
from baselines.objectives.convirt import both_directions, convirt_loss
from tests.golden.files import golden_files


def close(ours, golden, tolerance=1e-4):
    ours = np.asarray(torch.as_tensor(ours).detach(), dtype=np.float64)
    golden = np.asarray(golden, dtype=np.float64)
    assert ours.shape == golden.shape
    assert np.abs(ours - golden).max() <= tolerance * np.abs(golden).max()


@pytest.fixture(scope="module", params=golden_files("convirt_losses_seed*.npz"))
def case(request):
    seed = int(re.search(r"_seed(\d+)$", request.param.stem).group(1))
    golden = dict(np.load(request.param))
    generator = np.random.default_rng(seed)
    images = generator.standard_normal((6, 12)).astype("float32")
    texts = (images + 1.5 * generator.standard_normal((6, 12))).astype("float32")
    close(texts, golden["text"], 1e-6)
    return golden, torch.from_numpy(images), torch.from_numpy(texts)


@pytest.mark.parametrize(
    ("key", "temperature", "normalised"),
    [
        ("loss_tau_0_1", 0.1, True),
        ("loss_tau_0_07", 0.07, True),
        ("loss_benchx_tau_0_1", 0.1, True),
        ("loss_not_normalised_tau_1", 1.0, False),
    ],
)
def test_losses_at_all_weights(case, key, temperature, normalised):
    golden, images, texts = case
    ours = [
        convirt_loss(images, texts, temperature, float(weight), normalised)[0]
        for weight in golden["lambdas"]
    ]
    close(torch.stack(ours), golden[key])


def test_per_sample_values_and_gradients(case):
    golden, images, texts = case
    to_text, to_image = both_directions(images, texts, 0.1)
    close(to_text, golden["per_sample_image_to_text"])
    close(to_image, golden["per_sample_text_to_image"])
    close(cosine_logits(images, texts, 1.0), golden["cosine"])
    images, texts = images.clone().requires_grad_(), texts.clone().requires_grad_()
    convirt_loss(images, texts, 0.1, 0.75)[0].backward()
    close(images.grad, golden["grad_image"])
    close(texts.grad, golden["grad_text"])
