"""KAD: names of findings, read by a text tower that knows UMLS, query the cells of a ResNet.

Zhang et al., "Knowledge-enhanced visual-language pre-training on chest radiology images", Nature
Communications 2023; code xiaoman-zhang/KAD. For evaluation alone: its pre-training needs the
entities of each report (RadGraph, UMLS) and a text tower trained on UMLS, which images and reports
do not give. The sizes `demo` and `toy` are small random networks for tests.

Zero-shot: a prompt's finding is cut out (`baselines/methods/kad_prompts.py`) and asked for by the
paper's name of it (`query_names=paper`: "lung mass"); `plain` keeps the prompt's. The queries of a
task look at one another and are asked together, as officially. With prompts of the kind "no
FINDING" (`chexzero`) the score is the paper's probability. MaCo's prompts have "the lung is clear"
besides, which is asked in its own words and joins the negative side.

Each colour has its own mean and deviation of ImageNet, in the first convolution. The official
loaders resize NIH's images, which are square, and squash the others; here the task's geometry
holds. `image_side` is the side of the input: 0 takes 224 for a file that reads the third stage and
512 for one that reads the fourth; KAD-1024 has the tensors of KAD-512 and needs `image_side=1024`.
Of a file that reads the third stage, fine-tuning takes the fourth as ImageNet left it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from baselines.encoders.sizes import RESNET_IMAGE, with_text
from benchmark.specs import BaselineSpec, ImageProfile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="kad",
    version=1,
    title="KAD (released weights)",
    kind="method",
    source="KAD (Zhang et al., Nature Communications 2023); github.com/xiaoman-zhang/KAD",
    capabilities=("image_features", "fine_tune", "zero_shot", "text_features"),
    # ImageNet's means and deviations, averaged over the colours.
    image_profile=ImageProfile(mean=0.449, std=0.226),
    options={
        # `paper` or `plain`.
        "query_names": "paper",
        # In pixels; 0 = as the file's kind has it.
        "image_side": 0,
    },
    sizes=with_text(
        RESNET_IMAGE,
        paper={
            # Which of the ResNet's stages is read.
            "stage": 4,
            "query_width": 768,
            "query_layers": 4,
            "query_heads": 4,
            "query_hidden": 1024,
            "query_dropout": 0.1,
            "vocabulary": 30522,
            "read_length": 256,
        },
        demo={
            "stage": 4,
            "query_width": 64,
            "query_layers": 4,
            "query_heads": 4,
            "query_hidden": 256,
            "query_dropout": 0.1,
        },
        toy={
            "stage": 3,
            "query_width": 16,
            "query_layers": 2,
            "query_heads": 2,
            "query_hidden": 32,
            "query_dropout": 0.0,
        },
    ),
    pretraining=None,
    released="best_valid.pt of KAD-512 or KAD-1024, linked in github.com/xiaoman-zhang/KAD, and "
    "vocab.txt of PubMedBERT beside it; their licences stand there",
    extra_annotation="entities and findings of each report by RadGraph and UMLS",
    no_capability_reason="no loss compares patches with phrases; its attention maps are figures",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.kad import KAD

    side = int(context.options["image_side"]) or context.image_size
    model: Representation = build_with_reports(dataclasses.replace(context, image_size=side), KAD)
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
