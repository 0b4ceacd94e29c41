"""M-FLAG: image features drawn to the vectors of a frozen language model, kept orthogonal.

Liu et al., "M-FLAG: Medical vision-language pre-training with frozen language models and latent
space geometry optimization", MICCAI 2023; code cheliu-computation/M-FLAG-MICCAI2023. There are no
negatives: what keeps all images from one common vector is the frozen text side and the
orthogonality of the pooled image features.

Defaults are the official code's. Its alignment sums two equal directions; `alignment=once` counts
it once. It divides the second moments by the configured batch, which `nominal_batch` can name; 0
takes the rows there are, the same thing for full batches. Its frozen BERT stays in training mode,
so that a report has other vectors each time; `frozen_dropout=off` ends that (no matter in the
small sizes, whose dropout is 0). Both losses look at the rows of one process, as there.

Different here: the frozen language model is the house's instead of CXR-BERT, and a tower without
start weights is not frozen, since random text vectors would be all it offers. AdamW under one
half cosine instead of warm restarts. Rotation is uniform in +-45 degrees where the code turns by 0
to 90, one way; a random 224 px cut-out of 256 px is a magnification with a shift; perspective and
automatic contrast are left out. The paper scores no zero-shot task: cosines in the space of the
alignment are ours. Patches are never projected, so there is no grounding.
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
    name="mflag",
    version=1,
    title="M-FLAG",
    kind="method",
    source="M-FLAG (Liu et al., MICCAI 2023); github.com/cheliu-computation/M-FLAG-MICCAI2023",
    capabilities=("image_features", "fine_tune", "zero_shot", "text_features"),
    image_profile=ImageProfile(mean=0.5, std=0.5),
    options={
        # `official` (twice) or `once`.
        "alignment": "official",
        "off_diagonal": 0.0051,
        # The divisor of the second moments; 0 = the rows there are.
        "nominal_batch": 0,
        # `official` (dropout goes on in the frozen BERT) or `off`.
        "frozen_dropout": "official",
    },
    sizes=with_text(
        RESNET_IMAGE,
        paper={"hidden_width": 2048, "shared_width": 1024},
        demo={"hidden_width": 256, "shared_width": 128},
        toy={"hidden_width": 64, "shared_width": 48},
    ),
    pretraining=PretrainRecipe(
        source="official code; its warm restarts are one half cosine here, batch is that of a GPU",
        image_size=224,
        geometry="squash",
        batch_size=512,
        contrastive_batch=512,
        epochs=51,
        learning_rate=2e-5,
        warmup_epochs=0,
        weight_decay=0.05,
        betas=(0.9, 0.999),
        flip_probability=0.0,
        rotation_degrees=45.0,
        # 256 / 224, and the 16 px on either side as a share of the 224.
        scale=(8 / 7, 8 / 7),
        translation=1 / 14,
        sentence_sampling=False,
        text_sections=("impression", "findings"),
    ),
    house="house_resnet",
    no_capability_reason="it aligns pooled vectors; its projection is not made for patches",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.mflag import MFlag

    model: Representation = build_with_reports(context, MFlag)
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
