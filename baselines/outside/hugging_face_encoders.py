"""Models of transformers with the members that `representation.py` looks for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from benchmark.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST = 512
_UNLIMITED = 100_000
_MOST_IN_FRONT = 32


def as_map(tokens: Tensor, image: Tensor, patch: int | None) -> Tensor:
    """(B, D, rows, columns) of the patches among (B, N, D) tokens.

    Patches are the last ones: class, register and distillation tokens stand in front of them.
    Maps of convolutional models stay as they are.

    Raises:
        UsageError: They are no square.
    """
    if tokens.ndim == 4:
        return tokens
    count = tokens.shape[1]
    side = image.shape[-1] // patch if patch else 0
    if side == 0 or not 0 <= count - side * side <= _MOST_IN_FRONT:
        # Without a patch size, or where patches were merged since: a square, or a class and a
        # distillation token before it.
        side = math.isqrt(count)
        if count - side * side > 2:
            raise UsageError(f"{count} tokens are no square of patches.")
    return tokens[:, count - side * side :].transpose(1, 2).unflatten(2, (side, side))


class VisionEncoder(nn.Module):
    """Pooled features are the model's `pooler_output`, or the mean over its last map.

    See `load_model` for a pooler without weights.

    Args:
        model: Of transformers.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def pooled_features(self, images: Tensor) -> Tensor:
        """(B, D)."""
        found = self.model(pixel_values=images)
        pooled: Tensor | None = getattr(found, "pooler_output", None)
        if pooled is not None:
            return pooled.flatten(1)
        return self._patches(found, images).mean(dim=(2, 3))

    def patch_features(self, images: Tensor) -> Tensor:
        """(B, D, rows, columns)."""
        return self._patches(self.model(pixel_values=images), images)

    def _patches(self, found: Any, images: Tensor) -> Tensor:
        return as_map(found.last_hidden_state, images, getattr(self.model.config, "patch_size", 0))


class TextEncoder(nn.Module):
    """Vectors of texts.

    Args:
        model: Of transformers.
        tokenizer: Of the same folder.
        pooling: `mean`, `cls` or `max` over the last layer's tokens; padding takes no part.
        length: Longest text in tokens; the tokenizer's own without it.
    """

    def __init__(self, model: Any, tokenizer: Any, pooling: str, length: int | None) -> None:
        super().__init__()
        self.model, self.pooling = model, pooling
        self._tokenizer = tokenizer
        self._length = _longest(tokenizer, model.config, length)

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, E)."""
        device = next(self.model.parameters()).device
        ids = self._tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=self._length,
            return_tensors="pt",
        ).to(device)
        last: Tensor = self.model(**ids).last_hidden_state
        if self.pooling == "cls":
            return last[:, 0]
        present = ids["attention_mask"].bool()[:, :, None]
        if self.pooling == "mean":
            return last.masked_fill(~present, 0).sum(dim=1) / present.sum(dim=1)
        return last.masked_fill(~present, -torch.inf).max(dim=1).values


class PairEncoder(nn.Module):
    """An image and a text tower with one space.

    Args:
        model: Of transformers, with `get_image_features` and `get_text_features`.
        tokenizer: Of the same folder.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        super().__init__()
        self.model = model
        self._tokenizer = tokenizer
        self._length = _longest(tokenizer, model.config.text_config)
        # SigLIP was trained on texts that were all filled up.
        self._fill = "max_length" if model.config.model_type.startswith("siglip") else True

    def pooled_features(self, images: Tensor) -> Tensor:
        """(B, E)."""
        return _vectors(self.model.get_image_features(pixel_values=images))

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, E)."""
        return self.pooled_features(images)

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, E)."""
        ids = self._tokenizer(
            list(texts),
            padding=self._fill,
            truncation=True,
            max_length=self._length,
            return_tensors="pt",
        ).to(next(self.model.parameters()).device)
        return _vectors(self.model.get_text_features(**ids))

    def patch_features(self, images: Tensor) -> Tensor:
        """(B, D, rows, columns) of the last layer."""
        tower = self.model.vision_model
        last = tower(pixel_values=images).last_hidden_state
        return as_map(last, images, getattr(self.model.config.vision_config, "patch_size", 0))

    def temperature(self) -> float:
        """The learned factor on cosines; 1 where the model has none."""
        scale = getattr(self.model, "logit_scale", None)
        return 1.0 if scale is None else float(scale.exp())


class ClipEncoder(PairEncoder):
    """CLIP's own pair: its class token's way into the space of the texts is open to patches."""

    def patch_embedding(self, images: Tensor) -> Tensor:
        """(B, E, rows, columns) through the class token's norm and map.

        No loss ever asked that of patches.
        """
        patches = self.patch_features(images).movedim(1, -1)
        normed = self.model.vision_model.post_layernorm(patches)
        found: Tensor = self.model.visual_projection(normed)
        return found.movedim(-1, 1)


def _vectors(found: Any) -> Tensor:
    """Of a method that gives vectors, or an output that holds them."""
    vectors: Tensor = found if isinstance(found, Tensor) else found.pooler_output
    return vectors


def _longest(tokenizer: Any, config: Any, asked: int | None = None) -> int:
    """Tokens of the longest text: what is asked or the tokenizer's own, as the model has places."""
    own = int(asked or getattr(tokenizer, "model_max_length", _LONGEST))
    places = getattr(config, "max_position_embeddings", None)
    length = own if own < _UNLIMITED else _LONGEST
    return min(length, places) if places and places > 0 else length
