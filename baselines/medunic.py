"""Med-UniC for one language (ViT): CLIP, a contrast of two image views, and aligned readings.

Wan et al., "Med-UniC: Unifying cross-lingual medical vision-language pre-training by diminishing
bias", NeurIPS 2023; official code SUSTechBruce/Med-UniC. The paper mixes English and Spanish
reports; with one language its text term is a plain regulariser of the text encoder, so that a
result here says nothing of the paper's cross-lingual claim.

Options, the default first:

- `text_alignment`: `both` aligns features and reports (the paper's sum of two terms, known from
  memory alone); `features` is what the official code runs by default; `instances` is its other
  term. Factors are the code's.
- `text_lambda`: 0.1, weight of the text term.
- `gather`: negatives and correlations from all processes; officially those of one.

Differs: the second view was augmented more strongly than the first (which was only cropped);
here both are drawn alike, with half of the second view's rotation. Correlations are divided by
the reports that are there, not by the configured batch. The text encoder is the house's instead
of one with a bilingual vocabulary, positions of the ViT are fixed; its first nine of twelve
layers rest after a start from weights. The small sizes have text dropout 0.1, since without it
the two readings would be equal. Grounding is not offered: whole images alone meet texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.encoders.sizes import VIT_IMAGE, with_text
from benchmark.recipes import PretrainRecipe
from benchmark.specs import BaselineSpec, ImageProfile

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="medunic",
    version=1,
    title="Med-UniC (one language, ViT)",
    kind="method",
    source="Med-UniC (Wan et al., NeurIPS 2023); github.com/SUSTechBruce/Med-UniC",
    capabilities=("image_features", "fine_tune", "zero_shot", "text_features"),
    image_profile=ImageProfile(mean=0.5, std=0.5),
    options={"text_alignment": "both", "text_lambda": 0.1, "gather": True},
    sizes=with_text(
        VIT_IMAGE,
        paper={"text_length": 256, "head_width": 2048, "shared_width": 512},
        demo={"head_width": 128, "shared_width": 64, "text_dropout": 0.1},
        toy={"head_width": 48, "shared_width": 32, "text_dropout": 0.1},
    ),
    pretraining=PretrainRecipe(
        source="Med-UniC, defaults of the official launch: AdamW, 128 pairs on each of 8 GPUs, 4 "
        "such batches a step, clipping at 1; warm-up and half a cosine stand in for a cosine with "
        "restarts; betas are AdamW's own; rotation and grey values between its two views",
        image_size=224,
        geometry="pad_square",
        batch_size=4096,
        contrastive_batch=1024,
        accumulation=4,
        epochs=100,
        learning_rate=4e-5,
        warmup_epochs=2,
        weight_decay=0.05,
        betas=(0.9, 0.999),
        gradient_clip=1.0,
        flip_probability=0.0,
        rotation_degrees=45.0,
        scale=(0.9, 256 / 224),
        translation=16 / 224,
        brightness=(0.8, 1.2),
        contrast=(0.8, 1.2),
        image_views=2,
        sentence_sampling=False,
        text_sections=("findings", "impression"),
    ),
    house="house_vit",
    no_capability_reason="its texts are compared with whole images alone, never with patches",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.medunic import MedUniC

    model: Representation = build_with_reports(context, MedUniC)
    return model
