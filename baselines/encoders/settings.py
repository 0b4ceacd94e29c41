"""Sizes, options and the pre-training recipe that MaCo and its ablation steps share. No torch.

The ablation of MaCo's Table 7 changes one thing a step, so every step starts from the same
dictionaries here and replaces single options.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmark.errors import UsageError, unknown_name
from benchmark.recipes import PretrainRecipe

if TYPE_CHECKING:
    from collections.abc import Mapping

SIZES: Mapping[str, Mapping[str, Any]] = {
    # ViT-B/16 with the decoder and the text tower of the official `maco` factory.
    "paper": {
        "patch": 16,
        "channels": 3,
        "width": 768,
        "depth": 12,
        "heads": 12,
        "decoder_width": 768,
        "decoder_depth": 4,
        "decoder_heads": 6,
        "shared_width": 768,
        "text_width": 384,
        "text_depth": 6,
        "text_heads": 6,
        "text_intermediate": 1536,
        "vocabulary": 30000,
        "text_length": 100,
        "text_dropout": 0.1,
    },
    # About a million parameters for 64 px images; one channel, since grey images repeat it. Small
    # transformers on few images need convolutions before them (`baselines.encoders.stem`).
    "demo": {
        "stem": "convolution",
        "patch": 8,
        "channels": 1,
        "width": 96,
        "depth": 2,
        "heads": 4,
        "decoder_width": 96,
        "decoder_depth": 1,
        "decoder_heads": 4,
        "shared_width": 128,
        "text_width": 128,
        "text_depth": 2,
        "text_heads": 4,
        "text_intermediate": 256,
        "vocabulary": 2000,
        "text_length": 64,
        "text_dropout": 0.0,
    },
    "toy": {
        "patch": 8,
        "channels": 1,
        "width": 48,
        "depth": 2,
        "heads": 4,
        "decoder_width": 48,
        "decoder_depth": 1,
        "decoder_heads": 4,
        "shared_width": 48,
        "text_width": 48,
        "text_depth": 1,
        "text_heads": 4,
        "text_intermediate": 96,
        "vocabulary": 500,
        "text_length": 32,
        "text_dropout": 0.0,
    },
}
"""Dimensions by size name; the image size itself comes with `BuildContext.image_size`."""

MACO_OPTIONS: Mapping[str, Any] = {
    "high_resolution": True,
    "contrast": True,
    "reconstruction": True,
    "weighting": "paper",
    "loss_weighting": "paper",
    "loss_lambda": 0.9,
    "mask_ratio": 0.5,
    "norm_pix_loss": False,
    "antialias": True,
    "positions": "odd",
    "temperature": 0.03,
    "gather": True,
    "text_projection": False,
    "text_dropout": None,
    "v1_group": 16,
    "v1_tau1": 1.0,
    "v1_tau2": 16.0,
    "v1_direction": "image_to_text",
    "v1_reduction": "group_mean",
}
"""Every option of the family with its default, which is the final paper's text where it speaks.

- `high_resolution`: images arrive at twice the model's size, are reduced for the encoder and
  reconstructed at the full one.
- `contrast`: use the reports; off for the image-only steps.
- `reconstruction`: restore the removed patches; off leaves the contrast alone, without a decoder.
- `weighting`: `paper`, `official`, `v1` (see `baselines.objectives.correlation_weighting`) or
  `none`, the plain symmetric InfoNCE.
- `loss_weighting`: `paper` = `loss_lambda` * reconstruction + (1 - `loss_lambda`) * contrast;
  `code` = both with weight 1, as the official code has it.
- `mask_ratio`: removed fraction of the patches; the paper does not state it, the code has 0.5.
- `antialias`: of the bicubic reduction; the official environment (torchvision 0.13) had none.
- `positions`: `odd` (MaCo and MRM) or `mae` frequencies of the sin-cos tables.
- `temperature`: start value of tau; its inverse is learned, as in the code.
- `gather`: negatives from all processes, with gradient.
- `text_projection`: one more linear layer on the text vector; the official pooler already maps
  into the shared space.
- `text_dropout`: of BERT; null takes the size's value (0.1 official, 0 in the small sizes).
- `v1_*`: group size D, the two temperatures, `image_to_text` (as printed) or `both`, and `sum`,
  `mean` or `group_mean` (see `v1_loss`).
"""

IMAGE_OPTIONS = (
    "high_resolution",
    "contrast",
    "mask_ratio",
    "norm_pix_loss",
    "antialias",
    "positions",
)
"""Those that an image-only step has."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "weighting": ("paper", "official", "v1", "none"),
    "loss_weighting": ("paper", "code"),
    "positions": ("odd", "mae"),
    "v1_direction": ("image_to_text", "both"),
    "v1_reduction": ("sum", "mean", "group_mean"),
}

PAPER_RECIPE = PretrainRecipe(
    source="MaCo, Nature Communications 2024, Methods; epochs: arXiv 2309.05904 v1, Table 1; "
    "warm-up: official code",
    image_size=224,
    geometry="pad_square",
    batch_size=512,
    contrastive_batch=512,
    epochs=30,
    learning_rate=4.5e-4,
    warmup_epochs=2,
    weight_decay=0.05,
    betas=(0.9, 0.95),
)


def resolved_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The family's defaults replaced by `options`, with every value checked.

    Raises:
        UsageError: For an unknown name of an option or of a choice, or a value out of range.
    """
    for name in options:
        if name not in MACO_OPTIONS:
            raise unknown_name("option", name, MACO_OPTIONS)
    merged = {**MACO_OPTIONS, **options}
    for name, known in CHOICES.items():
        if merged[name] not in known:
            raise unknown_name(f"value of option `{name}`", str(merged[name]), known)
    if not (merged["contrast"] or merged["reconstruction"]):
        raise UsageError("Without `contrast` and `reconstruction` there is nothing to learn.")
    for name, low, high in (("mask_ratio", 0.0, 1.0), ("loss_lambda", 0.0, 1.0)):
        if not low <= float(merged[name]) <= high:
            raise UsageError(f"Option `{name}` is {merged[name]}; it must lie in [{low}, {high}].")
    if float(merged["temperature"]) <= 0 or int(merged["v1_group"]) < 1:
        raise UsageError("Options `temperature` and `v1_group` must be positive.")
    return merged


def family_options(**changes: Any) -> dict[str, Any]:
    """Defaults of an image-text step: MaCo's with `changes`."""
    return {**MACO_OPTIONS, **changes}


def image_options(**changes: Any) -> dict[str, Any]:
    """Defaults of an image-only step: MaCo's without the contrast, with `changes`."""
    kept = {name: MACO_OPTIONS[name] for name in IMAGE_OPTIONS}
    return {**kept, "contrast": False, **changes}
