"""REFERS, single-view (ViT): reports are written from the image, and told apart.

Zhou et al., "Generalized radiograph representation learning via cross-supervision between images
and free-text radiology reports", Nature Machine Intelligence 4 (2022); official code
funnyzhou/REFERS. The total is the caption's cross-entropy plus a contrast of ConVIRT's kind
(temperature 0.1, lambda 0.75 for image to text).

Single-view: the paper draws three views of a study, joins their CLS tokens to a study vector and
their gated patches to one sequence. Here there is one image a report; the gate stays, with one
view to look at.

Options, the default first:

- `text_to_image_gradient`: true, since the paper minimises both directions; false is the official
  code, where that direction is a plain number without gradient.
- `contrast_lambda`: 0.75.
- `gather`: negatives from all processes; officially those of one.

Differs: the decoder reads and writes the text encoder's word pieces (officially SentencePiece
with 10,000); there is no end-of-report piece, so that it does not learn to stop. Positions of the
ViT are fixed. Left and right are not swapped in flipped images' reports, so nothing is flipped.
No layer of BERT is frozen, as in the official code.

Official files (`--weights`) hold the image tower alone. It is read with learned positions and each
colour's own mean and deviation (`baselines/methods/official_refers.py`); CLS is its feature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from baselines.encoders.sizes import VIT_IMAGE, with_text
from benchmark.recipes import PretrainRecipe
from benchmark.specs import BaselineSpec, ImageProfile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="refers",
    version=1,
    title="REFERS (single-view)",
    kind="method",
    source="REFERS (Zhou et al., Nature Machine Intelligence 2022); github.com/funnyzhou/REFERS",
    capabilities=("image_features", "fine_tune"),
    # Mean over the channels of ImageNet's three means and deviations.
    image_profile=ImageProfile(mean=0.449, std=0.226),
    options={"text_to_image_gradient": True, "contrast_lambda": 0.75, "gather": True},
    sizes=with_text(
        VIT_IMAGE,
        paper={
            "text_length": 100,
            "caption_width": 1024,
            "caption_heads": 16,
            "caption_intermediate": 4096,
        },
        demo={"caption_width": 128, "caption_heads": 4, "caption_intermediate": 256},
        toy={"caption_width": 48, "caption_heads": 4, "caption_intermediate": 96},
    ),
    pretraining=PretrainRecipe(
        source="REFERS, official configuration: 400,000 steps, 10,000 of warm-up, clipping at 10, "
        "weight decay 1e-4. Ours: AdamW stands in for SGD 0.9 with LookAhead at 3e-3 (BERT 3e-4), "
        "at a rate that suits it; 32 pairs a step, which makes the steps 56 epochs of MIMIC-CXR's "
        "227,000 studies; range of the crop",
        image_size=224,
        geometry="pad_square",
        batch_size=32,
        contrastive_batch=32,
        epochs=56,
        learning_rate=1e-4,
        warmup_epochs=1.4,
        weight_decay=1e-4,
        betas=(0.9, 0.999),
        gradient_clip=10.0,
        flip_probability=0.0,
        crop_scale=(0.2, 1.0),
        sentence_sampling=False,
    ),
    house="house_vit",
    no_capability_reason="it learns to write reports; the image side of its contrast is a study's "
    "three views joined, and the paper scores neither class prompts nor phrases",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.official_refers import TOWERS, build_official
    from baselines.methods.refers import Refers

    if context.size.get("towers") == TOWERS:
        return build_official(context)
    model: Representation = build_with_reports(context, Refers)
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
