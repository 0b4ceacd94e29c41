"""The house start of the ResNets: masked images of the corpus restored, text tower kept.

The papers' ResNets start from ImageNet labels. Nothing is downloaded here; in their place all
methods with this encoder begin with the same work as the transformers' house start (`house_vit`):
half of the image's cells are blanked and restored, here by one linear layer on the last map, as in
Xie et al., "SimMIM", CVPR 2022, with the house text encoder passing through unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.encoders.settings import PAPER_RECIPE
from baselines.encoders.sizes import RESNET_IMAGE, with_text
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="house_resnet",
    version=1,
    title="House start, ResNet",
    kind="method",
    source="SimMIM (Xie et al., CVPR 2022) on the corpus's images, beside the house text encoder",
    capabilities=("image_features",),
    options={"mask_ratio": 0.5},
    sizes=with_text(RESNET_IMAGE),
    pretraining=PAPER_RECIPE,
    house="house_text",
    no_capability_reason="it is a start for methods, not a method",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.house_resnet import HouseResNet
    from baselines.encoders.reports import build_with_reports

    return build_with_reports(context, HouseResNet)
