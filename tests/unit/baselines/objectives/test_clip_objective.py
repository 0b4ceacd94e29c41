"""CLIP's loss against sums written out in numpy, and the forms of its learned scale."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from baselines.objectives.clip import LearnedScale, clip_loss
from benchmark.errors import BadDataError, UsageError


def loop_loss(images, texts, scale):
    images = [row / np.sqrt((row**2).sum()) for row in images]
    texts = [row / np.sqrt((row**2).sum()) for row in texts]
    total = 0.0
    for i in range(len(images)):
        own = scale * (images[i] * texts[i]).sum()
        over_texts = sum(math.exp(scale * (images[i] * text).sum()) for text in texts)
        over_images = sum(math.exp(scale * (image * texts[i]).sum()) for image in images)
        total += (math.log(over_texts) - own) / 2 + (math.log(over_images) - own) / 2
    return total / len(images)


@pytest.mark.parametrize("pairs", [2, 5])
def test_the_loss_is_the_half_sum_of_both_directions(pairs):
    images, texts = torch.randn(2, pairs, 7, generator=torch.Generator().manual_seed(pairs))
    found = clip_loss(images, texts, 6.0)
    assert found.shape == ()
    assert float(found) == pytest.approx(
        loop_loss(images.double().numpy(), texts.double().numpy(), 6.0), rel=1e-5
    )
    assert torch.equal(found, clip_loss(images, texts, 6.0, gather=False))


def test_half_precision_is_left_before_the_exponentials():
    images, texts = torch.randn(2, 4, 7, generator=torch.Generator().manual_seed(1))
    with torch.autocast("cpu", torch.bfloat16):
        found = clip_loss(images, texts, 50.0)
    assert found.dtype == torch.float32
    assert torch.equal(found, clip_loss(images, texts, 50.0))


def test_each_image_needs_its_text():
    with pytest.raises(BadDataError, match="3 images meet 2 texts"):
        clip_loss(torch.randn(3, 4), torch.randn(2, 4), 1.0)


@pytest.mark.parametrize("form", ["exponential", "inverse"])
def test_a_scale_starts_at_the_inverse_temperature(form):
    scale = LearnedScale(0.07, form)
    assert float(scale().detach()) == pytest.approx(1 / 0.07)
    assert scale.number() == pytest.approx(1 / 0.07)
    scale().backward()
    # d exp(x) / dx is the factor itself, d x / dx is 1.
    slope = 1 / 0.07 if form == "exponential" else 1.0
    assert float(scale.value.grad) == pytest.approx(slope)


@pytest.mark.parametrize("form", ["exponential", "inverse"])
def test_a_scale_at_its_limit_can_come_back(form):
    scale = LearnedScale(0.001, form, limit=100.0)
    assert scale.number() == pytest.approx(100.0, rel=1e-5)
    factor = scale()
    assert float(factor.detach()) == pytest.approx(100.0, rel=1e-5)
    factor.backward()
    assert float(scale.value.grad) > 0
    with torch.no_grad():
        scale.value -= 0.1
    assert float(scale().detach()) < 100.0


def test_unknown_forms_and_impossible_numbers_are_refused():
    with pytest.raises(UsageError, match="inverse"):
        LearnedScale(0.07, "invers")
    with pytest.raises(UsageError, match="positive"):
        LearnedScale(0.0)
    with pytest.raises(UsageError, match="positive"):
        LearnedScale(0.07, limit=0.0)
