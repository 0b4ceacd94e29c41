"""Features of many images and texts: batched, without gradients, in evaluation mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import nn

from benchmark.protocols.inputs import InputReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmark.interfaces import Progress, Representation
    from benchmark.protocols.context import CellContext


def evaluation_reader(context: CellContext, representation: Representation) -> InputReader:
    """The reader of a cell's test images: the recipe's geometry at the model's input size."""
    return InputReader(
        context.store(),
        representation.image_size,
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


def _to_evaluation(representation: Representation) -> None:
    cast(nn.Module, representation).eval()
