"""Ablation step: masked autoencoder with the high-resolution target, images only.

Mask ratio, decoder and pixel targets equal `maco`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.encoders.settings import PAPER_RECIPE, SIZES, image_options
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="mae_hr",
    version=1,
    title="MAE + HR",
    kind="method",
    source="MaCo, Nature Communications 15:7620 (2024), Table 7",
    capabilities=("image_features", "fine_tune"),
    options=image_options(high_resolution=True),
    sizes=SIZES,
    pretraining=PAPER_RECIPE,
    house="house_vit",
    uses_text=False,
    no_capability_reason="image-only: there is no text tower",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.image_text import build_model

    return build_model(context)
