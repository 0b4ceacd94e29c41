"""MaCo's architecture with its initial weights: what no pre-training at all gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.encoders.settings import PAPER_RECIPE, SIZES, family_options
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="random_init",
    version=1,
    title="Random initial weights",
    kind="method",
    source="MaCo, Nature Communications 15:7620 (2024), architecture only",
    capabilities=("image_features", "fine_tune", "zero_shot", "grounding", "text_features"),
    options=family_options(weighting="paper", high_resolution=True),
    sizes=SIZES,
    pretraining=PAPER_RECIPE.replaced({"epochs": 0}),
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.image_text import build_model

    return build_model(context)
