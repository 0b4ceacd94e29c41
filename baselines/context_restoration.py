"""Context Restoration: patches of an image that changed places are put back.

Chen et al., "Self-supervised learning for medical image analysis using image context restoration",
Medical Image Analysis 2019. Two small patches of a radiograph are exchanged, several times in a
row; encoder and decoder restore the image under a squared error over all pixels. No official code
is known.

Ours: 10 swaps of patches of a tenth of the side (`swaps`, `patch_share`), the ResNet of this
comparison with a U-Net decoder in place of the paper's network, and the optimiser's values, which
the three restoration methods share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.methods.restoration_settings import SIZES, restoration_recipe
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="context_restoration",
    version=1,
    title="Context Restoration",
    kind="method",
    source="Context Restoration (Chen et al., Medical Image Analysis 2019)",
    capabilities=("image_features", "fine_tune"),
    options={
        "swaps": 10,
        # Side of a patch as a share of the image's.
        "patch_share": 0.1,
    },
    sizes=SIZES,
    pretraining=restoration_recipe(
        "ours: the paper's values are for another network; AdamW as everywhere here", 0.5
    ),
    house="house_resnet",
    uses_text=False,
    no_capability_reason="image-only: there is no text tower",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.methods.restoration import ContextRestoration, build_image_only

    model: Representation = build_image_only(context, ContextRestoration)
    return model
