"""Masked image reconstruction: patches, targets and the loss over removed patches."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def patchify(images: Tensor, patch: int) -> Tensor:
    """Cut images (B, C, H, W) into (B, N, patch * patch * C), row-major patches.

    Values of a patch stand in the order row, column, channel, as in MAE and MaCo.
    """
    batch, channels, height, width = images.shape
    rows, columns = height // patch, width // patch
    cells = images.reshape(batch, channels, rows, patch, columns, patch)
    return cells.permute(0, 2, 4, 3, 5, 1).reshape(batch, rows * columns, patch * patch * channels)


def unpatchify(patches: Tensor, grid: tuple[int, int], patch: int) -> Tensor:
    """The inverse of `patchify`: (B, N, patch * patch * C) to (B, C, H, W)."""
    batch, _, length = patches.shape
    channels = length // patch**2
    cells = patches.reshape(batch, *grid, patch, patch, channels).permute(0, 5, 1, 3, 2, 4)
    return cells.reshape(batch, channels, grid[0] * patch, grid[1] * patch)


def reduced(images: Tensor, size: int, antialias: bool) -> Tensor:
    """Images (B, C, H, W) at `size` x `size` by bicubic interpolation.

    The official MaCo environment (torchvision 0.13) did not antialias tensors; today's default
    does.
    """
    if tuple(images.shape[-2:]) == (size, size):
        return images
    return nn.functional.interpolate(
        images, size=(size, size), mode="bicubic", align_corners=False, antialias=antialias
    )


def standardised(targets: Tensor) -> Tensor:
    """Every patch to mean 0 and variance 1 (unbiased, epsilon 1e-6): MAE's `norm_pix_loss`."""
    mean = targets.mean(dim=-1, keepdim=True)
    variance = targets.var(dim=-1, keepdim=True)
    return (targets - mean) / torch.sqrt(variance + 1e-6)


def masked_patch_loss(predictions: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error a patch, averaged over removed patches.

    MaCo prints an L2 norm without saying whether it is squared (equations 1 and 2); the official
    code squares it.

    Args:
        predictions: (B, N, P).
        targets: (B, N, P).
        mask: (B, N), 1 = removed.
    """
    error = (predictions.float() - targets.float()).square().mean(dim=-1)
    return (error * mask).sum() / mask.sum().clamp(min=1.0)
