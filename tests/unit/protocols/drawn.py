"""Small sets of drawn images and real encoders, to see that heads learn and what moves a score."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from fakes import make_context, make_manifest

from benchmark.data.splits import SplitRows
from benchmark.recipes import FineTuneRecipe, LinearProbeRecipe

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.interfaces import Representation
    from benchmark.recipes import LabelledRecipe

SIDE = 32
VIT, RESNET = "mae", "random_init_resnet50"

FINE_TUNE = FineTuneRecipe(
    source="test",
    image_size=SIDE,
    batch_size=16,
    optimizer="adamw",
    learning_rates={"100": 2e-3},
    steps={"100": 60},
    warmup_steps={"100": 5},
    drop_path=0.0,
    crop_scale=(0.8, 1.0),
    selection="fixed_recipe",
)
PROBE = LinearProbeRecipe(
    source="test",
    image_size=SIDE,
    batch_size=16,
    learning_rates={"100": 3e-2},
    epochs={"100": 200},
    standardise=True,
    selection="fixed_recipe",
)


class Drawn:
    """A store over an array of images, uint8 (n, h, w)."""

    def __init__(self, images: np.ndarray) -> None:
        self.images = images

    def __getitem__(self, row: int) -> np.ndarray:
        return self.images[row]


def textures(count: int, side: int = SIDE, seed: int = 0) -> np.ndarray:
    """Smooth random images, each another one."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (count, side // 4, side // 4))
    return np.kron(coarse, np.ones((4, 4))).astype(np.uint8)


def discs(positive: np.ndarray, side: int = SIDE, seed: int = 0) -> np.ndarray:
    """Noise with a bright disc anywhere in it if positive, with none if not."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 110, (len(positive), side, side))
    for image, is_positive in zip(images, positive, strict=True):
        if is_positive:
            image[_disc(side, *generator.uniform(0.25, 0.75, 2))] += 110
    return images.astype(np.uint8)


def high_or_low(positive: np.ndarray, side: int = SIDE, seed: int = 0) -> np.ndarray:
    """A bright disc in the upper half if positive, in the lower half if not.

    Much more differs between the images than the class: brightness, contrast, a dark disc anywhere
    and noise. Labels that say nothing are then learnt by these, not by the class.
    """
    generator = np.random.default_rng(seed)
    images = []
    for is_positive in positive:
        image = generator.normal(0, 12, (side, side)) + generator.uniform(50, 130)
        image[_disc(side, *generator.uniform(0.1, 0.9, 2))] -= generator.uniform(20, 70)
        row = generator.uniform(0.15, 0.35) + (0.0 if is_positive else 0.5)
        image[_disc(side, row, generator.uniform(0.15, 0.85))] += generator.uniform(50, 120)
        images.append(image)
    return np.stack(images).clip(0, 255).astype(np.uint8)


def _disc(side: int, row: float, column: float) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side] / side
    inside: np.ndarray = (rows - row) ** 2 + (columns - column) ** 2 < 0.15**2
    return inside


def cell(
    folder: Path,
    recipe: LabelledRecipe,
    model: Representation,
    images: np.ndarray,
    labels: np.ndarray,
    rows: SplitRows,
    **more: Any,
) -> Any:
    """A cell at 100 % of the labels (n, k) over drawn images."""
    protocol = "fine_tune" if isinstance(recipe, FineTuneRecipe) else "linear_probe"
    manifest = make_manifest(len(images))
    names = [f"class {index}" for index in range(labels.shape[1])]
    manifest = dataclasses.replace(manifest, labels=pd.DataFrame(labels, columns=names))
    drawn = Drawn(images)
    return make_context(
        folder,
        recipe,
        protocol,
        manifest=manifest,
        representation=model,
        label_percent=100.0,
        rows=rows,
        store=lambda: drawn,
        **more,
    )
