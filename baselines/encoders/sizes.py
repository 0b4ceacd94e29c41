"""Dimensions of the compared methods: ResNet or ViT for images, BERT for reports. No torch.

The real size is what the papers have: ResNet-50 or ViT-B/16, and BERT-base with the vocabulary of
the clinical BERT that most of them start from. In the small sizes the text part equals MaCo's, so
that one house text encoder fits all, and the ResNet is an 18-layer one of about three eighths of
the width whose last map is finer than 1/32 of the input, since the images are small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from baselines.encoders.settings import SIZES as MACO_SIZES

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT_KEYS = (
    "text_width",
    "text_depth",
    "text_heads",
    "text_intermediate",
    "vocabulary",
    "text_length",
    "text_dropout",
)

BERT_BASE: Mapping[str, Any] = {
    "text_width": 768,
    "text_depth": 12,
    "text_heads": 12,
    "text_intermediate": 3072,
    "vocabulary": 28996,
    "text_length": 512,
    "text_dropout": 0.1,
}

RESNET_IMAGE: Mapping[str, Mapping[str, Any]] = {
    "paper": {"architecture": "resnet50", "channels": 3, "output_stride": 32},
    "demo": {
        "architecture": "resnet18d",
        "channels": 1,
        "output_stride": 16,
        "stem_width": 16,
        "widths": [24, 48, 96, 192],
    },
    "toy": {
        "architecture": "resnet10t",
        "channels": 1,
        "output_stride": 8,
        "stem_width": 8,
        "widths": [8, 16, 24, 32],
    },
}

VIT_IMAGE: Mapping[str, Mapping[str, Any]] = {
    name: {
        key: value
        for key, value in size.items()
        if key not in (*TEXT_KEYS, "shared_width") and not key.startswith("decoder_")
    }
    for name, size in MACO_SIZES.items()
}


def with_text(
    image: Mapping[str, Mapping[str, Any]], **changes: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Sizes of an image-text method.

    Args:
        image: `RESNET_IMAGE` or `VIT_IMAGE`.
        changes: By size name, what a method adds or replaces (width of its projections ...).
    """
    text: dict[str, Mapping[str, Any]] = {"paper": BERT_BASE}
    for name in ("demo", "toy"):
        text[name] = {key: MACO_SIZES[name][key] for key in TEXT_KEYS}
    return {name: {**image[name], **text[name], **changes.get(name, {})} for name in image}
