"""BioViL's heads, prompts and maps in whole images, each rebuilt with loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from baselines.objectives.biovil import ClsProjection, PatchProjector, map_in_image, prompt_of
from benchmark.errors import UsageError


def values_of(module):
    return {key: value.double().numpy() for key, value in module.state_dict().items()}


@torch.no_grad()
def test_projector_cell_by_cell():
    torch.manual_seed(0)
    projector = PatchProjector(6, 4)
    projector(torch.randn(3, 6, 2, 2))
    projector.eval()
    maps = torch.randn(2, 6, 3, 2)
    weights = values_of(projector)
    assert set(weights) >= {"model.0.weight", "model.1.running_var", "model.3.bias"}
    assert "model.0.bias" not in weights
    found = projector(maps)
    assert found.shape == (2, 4, 3, 2)
    for image, row, column in ((0, 0, 0), (1, 2, 1)):
        cell = maps[image, :, row, column].double().numpy()
        hidden = weights["model.0.weight"][:, :, 0, 0] @ cell
        hidden = (hidden - weights["model.1.running_mean"]) / np.sqrt(
            weights["model.1.running_var"] + 1e-5
        )
        hidden = hidden * weights["model.1.weight"] + weights["model.1.bias"]
        expected = weights["model.3.weight"][:, :, 0, 0] @ np.maximum(hidden, 0)
        expected = expected + weights["model.3.bias"]
        assert found[image, :, row, column].numpy() == pytest.approx(expected, abs=1e-5)


@torch.no_grad()
def test_cls_head_has_gelu_before_its_norm():
    torch.manual_seed(0)
    head = ClsProjection(5, 3)
    state = torch.randn(1, 5)
    weights = values_of(head)
    linear = weights["dense_to_hidden.weight"] @ state[0].double().numpy()
    linear = linear + weights["dense_to_hidden.bias"]
    hidden = np.array([x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in linear])
    normed = (hidden - hidden.mean()) / np.sqrt(hidden.var() + 1e-12)
    expected = weights["dense_to_output.weight"] @ normed + weights["dense_to_output.bias"]
    assert head(state)[0].numpy() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("No effusion.", "No effusion"),
        (" Is there edema?! ", "Is there edema"),
        ("Opacity of 1.5 cm", "Opacity of 1.5 cm"),
        ("Left . ", "Left"),
        (".", ""),
    ],
)
def test_prompts_lose_the_stops_at_their_end(text, prompt):
    assert prompt_of(text) == prompt


def test_what_was_not_seen_is_nan():
    # Short side 10 became 20, and 16 of these were cut out: 8 px of the image.
    found = map_in_image(torch.arange(4.0).view(2, 2), 10, 15, 20, 16)
    assert found.shape == (10, 15)
    for row in range(10):
        for column in range(15):
            inside = 1 <= row < 9 and 3 <= column < 11
            expected = 2.0 * (row >= 5) + (column >= 7) if inside else math.nan
            assert float(found[row, column]) == pytest.approx(expected, nan_ok=True)


def test_without_a_crop_all_is_seen():
    found = map_in_image(torch.arange(4.0).view(2, 2), 6, 4, None, None, "bilinear")
    assert found.isfinite().all()
    # Bilinear, cell centres at 1 / 4 and 3 / 4 of the side.
    assert found[0].tolist() == pytest.approx([0.0, 0.25, 0.75, 1.0])


def test_crops_larger_than_the_image_and_other_interpolations_are_refused():
    with pytest.raises(UsageError, match="does not lie in"):
        map_in_image(torch.zeros(2, 2), 10, 15, None, 12)
    with pytest.raises(UsageError, match="bilinear"):
        map_in_image(torch.zeros(2, 2), 10, 15, None, 8, "bilinaer")
