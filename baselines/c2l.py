"""C2L: two views of a radiograph, and blends of radiographs, are found among a queue of others.

Zhou et al., "Comparing to learn: surpassing ImageNet pretraining on radiographs by comparing image
representations", MICCAI 2020; code funnyzhou/C2L_MICCAI2020. A teacher is the moving average of
the student. Three contrasts are averaged: student and teacher on two views; both on blended views;
the student on a blended view with the blended vectors of the teacher. Each of the three puts its
teacher vectors into the queue.

`criterion=softmax` is the contrast of the paper's formula as we read it; the code's default is
`nce`, a binary one per queue entry. Three square holes of 32 of 224 px are cut into each view,
filled with the profile's mean.

Different: ResNet-50 instead of ResNet-18 (the encoder of all convolutional methods here); AdamW
under a half cosine instead of SGD with rate 0.03 in steps; one process does not shuffle its batch
for the teacher's batch norm; a random crop stands in place of crop and rotation by 10 degrees, and
saturation, hue and grey tones mean nothing for grey images. The teacher steps before the next
batch instead of after the last one: the same teacher for each batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from baselines.encoders.sizes import RESNET_IMAGE
from benchmark.recipes import PretrainRecipe
from benchmark.specs import BaselineSpec, ImageProfile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.interfaces import BuildContext, Representation

_HEADS: Mapping[str, Mapping[str, Any]] = {
    "paper": {"projection": 128, "queue": 16384},
    "demo": {"projection": 64, "queue": 2048},
    "toy": {"projection": 16, "queue": 64},
}

BASELINE = BaselineSpec(
    name="c2l",
    version=1,
    title="C2L",
    kind="method",
    source="C2L (Zhou et al., MICCAI 2020); github.com/funnyzhou/C2L_MICCAI2020",
    capabilities=("image_features", "fine_tune"),
    # ImageNet's means and deviations, averaged over the colours.
    image_profile=ImageProfile(mean=0.449, std=0.226),
    options={
        # `softmax` or `nce`.
        "criterion": "softmax",
        "temperature": 0.07,
        "momentum": 0.999,
        "holes": 3,
        # Side of a hole as a share of the image's.
        "hole_share": 1 / 7,
    },
    sizes={name: {**RESNET_IMAGE[name], **_HEADS[name]} for name in RESNET_IMAGE},
    pretraining=PretrainRecipe(
        source="official code; AdamW and its rate are ours, SGD with rate 0.03 there",
        image_size=224,
        geometry="resize_crop",
        batch_size=128,
        contrastive_batch=128,
        epochs=120,
        learning_rate=5e-4,
        warmup_epochs=5,
        weight_decay=1e-4,
        betas=(0.9, 0.999),
        flip_probability=0.5,
        rotation_degrees=10.0,
        scale=(1.0, 1.0),
        crop_scale=(0.2, 1.0),
        brightness=(0.6, 1.4),
        contrast=(0.6, 1.4),
        image_views=2,
        sentence_sampling=False,
    ),
    house="house_resnet",
    uses_text=False,
    no_capability_reason="image-only: there is no text tower",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.methods.c2l import C2L
    from baselines.methods.restoration import build_image_only

    model: Representation = build_image_only(context, C2L)
    return model
