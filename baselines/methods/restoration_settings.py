"""Sizes and recipe that the restoration methods share. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from baselines.encoders.sizes import RESNET_IMAGE
from benchmark.recipes import PretrainRecipe

if TYPE_CHECKING:
    from collections.abc import Mapping

_DECODER_WIDTHS = {
    "paper": [256, 128, 64, 32, 16],
    "demo": [64, 32, 32, 16, 16],
    "toy": [16, 16, 8, 8, 8],
}

SIZES: Mapping[str, Mapping[str, Any]] = {
    name: {**image, "decoder_widths": _DECODER_WIDTHS[name]} for name, image in RESNET_IMAGE.items()
}

GENESIS_RATES = {"curve": 0.9, "shuffle": 0.5, "paint": 0.9, "inner": 0.2}
"""Probabilities of the official code of Models Genesis."""


def restoration_recipe(source: str, flip_probability: float) -> PretrainRecipe:
    """The recipe of a restoration method.

    The papers train other networks on other images; optimiser, epochs and batch are ours and
    equal for all, so that what differs is how the images are distorted.

    Args:
        source: Where the values come from.
        flip_probability: Of a horizontal flip.
    """
    return PretrainRecipe(
        source=source,
        image_size=224,
        geometry="resize_crop",
        batch_size=256,
        contrastive_batch=256,
        epochs=100,
        learning_rate=1e-3,
        warmup_epochs=5,
        weight_decay=0.05,
        betas=(0.9, 0.95),
        flip_probability=flip_probability,
        rotation_degrees=0.0,
        scale=(1.0, 1.0),
        sentence_sampling=False,
    )
