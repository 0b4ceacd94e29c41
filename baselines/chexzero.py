"""CheXzero: CLIP on radiographs and the impressions of their reports, trained on equal terms.

Tiu et al., "Expert-level detection of pathologies from unannotated chest X-ray images via
self-supervised learning", Nature Biomedical Engineering 2022; code rajpurkarlab/CheXzero. The
official weights are OpenAI's CLIP, fine-tuned on MIMIC-CXR; 400 million pairs from the web are no
equal terms, so this row is not that model. Official files (`--weights`) are read into CLIP's own
towers, `baselines.methods.official_clip`; they do without segmentation and detection.

Kept: the impression alone, images padded to a square with the official mean and deviation, no
augmentation, the symmetric contrast under exp of a learned logarithm without an upper end
(`scale_limit` can set one), CLS after the norm and one linear map without bias, 77 word pieces,
batches of 16 for 4 epochs at a constant 1e-4. Patches through the map of CLS give a weak grounding.

Different: the house's ViT (patches of 16 px instead of 32, sin-cos positions) and BERT instead of
CLIP's towers; AdamW instead of SGD with momentum 0.9; a report without an impression gives its
last paragraph instead of a fixed sentence; the weights are those of the last step, no ensemble of
checkpoints chosen by labels. Probabilities here use the learned scale, where the official ones use
plain cosines: the ranking of images within a class is the same.
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
    name="chexzero",
    version=1,
    title="CheXzero (trained here)",
    kind="method",
    source="CheXzero (Tiu et al., Nature Biomedical Engineering 2022); "
    "github.com/rajpurkarlab/CheXzero",
    capabilities=("image_features", "fine_tune", "zero_shot", "grounding", "text_features"),
    # The official numbers are for grey values from 0 to 255.
    image_profile=ImageProfile(mean=101.48761 / 255, std=83.43944 / 255),
    options={"temperature": 0.07, "scale_limit": None, "gather": True},
    sizes=with_text(
        VIT_IMAGE,
        paper={"shared_width": 512, "text_length": 77},
        demo={"shared_width": 128},
        toy={"shared_width": 48},
    ),
    pretraining=PretrainRecipe(
        source="official code; SGD with momentum 0.9 there, AdamW here",
        image_size=224,
        geometry="pad_square",
        batch_size=16,
        contrastive_batch=16,
        epochs=4,
        learning_rate=1e-4,
        # Equal to the peak: there is no schedule.
        final_learning_rate=1e-4,
        warmup_epochs=0,
        weight_decay=0.0,
        betas=(0.9, 0.999),
        flip_probability=0.0,
        rotation_degrees=0.0,
        scale=(1.0, 1.0),
        sentence_sampling=False,
        text_sections=("impression",),
    ),
    house="house_vit",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.chexzero import CheXzero
    from baselines.methods.official_clip import TOWERS, OfficialClip

    if context.size.get("towers") == TOWERS:
        return OfficialClip(context)
    model: Representation = build_with_reports(context, CheXzero)
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
