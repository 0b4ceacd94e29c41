"""MGCA (ViT): images and reports aligned as wholes, token by token, and by shared prototypes.

Wang et al., "Multi-granularity cross-modal alignment for generalized medical visual
representation learning", NeurIPS 2022; official code HKU-MedAI/MGCA.

Options, the default first; where paper and code differ the default follows the paper, whose
forms of `sums` and `token_attention` are known from memory alone:

- `sums`: `paper` halves the two directions of the instance loss and the two token losses;
  `official` adds them.
- `token_attention`: `projected` has learned query, key and value matrices; `plain` is the
  official default, a softmax of cosines over 0.1.
- `loss_weights`: `cli` = 1, 1, 1 (command line), or `constructor` = 1, 0.7, 0.5.
- `word_attention`: `aligned`, or `official` with its two faults: each word weighs as much as the
  next token, and a text of full length loses its last word.
- `patch_context`: `normalised`, or `official`, which leaves a patch's context at its own length
  on the ViT (on the ResNet both are the same).
- `padding_words`: `negatives`, empty word slots stay among the negatives as in the code, or
  `left_out`.
- `frozen_prototype_steps`: the official code drops the prototypes' gradient in the first epoch.
  A method does not know epochs, so the first steps are counted instead; null takes the size's
  number, at real size an epoch of the paper's corpus (217,000 pairs in batches of 144).
- `gather`: negatives and prototype balance from all processes; the official negatives are those
  of one.

Differs from the paper: positions are the house ViT's fixed ones, not DeiT's learned ones, and
tokenizer and text encoder are the house's, without `[SEP]` (equal terms). Not in the official
code: zero-shot scores are cosines of the instance loss's vectors; grounding compares patches of
the token head with the report vector of the instance head. No loss brings those two heads
together, so that grounding is only weakly justified.
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

PAPER_HEADS = {
    # 6 of BERT-base's 12 layers.
    "text_depth": 6,
    "text_length": 112,
    "head_width": 2048,
    "shared_width": 128,
    "prototypes": 500,
    "frozen_prototype_steps": 1507,
}
DEMO_HEADS = {
    "head_width": 128,
    "shared_width": 64,
    "prototypes": 50,
    "frozen_prototype_steps": 250,
}
TOY_HEADS = {
    "head_width": 48,
    "shared_width": 32,
    "prototypes": 16,
    "frozen_prototype_steps": 0,
}

BASELINE = BaselineSpec(
    name="mgca",
    version=1,
    title="MGCA (ViT)",
    kind="method",
    source="MGCA (Wang et al., NeurIPS 2022); github.com/HKU-MedAI/MGCA",
    capabilities=("image_features", "fine_tune", "zero_shot", "grounding", "text_features"),
    image_profile=ImageProfile(mean=0.5, std=0.5),
    options={
        "loss_weights": "cli",
        "sums": "paper",
        "token_attention": "projected",
        "word_attention": "aligned",
        "patch_context": "normalised",
        "padding_words": "negatives",
        "frozen_prototype_steps": None,
        "gather": True,
    },
    sizes=with_text(VIT_IMAGE, paper=PAPER_HEADS, demo=DEMO_HEADS, toy=TOY_HEADS),
    pretraining=PretrainRecipe(
        source="MGCA, official code: AdamW, 72 pairs on each of 2 GPUs, at most 50 epochs (early "
        "stopping there, none here), warm-up over 40 % of the steps; RandomCrop of 224 from 256 "
        "pixels as a fixed magnification and a shift",
        image_size=224,
        geometry="pad_square",
        batch_size=144,
        contrastive_batch=144,
        epochs=50,
        learning_rate=2e-5,
        warmup_epochs=20,
        weight_decay=0.05,
        betas=(0.9, 0.999),
        flip_probability=0.0,
        rotation_degrees=0.0,
        scale=(256 / 224, 256 / 224),
        translation=16 / 224,
        sentence_sampling=False,
        text_sections=("impression", "findings"),
    ),
    house="house_vit",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.mgca import MGCAViT

    model: Representation = build_with_reports(context, MGCAViT)
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
