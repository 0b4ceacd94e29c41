"""ConVIRT: the contrast of a radiograph with one sentence of its report.

Zhang et al., "Contrastive Learning of Medical Visual Representations from Paired Images and Text",
arXiv 2010.00747; MLHC 2022. There is no official code, and re-implementations differ. The defaults
are the paper's: maximum over the tokens of the last layer, two-layer heads to 512, tau 0.1, weight
0.75 on the direction from image to text, one random sentence a step, and the text tower's word
vectors and first half frozen where they were pre-trained. Options have the other forms:
`text_pooling=mean` (edreisMD), `text_pooling=cls` (MGCA's comparison), `sentence=all`
(the whole report), `temperature`, `image_weight` (0.5 is CLIP's), `gather=false` (negatives of one
GPU). The hidden layer of a head is as wide as its input, which the paper does not state. In a
widely used re-implementation the text branch gets no gradient; here it does.

Grounding is derived, the paper has none: the image head is applied to each cell of the last map.

BenchX's weights (`--weights`) differ: both heads are as wide as the text tower, texts are its
pooler's output, the tower may be a RoBERTa, and each colour has its own mean and deviation
(`baselines/methods/official_convirt.py`). Their temperature is 0.1, the default.
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
    name="convirt",
    version=1,
    title="ConVIRT",
    kind="method",
    source="ConVIRT (Zhang et al., arXiv 2010.00747; MLHC 2022); no official code",
    capabilities=("image_features", "fine_tune", "zero_shot", "grounding", "text_features"),
    # Not stated in the paper; LoVT's re-implementation has one half for both.
    image_profile=ImageProfile(mean=0.5, std=0.5),
    options={
        "sentence": "random",
        "text_pooling": "max",
        "temperature": 0.1,
        "image_weight": 0.75,
        "gather": True,
    },
    sizes=with_text(
        RESNET_IMAGE,
        paper={"shared_width": 512},
        demo={"shared_width": 128},
        toy={"shared_width": 32},
    ),
    pretraining=PretrainRecipe(
        source="ConVIRT, arXiv 2010.00747, appendix. There: Adam, and a rate that halves on a "
        "plateau; here AdamW and a cosine. There: a crop and an affine transform of +-20 degrees; "
        "here the crop alone. Padding: LoVT's re-implementation",
        image_size=224,
        geometry="pad_square",
        batch_size=32,
        contrastive_batch=32,
        epochs=200,
        learning_rate=1e-4,
        warmup_epochs=0,
        weight_decay=1e-6,
        betas=(0.9, 0.999),
        flip_probability=0.5,
        rotation_degrees=0.0,
        scale=(1.0, 1.0),
        crop_scale=(0.6, 1.0),
        brightness=(0.6, 1.4),
        contrast=(0.6, 1.4),
        blur_sigma=(0.45, 13.4),
        sentence_sampling=False,
    ),
    house="house_resnet",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.convirt import ConVIRT
    from baselines.methods.official_convirt import TOWERS, OfficialConVIRT

    released = context.size.get("towers") == TOWERS
    model: Representation = build_with_reports(context, OfficialConVIRT if released else ConVIRT)
    return model


def load(
    path: Path,
    options: Mapping[str, Any] | None = None,
    tokenizer_json: str | None = None,
    trusted: bool = False,
) -> Representation:
    """Weights in our own form or in BenchX's; see `baselines.checkpoints.released`."""
    from baselines.checkpoints.released import load as load_weights

    given = BASELINE.options if options is None else options
    return load_weights(BASELINE.name, build, path, given, tokenizer_json, trusted)
