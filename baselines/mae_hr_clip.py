"""Ablation step: high-resolution masked autoencoder and plain contrast with reports.

Equals `maco` without correlation weighting: the symmetric InfoNCE loss stands alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.encoders.settings import PAPER_RECIPE, SIZES, family_options
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="mae_hr_clip",
    version=1,
    title="MAE + HR + CLIP",
    kind="method",
    source="MaCo, Nature Communications 15:7620 (2024), Table 7",
    capabilities=("image_features", "fine_tune", "zero_shot", "grounding", "text_features"),
    options=family_options(weighting="none", high_resolution=True),
    sizes=SIZES,
    pretraining=PAPER_RECIPE,
    house="house_vit",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.image_text import build_model

    return build_model(context)
