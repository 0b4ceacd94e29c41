"""Drawn images with a bright disc and its mask, and cells that segment them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from drawn import SIDE, Drawn
from fakes import make_context, make_manifest

from benchmark.data.manifest import Mask
from benchmark.data.splits import SplitRows
from benchmark.metrics.rle import encode
from benchmark.recipes.segment import SegmentRecipe
from tests.encoders import encoder

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = SegmentRecipe(
    source="test",
    image_size=SIDE,
    batch_size=4,
    learning_rates={"100": 2e-3, "10": 2e-3},
    steps={"100": 6, "10": 4},
    warmup_steps={"100": 1, "10": 1},
    drop_path=0.0,
    upernet_channels=8,
    auxiliary_channels=4,
    unet_channels=(8, 8, 8, 4, 4),
    selection="full_validation",
    evaluations=3,
)
FRAME = 2 * SIDE
"""Masks are given in twice the size of the stored images, as SIIM's are."""


def discs_with_masks(
    positive: np.ndarray, side: int = SIDE, frame: int = FRAME, seed: int = 0
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Images uint8 (n, side, side) and masks (frame, frame): one disc where positive, else none."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 90, (len(positive), side, side))
    masks = []
    for image, is_positive in zip(images, positive, strict=True):
        row, column = generator.uniform(0.25, 0.75, 2)
        radius = generator.uniform(0.12, 0.2)
        mask = _disc(frame, row, column, radius) & bool(is_positive)
        image[_disc(side, row, column, radius) & bool(is_positive)] += 130
        masks.append(mask)
    return images.astype(np.uint8), masks


def _disc(side: int, row: float, column: float, radius: float) -> np.ndarray:
    rows, columns = (np.mgrid[:side, :side] + 0.5) / side
    inside: np.ndarray = (rows - row) ** 2 + (columns - column) ** 2 < radius**2
    return inside


def cell(
    folder: Path,
    recipe: SegmentRecipe = RECIPE,
    *,
    baseline: str = "mae",
    count: int = 40,
    masks: list[np.ndarray] | None = None,
    rows: SplitRows | None = None,
    percent: float = 100.0,
    **more: Any,
) -> Any:
    """A cell over drawn images: 16 for training, 10 for validation, the rest for test."""
    positive = np.arange(count) % 3 > 0
    images, drawn = discs_with_masks(positive)
    masks = drawn if masks is None else masks
    manifest = make_manifest(count)
    names = manifest.images["image"]
    labels = pd.DataFrame({"Disc": [float(mask.any()) for mask in masks]})
    manifest = dataclasses.replace(
        manifest,
        labels=labels,
        masks={
            name: Mask((encode(mask),) if mask.any() else (), *mask.shape)
            for name, mask in zip(names, masks, strict=True)
        },
    )
    every = np.arange(count)
    store = Drawn(images)
    return make_context(
        folder,
        recipe,
        "segment",
        manifest=more.pop("manifest", manifest),
        representation=encoder(baseline),
        label_percent=percent,
        rows=rows or SplitRows(every[:16], every[16:26], every[26:], "drawn", labels=labels),
        store=lambda: store,
        **more,
    )
