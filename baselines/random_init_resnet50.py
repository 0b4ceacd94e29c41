"""A ResNet-50 with its initial weights: what no pre-training gives the convolutional methods.

The encoder of ConVIRT, GLoRIA, BioViL, MedKLIP and G2D, as timm builds it (He et al., CVPR 2016),
without ImageNet weights. The small sizes are those of `baselines.encoders.sizes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.encoders.sizes import RESNET_IMAGE
from benchmark.recipes import PretrainRecipe
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="random_init_resnet50",
    version=1,
    title="Random initial weights, ResNet-50",
    kind="method",
    source="He et al., CVPR 2016; timm's `resnet50`; row `Random Init` of G2D, Table 4",
    capabilities=("image_features", "fine_tune"),
    sizes=RESNET_IMAGE,
    pretraining=PretrainRecipe(
        source="none: the weights stay as they are drawn", geometry="pad_square", epochs=0
    ),
    uses_text=False,
    no_capability_reason="image-only: there is no text tower",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.resnet import build_resnet

    return build_resnet(context)
