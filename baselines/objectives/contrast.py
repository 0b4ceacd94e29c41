"""Symmetric InfoNCE between images and reports, over all processes."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def gathered(tensor: Tensor) -> Tensor:
    """Rows of all processes, in order of rank, with gradient; unchanged in a single process."""
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return tensor
    import torch.distributed.nn.functional as differentiable

    return torch.cat(list(differentiable.all_gather(tensor)))  # type: ignore[no-untyped-call]


def cosine_logits(images: Tensor, texts: Tensor, inverse_temperature: Tensor | float) -> Tensor:
    """(B, B) cosines of images (rows) and texts (columns) times the inverse temperature."""
    normalise = nn.functional.normalize
    return inverse_temperature * normalise(images.float()) @ normalise(texts.float()).T


def row_losses(logits: Tensor) -> Tensor:
    """(B,) cross-entropies of each row against its diagonal entry."""
    return torch.logsumexp(logits, dim=1) - logits.diagonal()


def info_nce(logits: Tensor) -> Tensor:
    """Mean of the image-to-text and the text-to-image loss: MaCo equation 3, CLIP's loss."""
    return (row_losses(logits).mean() + row_losses(logits.T).mean()) / 2
