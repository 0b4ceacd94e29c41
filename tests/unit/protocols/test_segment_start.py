"""A decoder that a method pre-trained is where segmentation's U-Net begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from drawn import RESNET
from segmented import RECIPE, cell

from benchmark.protocols import segment
from benchmark.protocols.segment_model import Segmenter, start_decoder
from tests.encoders import encoder

if TYPE_CHECKING:
    from pathlib import Path

UNET = RECIPE.replaced({"decoder": "unet", "freeze_encoder": True})


class Brings:
    """A representation with a decoder of its own; `tensors` is what it offers."""

    def __init__(self, tensors: Any) -> None:
        self.tensors = tensors

    def segmentation_decoder(self) -> Any:
        return self.tensors


def segmenter(recipe: Any = UNET) -> Segmenter:
    return Segmenter(encoder(RESNET).dense_trunk(recipe.taps), recipe, 7)


def halves(model: Segmenter) -> dict[str, torch.Tensor]:
    return {
        name: torch.full_like(value, 0.5) if value.is_floating_point() else value + 3
        for name, value in model.decoder.state_dict().items()
    }


def test_every_tensor_of_equal_name_and_shape_is_taken() -> None:
    model = segmenter()
    fresh = {name: value.clone() for name, value in model.decoder.state_dict().items()}
    given = halves(model)
    given["last.weight"] = torch.zeros(3, 4, 3, 3)
    given["elsewhere"] = torch.zeros(2)
    facts = start_decoder(model, Brings(given), UNET)  # type: ignore[arg-type]
    taken = len(fresh) - 1
    assert facts == {
        "decoder_tensors": len(fresh),
        "decoder_tensors_from_pretraining": taken,
    }
    for name, value in model.decoder.state_dict().items():
        expected = fresh[name] if name == "last.weight" else given[name]
        assert torch.equal(value, expected)
    name = "decoder.blocks.0.conv1.0.weight"
    assert not torch.equal(fresh[name], given[name])


@pytest.mark.parametrize("case", ["off", "none offered", "no member", "upernet"])
def test_else_it_begins_from_scratch(case: str) -> None:
    recipe = UNET
    if case == "off":
        recipe = UNET.replaced({"decoder_from_pretraining": False})
    if case == "upernet":
        recipe = RECIPE
    model, fresh = segmenter(recipe), segmenter(recipe).decoder.state_dict()
    offered: Any = Brings(None if case == "none offered" else halves(model))
    facts = start_decoder(model, object() if case == "no member" else offered, recipe)  # type: ignore[arg-type]
    assert facts["decoder_tensors_from_pretraining"] == 0
    assert all(torch.equal(fresh[key], value) for key, value in model.decoder.state_dict().items())


def test_the_record_says_what_was_handed_over_and_it_moves_the_predictions(
    tmp_path: Path,
) -> None:
    def outcome(folder: str, offered: Any, **changes: Any) -> Any:
        context = cell(tmp_path / folder, UNET.replaced(changes), baseline=RESNET)
        context.representation().segmentation_decoder = lambda: offered
        return segment.run(context)

    offered = {
        name: value * 2 if value.is_floating_point() else value
        for name, value in segmenter().decoder.state_dict().items()
    }
    started = outcome("on", offered)
    scratch = outcome("off", offered, decoder_from_pretraining=False)
    plain = segment.run(cell(tmp_path / "plain", UNET, baseline=RESNET))
    count = len(offered)
    assert started.facts["decoder_tensors_from_pretraining"] == count
    assert started.facts["decoder_tensors"] == count
    assert scratch.facts["decoder_tensors_from_pretraining"] == 0
    key = "predicted_pixels"
    assert not np.array_equal(started.predictions[key], scratch.predictions[key])
    # Nothing moves for a method that brings no decoder.
    np.testing.assert_array_equal(plain.predictions[key], scratch.predictions[key])
    assert plain.facts == scratch.facts
