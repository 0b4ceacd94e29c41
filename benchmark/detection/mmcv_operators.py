"""Stands in for mmcv's compiled operators (`mmcv._ext`) where no compiled ones are installed.

mmdet needs two of them, non-maximum suppression and RoIAlign; torchvision has both. Any other
operator raises an error that names it, at the moment it is called: mmcv asks for all of them when
it is imported.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
import torchvision
from torch import Tensor

from benchmark.errors import UsageError

EXTENSION = "mmcv._ext"
_AVERAGE = 1


def install() -> str:
    """Make mmcv's operators available; call it before anything of mmdet is imported.

    Returns:
        Whose operators are in force: `mmcv` where compiled ones are there, else `torchvision`.
    """
    if isinstance(sys.modules.get(EXTENSION), TorchvisionOperators):
        return "torchvision"
    if EXTENSION in sys.modules or importlib.util.find_spec(EXTENSION) is not None:
        return "mmcv"
    sys.modules[EXTENSION] = TorchvisionOperators()
    return "torchvision"


class TorchvisionOperators(ModuleType):
    """A module with the two operators, under the names and arguments of mmcv's."""

    def __init__(self) -> None:
        super().__init__(EXTENSION, __doc__)
        self.nms = nms
        self.roi_align_forward = roi_align_forward
        self.roi_align_backward = roi_align_backward

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def absent(*_: Any, **__: Any) -> Any:
            raise UsageError(
                f"mmcv's operator `{name}` is not compiled here, and nothing stands in for it.",
                remedy="Install a compiled mmcv, or use a detector that needs only "
                "non-maximum suppression and RoIAlign.",
            )

        return absent


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Positions of the boxes that are kept, the highest score first.

    Args:
        boxes: (n, 4) x1 y1 x2 y2.
        scores: (n,).
        iou_threshold: A box that overlaps a kept one by more is dropped.
        offset: 1 counts the last pixel into widths and heights, 0 does not.
    """
    corners = boxes.float()
    if offset:
        corners = torch.cat([corners[:, :2], corners[:, 2:] + offset], dim=1)
    kept: Tensor = torchvision.ops.nms(corners, scores.float(), iou_threshold)
    return kept


def roi_align_forward(
    features: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    *,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Average pooling of each region, written into `output` (k, C, height, width).

    Args:
        features: (B, C, H, W).
        rois: (k, 5) index of the image, x1 y1 x2 y2 in its pixels.
        output: Filled here.
        argmax_y: Not used: it belongs to max pooling.
        argmax_x: Likewise.
        aligned_height: Cells of the output.
        aligned_width: Likewise.
        spatial_scale: Cells of `features` a pixel.
        sampling_ratio: Points a cell and axis; 0 adapts to the region.
        pool_mode: 1 for the average; 0, the maximum, is not offered.
        aligned: Whether coordinates are shifted by half a pixel.
    """
    _require_average(pool_mode)
    pooled = torch.ops.torchvision.roi_align(
        features.float(),
        rois.float(),
        spatial_scale,
        aligned_height,
        aligned_width,
        sampling_ratio,
        aligned,
    )
    output.copy_(pooled)


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    *,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Gradient of the features, written into `grad_input`; arguments as in the forward pass."""
    _require_average(pool_mode)
    gradient = torch.ops.torchvision._roi_align_backward(
        grad_output.float(),
        rois.float(),
        spatial_scale,
        aligned_height,
        aligned_width,
        *grad_input.shape,
        sampling_ratio,
        aligned,
    )
    grad_input.copy_(gradient)


def _require_average(pool_mode: int) -> None:
    if pool_mode != _AVERAGE:
        raise UsageError(
            "RoIAlign with maximum pooling is not compiled here, and torchvision has none.",
            remedy="Install a compiled mmcv, or pool by the average.",
        )
