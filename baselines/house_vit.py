"""The house start of the transformers: masked images of the corpus restored, text tower kept.

The papers' vision transformers start from MAE on ImageNet, or from other public weights. Nothing is
downloaded here; in their place all methods with this encoder begin with one short masked
autoencoding of the corpus's own images (equal terms), half of the patches removed, and with the
house text encoder, whose weights pass through unchanged. He et al., "Masked autoencoders are
scalable vision learners", CVPR 2022.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.encoders.settings import PAPER_RECIPE, SIZES, family_options
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="house_vit",
    version=1,
    title="House start, ViT",
    kind="method",
    source="MAE (He et al., CVPR 2022) on the corpus's images, beside the house text encoder",
    capabilities=("image_features",),
    options=family_options(weighting="none", high_resolution=True),
    sizes=SIZES,
    pretraining=PAPER_RECIPE,
    house="house_text",
    no_capability_reason="it is a start for methods, not a method",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.house import HouseImageModel
    from baselines.encoders.image_text import build_model

    return build_model(context, HouseImageModel)
