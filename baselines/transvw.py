"""TransVW in two dimensions: crops are restored, and it is told which place they come from.

Haghighi et al., "Transferable visual words", IEEE Transactions on Medical Imaging 2021; code
fhaghighi/TransVW, which is for cubes of CT. A visual word is what lies at one place of the body in
many patients; the network restores a distorted crop (the distortions of Models Genesis) and names
its word. Loss: 1 x squared error + 0.01 x cross-entropy (official code).

How words are found differs. The paper looks for patients that resemble a reference (nearest
neighbours of auto-encoder features), cuts the same coordinates out of them, and filters the crops;
44 words in the code. Here all frontal radiographs count as alike, since they are taken alike, and
nothing is filtered: the words are the places of a lattice of 7 x 6 crops of half the side. No
radiograph is registered to another. The recipe neither flips nor turns the image, which would move
the places; the crop itself is mirrored with probability 0.4 (`flip`), the target as well. One crop
an image and step. AdamW; the ResNet of this comparison with a U-Net decoder, and one linear layer
on the pooled last map as the classifier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.methods.restoration_settings import GENESIS_RATES, SIZES, restoration_recipe
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="transvw",
    version=1,
    title="TransVW",
    kind="method",
    source="TransVW (Haghighi et al., IEEE TMI 2021); github.com/fhaghighi/TransVW",
    capabilities=("image_features", "fine_tune"),
    options={
        "word_rows": 7,
        "word_columns": 6,
        # Side of a crop as a share of the image's.
        "crop_share": 0.5,
        # Width of the range around its place in which a crop lies, in steps of the lattice.
        "jitter": 0.0,
        "flip": 0.4,
        # Weights of the two losses.
        "restoration": 1.0,
        "classification": 0.01,
        **GENESIS_RATES,
    },
    sizes=SIZES,
    pretraining=restoration_recipe(
        "ours: the paper's values are for cubes; no flip, since it would move the words", 0.0
    ),
    house="house_resnet",
    uses_text=False,
    no_capability_reason="image-only: there is no text tower",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.methods.restoration import build_image_only
    from baselines.methods.transvw import TransVW

    model: Representation = build_image_only(context, TransVW)
    return model
