"""CLIP on a ResNet: one linear map a side, a learned scale, and nothing else."""

from __future__ import annotations

import math

import pytest
import torch

from baselines.clip_resnet import BASELINE, build
from baselines.objectives.contrast import cosine_logits, info_nce
from benchmark.errors import UsageError
from benchmark.interfaces import BuildContext, PretrainBatch

REPORTS = ("no effusion is seen", "small nodule. mild edema", "cardiomegaly")


def model_of(size="toy", **options):
    context = BuildContext(
        BASELINE.sizes[size], {**BASELINE.options, **options}, 32, reports=lambda: REPORTS
    )
    return build(context)


def batch():
    images = torch.randn(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    return PretrainBatch(images, REPORTS)


@torch.no_grad()
def test_the_loss_is_that_of_the_embeddings_it_gives():
    model = model_of().eval()
    images, texts = model.image_embedding(batch().images), model.text_embedding(REPORTS)
    expected = info_nce(cosine_logits(images, texts, model.temperature()))
    losses = model.pretraining_loss(batch(), torch.Generator())
    assert set(losses) == {"total", "contrastive"}
    assert float(losses["total"]) == pytest.approx(float(expected), rel=1e-5)


@torch.no_grad()
def test_the_mean_of_projected_patches_is_the_projected_mean():
    model = model_of().eval()
    images = batch().images
    patches = model.patch_features(images, projected=False)
    assert patches.shape == (3, 16, model.feature_dim)
    assert torch.allclose(
        model.image_projection(patches.mean(dim=1)), model.image_embedding(images), atol=1e-5
    )


def test_the_text_vector_is_read_at_cls():
    model = model_of().eval()
    with torch.no_grad():
        states = model.read(REPORTS).last
        assert states.shape[1] > 1
        assert torch.allclose(model.text_embedding(REPORTS), model.text_projection(states[:, 0]))


def test_what_the_options_change():
    assert model_of().temperature() == pytest.approx(1 / 0.07)
    assert model_of(temperature=0.5).temperature() == pytest.approx(2.0)
    assert model_of(temperature=0.001).temperature() == pytest.approx(100.0)
    assert model_of(temperature=0.001, scale_limit=None).temperature() == pytest.approx(1000.0)
    assert float(model_of(scale="inverse").scale.value.detach()) == pytest.approx(1 / 0.07)
    assert float(model_of().scale.value.detach()) == pytest.approx(math.log(1 / 0.07))
    with pytest.raises(UsageError, match="exponential"):
        model_of(scale="exponent")


def test_without_gather_the_loss_asks_no_other_process(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "baselines.objectives.clip.gathered", lambda part: asked.append(len(part)) or part
    )
    model_of(gather=False).pretraining_loss(batch(), torch.Generator())
    assert asked == []
    model_of().pretraining_loss(batch(), torch.Generator())
    assert asked == [3, 3]
