"""Features of many images and texts: batched, without gradients, in evaluation mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import torch
from torch import nn

from benchmark.protocols.inputs import InputReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from torch import Tensor

    from benchmark.interfaces import Progress, Representation
    from benchmark.protocols.context import CellContext

POOLED = "pooled_features"
"""Optional member of a representation: images -> (B, D), such as a CLS token."""
SIMILARITIES = "text_similarities"
"""Optional member: images and T texts -> (B, T), a method's own zero-shot rule."""


def evaluation_reader(
    context: CellContext, representation: Representation, size: int = 0
) -> InputReader:
    """The reader of a cell's test images: the recipe's geometry at `size`, or the model's own."""
    return InputReader(
        context.store(),
        size or representation.image_size,
        context.recipe.geometry,
        context.baseline.image_profile,
        device=context.device,
        threads=context.threads,
    )


def image_embeddings(
    representation: Representation,
    reader: InputReader,
    rows: np.ndarray,
    batch_size: int,
    progress: Progress | None = None,
) -> np.ndarray:
    """Vectors in the space shared with text, float32 (n, D), in the order of `rows`."""
    _to_evaluation(representation)
    found = []
    with torch.inference_mode():
        for _, images in reader.batches(rows, batch_size, progress):
            found.append(representation.image_embedding(images).float().cpu().numpy())
    return np.concatenate(found) if found else np.empty((0, 0), dtype=np.float32)


def pooled_features(
    representation: Representation,
    reader: InputReader,
    rows: np.ndarray,
    batch_size: int,
    feature: Literal["pooled", "patch_mean", "embedding"],
    progress: Progress | None = None,
) -> np.ndarray:
    """One vector an image, float32 (n, D), in the order of `rows`; see `LinearProbeRecipe`."""
    _to_evaluation(representation)
    pool = pooling(representation, feature)
    found = []
    with torch.inference_mode():
        for _, images in reader.batches(rows, batch_size, progress):
            found.append(pool(images).float().cpu().numpy())
    return np.concatenate(found) if found else np.empty((0, 0), dtype=np.float32)


def pooling(representation: Representation, feature: str) -> Callable[[Tensor], Tensor]:
    """What makes one vector of an image: images -> (B, D); see `LinearProbeRecipe`."""
    if feature == "embedding":
        return representation.image_embedding
    if feature == "pooled" and offers_pooled(representation):
        pool: Callable[[Tensor], Tensor] = getattr(representation, POOLED)
        return pool
    return lambda images: representation.patch_features(images, projected=False).mean(dim=1)


def offers_pooled(representation: Representation) -> bool:
    """Whether the model has a pooled feature of its own, other than the mean of its patches."""
    return callable(getattr(representation, POOLED, None))


def text_embeddings(
    representation: Representation, texts: Iterable[str], batch_size: int = 64
) -> dict[str, np.ndarray]:
    """Vector of each distinct text, float32 (D,), computed once."""
    _to_evaluation(representation)
    distinct = list(dict.fromkeys(texts))
    found: dict[str, np.ndarray] = {}
    with torch.inference_mode():
        for start in range(0, len(distinct), batch_size):
            part: Sequence[str] = distinct[start : start + batch_size]
            vectors = representation.text_embedding(part).float().cpu().numpy()
            found.update(zip(part, vectors, strict=True))
    return found


def text_similarities(
    representation: Representation,
    reader: InputReader,
    rows: np.ndarray,
    texts: Sequence[str],
    batch_size: int,
    progress: Progress | None = None,
) -> np.ndarray:
    """A method's own similarities of images and texts, float32 (n, T), in the order of `rows`."""
    _to_evaluation(representation)
    compare: Callable[[Tensor, Sequence[str]], Tensor] = getattr(representation, SIMILARITIES)
    found = []
    with torch.inference_mode():
        for _, images in reader.batches(rows, batch_size, progress):
            found.append(compare(images, texts).float().cpu().numpy())
    return np.concatenate(found) if found else np.empty((0, len(texts)), dtype=np.float32)


def _to_evaluation(representation: Representation) -> None:
    cast(nn.Module, representation).eval()
