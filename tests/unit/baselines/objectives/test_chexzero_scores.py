"""CheXzero's scores and pixels against loops in numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from baselines.chexzero import BASELINE
from baselines.objectives.chexzero import (
    class_vectors,
    ensemble,
    model_pixels,
    standardised_scores,
)
from benchmark.errors import UsageError


def test_templates_get_length_one_before_and_after_their_mean():
    templates = torch.randn(3, 2, 5, generator=torch.Generator().manual_seed(0))
    templates[:, 0] *= 10
    found = class_vectors(templates)
    for number, prompts in enumerate(templates.double().numpy()):
        mean = sum(prompt / math.sqrt((prompt**2).sum()) for prompt in prompts) / 2
        expected = mean / math.sqrt((mean**2).sum())
        assert found[number].numpy() == pytest.approx(expected, abs=1e-6)


def test_z_scores_run_over_the_classes_of_one_image():
    cosines = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)) / 5
    found = standardised_scores(cosines)
    for row in range(4):
        values = [float(value) for value in cosines[row]]
        mean = sum(values) / 3
        spread = math.sqrt(sum((value - mean) ** 2 for value in values) / 3)
        expected = [1 / (1 + math.exp(-(value - mean) / spread)) for value in values]
        assert found[row].numpy() == pytest.approx(expected, abs=1e-5)
    assert torch.allclose(standardised_scores(cosines[1:2]), found[1:2])
    assert standardised_scores(torch.zeros(1, 3)).tolist() == [[0.5, 0.5, 0.5]]


def test_an_ensemble_is_a_mean_of_probabilities():
    parts = [torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 1.0]]), torch.tensor([[0.5, 0.4]])]
    assert ensemble(parts)[0].tolist() == pytest.approx([0.5, 0.8])
    with pytest.raises(UsageError, match="at least one"):
        ensemble([])


def test_pixels_are_those_of_0_to_255():
    grey = torch.full((2, 32, 32), 255)
    found = model_pixels(grey, size=8)
    assert found.shape == (2, 3, 8, 8)
    assert found.dtype == torch.float32
    expected = (255 - 101.48761) / 83.43944
    assert found.numpy() == pytest.approx(np.full((2, 3, 8, 8), expected), abs=1e-5)
    # The same numbers for the engine's pixels, which run from 0 to 1.
    profile = BASELINE.image_profile
    assert (1.0 - profile.mean) / profile.std == pytest.approx(expected)


def test_antialiasing_reads_every_pixel():
    stripes = torch.zeros(1, 32, 32)
    stripes[:, :, ::4] = 255
    grey_mean = (255 / 4 - 101.48761) / 83.43944
    smooth, sharp = (model_pixels(stripes, 8, antialias=on)[0, 0, 2:6, 2:6] for on in (True, False))
    assert smooth.numpy() == pytest.approx(np.full((4, 4), grey_mean), abs=0.02)
    assert (sharp - grey_mean).abs().min() > 0.1
