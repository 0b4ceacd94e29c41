"""CLIP on a ResNet: the symmetric contrast of images with reports, and nothing else.

Radford et al., "Learning transferable visual models from natural language supervision", ICML
2021. MaCo's detection table (Table 4) has such a row beside the one of `clip_vit`; its numbers are
those that LoVT (Mueller et al., ECCV 2022) prints for a CLIP of its own.

Kept from CLIP: one linear map without bias per tower into the shared space, the learned logarithm
of the scale from 1/0.07 on with the scale cut at 100, negatives from all processes. Different: a
plain ResNet-50 whose last map is averaged (CLIP's own has attention pooling), and the house's
BERT, read at `[CLS]`. The recipe is MaCo's, as that of `clip_vit`, so that the two rows differ by
their towers. `scale=inverse` with `temperature=0.03` learns the scale as `clip_vit` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.encoders.settings import PAPER_RECIPE
from baselines.encoders.sizes import RESNET_IMAGE, with_text
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="clip_resnet",
    version=1,
    title="CLIP (ResNet)",
    kind="method",
    source="CLIP (Radford et al., ICML 2021); MaCo, Nature Communications 15:7620 (2024), Table 4",
    capabilities=("image_features", "fine_tune", "zero_shot", "grounding", "text_features"),
    options={
        "temperature": 0.07,
        # `exponential` (CLIP) or `inverse` (MaCo's code): which form of the scale is learned.
        "scale": "exponential",
        "scale_limit": 100.0,
        "gather": True,
    },
    sizes=with_text(
        RESNET_IMAGE,
        paper={"shared_width": 512},
        demo={"shared_width": 128},
        toy={"shared_width": 48},
    ),
    pretraining=PAPER_RECIPE,
    house="house_resnet",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.clip_resnet import ClipResNet

    model: Representation = build_with_reports(context, ClipResNet)
    return model
