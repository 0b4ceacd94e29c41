"""MRM: masked record modelling, from images and reports.

Zhou, Lian, Wang, Yu, "Advancing radiograph representation learning with masked record modeling",
ICLR 2023. Three quarters of the patches and half of the words are hidden. The image is restored at
twice the resolution from its visible patches; the words are restored by a small BERT with the
image's help: the mean of the visible patches, projected, is added to every token embedding after
the embeddings' LayerNorm and dropout. Both losses have weight 1.

Defaults follow the paper. Where the official code (RL4M/MRM-pytorch) differs, an option has its
form: `mlm_positions=all` (words are named at all positions of the padded text, visible words and
padding included, and the last position is never hidden), `antialias=false` (its environment
reduced tensors without). Taken from the code, since the paper is silent: whole words are hidden
together, always by the mask token; no `[SEP]`; the output layer has word vectors of its own
(`tied_words=false`); the frequencies of the position tables.

Differs from both: a tokenizer trained on the corpus, the image padded to a square before the crop,
bilinear in place of bicubic crops, headings of the report not read. Start weights are the
recipe's, not MAE's on ImageNet. There is no vector of a text alone, hence neither zero-shot
classification nor grounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from baselines.encoders.settings import SIZES
from benchmark.recipes import PretrainRecipe
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="mrm",
    version=1,
    title="MRM",
    kind="method",
    source="MRM (Zhou et al., ICLR 2023); github.com/RL4M/MRM-pytorch",
    capabilities=("image_features", "fine_tune"),
    options={
        "high_resolution": True,
        "mask_ratio": 0.75,
        "norm_pix_loss": True,
        "antialias": True,
        "token_mask_ratio": 0.5,
        "whole_words": True,
        "mlm_positions": "masked",
        "tied_words": False,
    },
    sizes={
        name: {key: value for key, value in size.items() if key != "shared_width"}
        for name, size in SIZES.items()
    },
    pretraining=PretrainRecipe(
        source="MRM, ICLR 2023; official code (run.sh, data loader); geometry: as MaCo",
        image_size=224,
        geometry="pad_square",
        batch_size=256,
        contrastive_batch=256,
        epochs=200,
        learning_rate=1.5e-4,
        warmup_epochs=40,
        weight_decay=0.05,
        betas=(0.9, 0.95),
        flip_probability=0.5,
        rotation_degrees=0.0,
        scale=(1.0, 1.0),
        crop_scale=(0.2, 1.0),
        sentence_sampling=False,
    ),
    house="house_vit",
    no_capability_reason="its text tower restores words with the image's help; there is no vector "
    "of a text alone",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.mrm import MaskedRecordModel

    return build_with_reports(context, MaskedRecordModel)


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
