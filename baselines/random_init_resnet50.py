"""A ResNet-50 with its initial weights: what no pre-training gives the convolutional methods.

The encoder of ConVIRT, GLoRIA, BioViL, MedKLIP and G2D, as timm builds it (He et al., CVPR 2016),
without ImageNet weights. The small sizes are narrow ten-layer ResNets whose last map is finer than
1/32 of the input, since their images are small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmark.recipes import PretrainRecipe
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmark.interfaces import BuildContext, Representation

SIZES: Mapping[str, Mapping[str, Any]] = {
    "paper": {"architecture": "resnet50", "channels": 3, "output_stride": 32},
    "demo": {
        "architecture": "resnet10t",
        "channels": 1,
        "output_stride": 16,
        "stem_width": 16,
        "widths": [32, 64, 128, 256],
    },
    "toy": {
        "architecture": "resnet10t",
        "channels": 1,
        "output_stride": 8,
        "stem_width": 8,
        "widths": [8, 16, 24, 32],
    },
}

BASELINE = BaselineSpec(
    name="random_init_resnet50",
    version=1,
    title="Random initial weights, ResNet-50",
    kind="method",
    source="He et al., CVPR 2016; timm's `resnet50`; row `Random Init` of G2D, Table 4",
    capabilities=("image_features", "fine_tune"),
    sizes=SIZES,
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


def load(
    path: Path, options: Mapping[str, Any] | None = None, tokenizer_json: str | None = None
) -> Representation:
    """Weights that this benchmark stored; what the file says stands above the arguments."""
    from baselines.checkpoints.own import load_own

    return load_own(path, build)
