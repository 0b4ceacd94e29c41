"""CLIP on MaCo's towers: the symmetric contrast of whole images with reports, and nothing else.

Radford et al., "Learning transferable visual models from natural language supervision", ICML
2021. No patch is removed and nothing is restored; the image vector is the mean of the patches,
tokenizer, text tower, augmentation at twice the encoder's size and recipe are MaCo's, so that the
methods' ideas are what differs. MaCo's detection table (Table 4) has such a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.encoders.settings import PAPER_RECIPE, SIZES, family_options
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="clip_vit",
    version=1,
    title="CLIP (ViT)",
    kind="method",
    source="CLIP (Radford et al., ICML 2021); MaCo, Nature Communications 15:7620 (2024), Table 4",
    capabilities=("image_features", "fine_tune", "zero_shot", "grounding", "text_features"),
    options=family_options(
        weighting="none", high_resolution=True, reconstruction=False, mask_ratio=0.0
    ),
    sizes=SIZES,
    pretraining=PAPER_RECIPE,
    house="house_vit",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.image_text import build_model

    return build_model(context)
