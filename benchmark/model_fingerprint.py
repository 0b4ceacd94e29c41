"""What a loaded model makes of fixed inputs: tells whether two loads are the same computation.

Weights alone do not: another activation, another pooling or a swapped order of channels gives
other features from the same file.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.interfaces import Representation

TEXT = "There is a small left pleural effusion."
SHOWN = 8
_DIGITS = 5


def forward_fingerprint(model: Representation, device: str, reads_texts: bool) -> dict[str, Any]:
    """Length and first values of the mean patch feature, and of a text's vector.

    The image is a fixed pattern of waves between -2 and 2, the text `TEXT`; five significant
    digits, which survive another machine. For a model in eval mode.

    Args:
        model: A loaded model.
        device: Where it lies.
        reads_texts: Whether it has vectors of texts.

    Returns:
        `image`, and `text` where there is one: `length` and `first` of each.
    """
    import torch

    side = model.image_size
    steps = torch.arange(side, dtype=torch.float32) / side
    waves = torch.sin(9 * steps)[:, None] + torch.cos(23 * steps * steps)[None, :]
    with torch.inference_mode():
        patches = model.patch_features(waves[None, None].to(device), projected=False)
        found = {"image": _short(patches.mean(dim=(0, 1)).double().cpu().tolist())}
        if reads_texts:
            found["text"] = _short(model.text_embedding([TEXT])[0].double().cpu().tolist())
    return found


def _short(values: list[float]) -> dict[str, Any]:
    length = math.sqrt(sum(value * value for value in values))
    return {"length": _rounded(length), "first": [_rounded(value) for value in values[:SHOWN]]}


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
