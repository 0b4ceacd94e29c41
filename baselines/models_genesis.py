"""Models Genesis in two dimensions: bent, shuffled and painted radiographs are restored.

Zhou et al., "Models Genesis", Medical Image Analysis 2021; code MrGiovanni/ModelsGenesis, which is
for cubes of CT. Its distortions, their order and their probabilities are taken over for planes:
a Bezier curve through the grey values (0.9), pixels shuffled within small windows (0.5), then
noise (0.9) over rectangles (a fifth of those images) or over all but rectangles. It flips with
probability 0.4, the target as well, which the recipe does here.

Different: the images are normalised, so grey values are taken between the least and the greatest
of an image, and the decoder ends without a sigmoid; the shuffled windows tile the image, where
the code draws ten thousand; an axis is flipped once, and it is the horizontal one alone. AdamW in
place of SGD with rate 1; the ResNet of this comparison with a U-Net decoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.methods.restoration_settings import GENESIS_RATES, SIZES, restoration_recipe
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="models_genesis",
    version=1,
    title="Models Genesis",
    kind="method",
    source="Models Genesis (Zhou et al., Medical Image Analysis 2021); "
    "github.com/MrGiovanni/ModelsGenesis",
    capabilities=("image_features", "fine_tune"),
    # Probabilities; `inner` is the share of painted images with covered rectangles.
    options=GENESIS_RATES,
    sizes=SIZES,
    pretraining=restoration_recipe(
        "flip: official code; the rest ours, since the paper's values are for cubes", 0.4
    ),
    house="house_resnet",
    uses_text=False,
    no_capability_reason="image-only: there is no text tower",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.methods.restoration import ModelsGenesis, build_image_only

    model: Representation = build_image_only(context, ModelsGenesis)
    return model
