"""BioViL: contrast of images with reports beside masked language; a re-implementation.

Boecking et al., "Making the most of text semantics to improve biomedical vision-language
processing", ECCV 2022. The official package (microsoft/hi-ml, hi-ml-multimodal) has the models
and the inference, but no training code, and the recipe of the joint stage is not public. Built
after the package: ResNet-50 at 480 px without mean and standard deviation, the two 1 x 1
convolutions with BatchNorm whose mean over the patches is the image's vector, the head on CLS,
prompts without their last stop (`strip_prompts`), grounding by cosines of projected patches.

Not public, so chosen here: the symmetric InfoNCE at a fixed temperature of 0.5, masked language
with weight 0.1 on the same texts (`language_weight`), negatives of all processes, and as recipe
the rate of 2e-5 with MaCo's batch, epochs and warm-up. Rotation, shear and grey-value changes are
those that the paper is remembered to have, unchecked; there is no flip, since phrases name sides.

Different from the paper: the start is the house's, as that of all methods, where the paper has a
SimCLR image tower and a CXR-BERT that learned from PubMed and to match report sections; the
tokenizer is the house's; the square is cut from an image of 480 px instead of 512.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from baselines.encoders.sizes import RESNET_IMAGE, with_text
from benchmark.recipes import PretrainRecipe
from benchmark.specs import BaselineSpec, ImageProfile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="biovil",
    version=1,
    title="BioViL (re-implementation, recipe not public)",
    kind="method",
    source="BioViL (Boecking et al., ECCV 2022); github.com/microsoft/hi-ml, hi-ml-multimodal",
    capabilities=("image_features", "fine_tune", "zero_shot", "grounding", "text_features"),
    image_profile=ImageProfile(mean=0.0, std=1.0),
    options={
        "temperature": 0.5,
        "language_weight": 0.1,
        "gather": True,
        "strip_prompts": True,
    },
    sizes=with_text(
        RESNET_IMAGE,
        paper={"shared_width": 128},
        demo={"shared_width": 128},
        toy={"shared_width": 48},
    ),
    pretraining=PretrainRecipe(
        source="not public: rate as reported for the joint stage; batch, epochs, warm-up and decay "
        "are MaCo's; augmentation from memory of the paper",
        image_size=480,
        geometry="resize_crop",
        batch_size=512,
        contrastive_batch=512,
        epochs=30,
        learning_rate=2e-5,
        warmup_epochs=2,
        weight_decay=0.05,
        betas=(0.9, 0.999),
        flip_probability=0.0,
        rotation_degrees=30.0,
        scale=(1.0, 1.0),
        shear_degrees=15.0,
        brightness=(0.8, 1.2),
        contrast=(0.8, 1.2),
        sentence_sampling=False,
    ),
    house="house_resnet",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.biovil import BioViL

    model: Representation = build_with_reports(context, BioViL)
    return model


def load(
    path: Path,
    options: Mapping[str, Any] | None = None,
    tokenizer_json: str | None = None,
    trusted: bool = False,
) -> Representation:
    """Weights in our own form or in the official one; see `baselines.checkpoints.released`."""
    from baselines.checkpoints.released import load as load_weights

    given = BASELINE.options if options is None else options
    return load_weights(BASELINE.name, build, path, given, tokenizer_json, trusted)
