"""MGCA (ResNet-50): the convolutional form of `mgca`, with the same losses, options and recipe.

Wang et al., NeurIPS 2022; official code HKU-MedAI/MGCA. Images are enlarged from 224 to 299
pixels as in the code; patches are the 19 x 19 cells of the third stage and weigh all the same
in the token loss, since there is no attention to take weights from; the whole-image vector is the
mean of the last stage. Fine-tuned and dense trunks are the plain ResNet without the enlargement.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from baselines.encoders.sizes import RESNET_IMAGE, with_text
from baselines.mgca import BASELINE as MGCA
from baselines.mgca import DEMO_HEADS, PAPER_HEADS, TOY_HEADS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmark.interfaces import BuildContext, Representation

BASELINE = replace(
    MGCA,
    name="mgca_resnet50",
    title="MGCA (ResNet-50)",
    sizes=with_text(
        RESNET_IMAGE,
        paper={**PAPER_HEADS, "enlargement": 299 / 224},
        demo=DEMO_HEADS,
        toy=TOY_HEADS,
    ),
    house="house_resnet",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.mgca import MGCAResNet

    model: Representation = build_with_reports(context, MGCAResNet)
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
