"""MaCo: masked contrastive learning with correlation weighting, from images and reports.

Huang et al., "Enhancing representation in radiography-reports foundation model: a granular
alignment algorithm using masked contrastive learning", Nature Communications 15:7620 (2024).

Defaults follow the paper's text. Where the official code (SZUHvern/MaCo) differs, an option has
its form: `weighting=official` (class-weighted cross-entropy, scoring layer with bias),
`loss_weighting=code` (both losses with weight 1; its lambda is never used), `antialias=false`.
Not stated in the paper and taken from the code: mask ratio 0.5, plain pixel targets, the squared
error, the decoder, and the inverse temperature as the learned quantity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from baselines.encoders.settings import PAPER_RECIPE, SIZES, family_options
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

    from benchmark.interfaces import BuildContext, PretrainBatch, Representation

BASELINE = BaselineSpec(
    name="maco",
    version=1,
    title="MaCo",
    kind="method",
    source="MaCo, Nature Communications 15:7620 (2024); github.com/SZUHvern/MaCo",
    capabilities=("image_features", "fine_tune", "zero_shot", "grounding", "text_features"),
    options=family_options(weighting="paper", high_resolution=True),
    sizes=SIZES,
    pretraining=PAPER_RECIPE,
    house="house_vit",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.image_text import build_model

    return build_model(context)


def published_forward(model: Any, batch: PretrainBatch, generator: torch.Generator) -> None:
    """The pre-training forward with what the official code computes and does not use."""
    from baselines.objectives.idle_language_head import with_idle_language_head

    with_idle_language_head(model, batch, generator)


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
