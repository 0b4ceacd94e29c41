"""Encoders of a baseline in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def encoders_of(size: Mapping[str, Any]) -> dict[str, str]:
    """Image and text encoder of a size in words; empty for a sentinel.

    Args:
        size: An entry of `BaselineSpec.sizes`.
    """
    found: dict[str, str] = {}
    if "architecture" in size:
        found["image"] = str(size["architecture"])
    elif "depths" in size:
        layers = "-".join(f"{depth}" for depth in size["depths"])
        found["image"] = f"Swin, {layers} layers from {size['width']} on, patch {size['patch']}"
    elif "patch" in size:
        found["image"] = f"ViT, {size['depth']} layers of {size['width']}, patch {size['patch']}"
    if "text_width" in size:
        found["text"] = f"BERT, {size['text_depth']} layers of {size['text_width']}"
    return found
