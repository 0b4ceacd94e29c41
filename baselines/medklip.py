"""MedKLIP: queries for findings read an image and say whether and where each of them is.

Wu et al., "MedKLIP: medical knowledge enhanced language-image pre-training for X-ray diagnosis",
ICCV 2023; code MediaBrain-SJTU/MedKLIP. The knowledge is a short explanation of every entity, read
once by a frozen text tower. A decoder of four layers takes these as queries and the third stage of
a ResNet-50 as memory. Existence is a cross-entropy of two classes; entities that a report does not
name, or names with doubt, are left out. The place of a present entity is told apart from 7 others
by dot products with the tower's vectors of places.

Different, for want of its annotation: entities, their states and places come from a stated rule on
keywords and negations (`baselines/methods/medklip_entities.py`), where the paper has triplets of
RadGraph; 51 entities and 41 places of our choice with explanations of ours, where it has 75 and
51. A present entity without a named place takes no part in the contrast of places.

`entity_vector=mean` averages the tower's states, since our house tower is not trained on `[CLS]`;
the paper's form is `cls`. `location=false` leaves the contrast of places out, and `unseen` names
entities that the losses leave out (official `no_cl` and `exclude_class`).

The ResNet begins with the house start instead of nothing. The fourth stage is untouched by
pre-training, as officially, and fine-tuning takes it as it began; linear probing looks at the
third. RandAugment is left out. Zero-shot: a prompt is assigned to the entity it names, and scored
with the logit of present, or, for a denial, of absent, so that the protocol's softmax over both is
the paper's score.

Official weights (`--weights`) are read with the paper's queries, from the explanations and the
Bio_ClinicalBERT that lie beside them, and with each colour's own mean and deviation
(`baselines/methods/official_medklip.py`). Prompts of the kind "no FINDING" give the paper's
probability; "the lung is clear", one of MaCo's, asks another query.
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
    name="medklip",
    version=1,
    title="MedKLIP",
    kind="method",
    source="MedKLIP (Wu et al., ICCV 2023); github.com/MediaBrain-SJTU/MedKLIP",
    capabilities=("image_features", "fine_tune", "zero_shot"),
    # ImageNet's means and deviations, averaged over the colours.
    image_profile=ImageProfile(mean=0.449, std=0.226),
    options={
        # `mean` or `cls`.
        "entity_vector": "mean",
        "location": True,
        # Wrong places beside the right one.
        "negatives": 7,
        # Names of entities without a loss, commas between.
        "unseen": "",
    },
    sizes=with_text(
        RESNET_IMAGE,
        paper={
            # How many of the list, from its beginning; 0 = all.
            "entities": 0,
            "query_width": 256,
            "query_layers": 4,
            "query_heads": 4,
            "query_hidden": 1024,
            "query_dropout": 0.1,
            "text_length": 128,
        },
        demo={
            "entities": 0,
            "query_width": 64,
            "query_layers": 4,
            "query_heads": 4,
            "query_hidden": 256,
            "query_dropout": 0.1,
        },
        toy={
            "entities": 24,
            "query_width": 16,
            "query_layers": 2,
            "query_heads": 2,
            "query_hidden": 32,
            "query_dropout": 0.0,
        },
    ),
    pretraining=PretrainRecipe(
        source="official code; RandAugment is left out",
        image_size=224,
        geometry="squash",
        batch_size=48,
        contrastive_batch=48,
        epochs=100,
        learning_rate=1e-4,
        final_learning_rate=1e-5,
        warmup_epochs=5,
        weight_decay=0.02,
        betas=(0.9, 0.999),
        flip_probability=0.5,
        crop_scale=(0.2, 1.0),
        sentence_sampling=False,
    ),
    house="house_resnet",
    extra_annotation="entities by a keyword rule from the reports (the paper: RadGraph triplets)",
    no_capability_reason="its queries are the entities of a fixed list, not free phrases",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.medklip import MedKLIP
    from baselines.methods.official_medklip import OFFICIAL, OfficialMedKLIP

    official = context.size.get("queries") == OFFICIAL
    model: Representation = build_with_reports(context, OfficialMedKLIP if official else MedKLIP)
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
