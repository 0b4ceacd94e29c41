"""BioViL's grounding and prompt scores against values computed with hi-ml-multimodal."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from scipy.special import logit

from baselines.objectives.biovil import map_in_image
from benchmark.metrics.grounding_maps import REFERENCE_GRID, smoothing_matrix
from benchmark.protocols.ground import _cosines
from benchmark.protocols.zero_shot import cosine_scores
from tests.golden.files import golden_files

CASES = 6


def close(ours, golden, tolerance=1e-4):
    ours = np.asarray(ours, dtype=np.float64)
    golden = np.asarray(golden, dtype=np.float64)
    assert ours.shape == golden.shape
    assert np.array_equal(np.isnan(ours), np.isnan(golden))
    assert np.nanmax(np.abs(ours - golden)) <= tolerance * np.nanmax(np.abs(golden))


@pytest.fixture(scope="module", params=golden_files("biovil_grounding_seed*.npz"))
def drawn(request):
    seed = int(re.search(r"_seed(\d+)$", request.param.stem).group(1))
    generator = np.random.default_rng(seed)
    shapes = {
        15: (15, 15, 16),
        14: (14, 14, 16),
        "text": (1, 16),
        "prompts": (3, 16),
        "image": (16,),
    }
    inputs = {
        name: torch.from_numpy(generator.standard_normal(shape).astype("float32"))
        for name, shape in shapes.items()
    }
    return dict(np.load(request.param)), inputs


def smoothed(values, sigma):
    """Of a square map, with a width in its own cells."""
    cells = len(values)
    matrix = smoothing_matrix(cells, sigma * REFERENCE_GRID / cells)
    return torch.from_numpy(matrix @ values.double().numpy() @ matrix.T)


@pytest.mark.parametrize("grid", [15, 14])
def test_cosines_and_smoothing(drawn, grid):
    golden, inputs = drawn
    cosines = _cosines(inputs[grid], inputs["text"][0])
    close(cosines, golden[f"cosine_{grid}"])
    close(smoothed(cosines, 1.5), golden[f"smoothed_{grid}"])


def test_a_wider_smoothing(drawn):
    golden, inputs = drawn
    found = smoothed(_cosines(inputs[15], inputs["text"][0]), 3.0)
    close(found, golden["smoothed_15_sigma_3"])


@pytest.mark.parametrize("number", range(CASES))
def test_maps_lie_over_the_part_of_the_image_that_was_seen(drawn, number):
    golden, inputs = drawn
    cases = json.loads(str(golden["cases"]))
    assert len(cases) == CASES
    case = cases[number]
    values = smoothed(_cosines(inputs[case["grid"]], inputs["text"][0]), 1.5)
    found = map_in_image(
        values,
        case["height"],
        case["width"],
        case["resize"],
        case["crop"],
        case["interpolation"],
    )
    close(found, golden[f"map_{number}"])


def test_prompts_are_averaged_before_they_get_length_one(drawn):
    golden, inputs = drawn
    prompts = inputs["prompts"].numpy()
    for texts, name in ((prompts[:1], "one_prompt"), (prompts, "three_prompts")):
        mean = texts.mean(axis=0, keepdims=True)
        # Against its own opposite the engine's score is a sigmoid of the cosine at scale 1 / 2.
        score = cosine_scores(inputs["image"].numpy()[None], mean, -mean, 0.5)
        close(logit(score)[0, 0], golden[f"score_{name}"])
