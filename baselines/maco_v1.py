"""MaCo as its preprint has it: no high-resolution target, weights that flatten the softmax.

arXiv 2309.05904 v1, equations 1 to 4. Equation 3 prints the image-to-text direction alone and
names neither sum nor mean; options `v1_direction` and `v1_reduction` hold the readings, the
default is the printed direction, averaged over groups of D = 16 whose weights sum to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.encoders.settings import PAPER_RECIPE, SIZES, family_options
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="maco_v1",
    version=1,
    title="MaCo (preprint)",
    kind="method",
    source="arXiv 2309.05904 v1",
    capabilities=("image_features", "fine_tune", "zero_shot", "grounding", "text_features"),
    options=family_options(weighting="v1", high_resolution=False),
    sizes=SIZES,
    pretraining=PAPER_RECIPE,
    house="house_vit",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.image_text import build_model

    return build_model(context)
