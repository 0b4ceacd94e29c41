"""Boxes of findings from their masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from benchmark.phantom.truth import Drawing, Finding

Box = tuple[int, int, int, int]

SMALLEST_MASK_PIXELS = 4
"""A finding with fewer pixels in a picture counts as not visible there."""


def mask_box(mask: np.ndarray) -> Box:
    """The tight (x, y, width, height) in pixels of a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1


def is_visible(drawing: Drawing, index: int) -> bool:
    """Whether the finding of that index can be seen in the picture."""
    return int(np.count_nonzero(drawing.masks[index])) >= SMALLEST_MASK_PIXELS


def finding_boxes(drawing: Drawing, index: int, finding: Finding) -> list[Box]:
    """Boxes of one finding: one, or one a side of the midline for a bilateral finding.

    Args:
        drawing: A frontal view.
        index: Of the finding in its study.
        finding: The finding itself.

    Returns:
        Empty where the finding is not visible.
    """
    if not is_visible(drawing, index):
        return []
    mask = drawing.masks[index]
    if finding.side != "bilateral":
        return [mask_box(mask)]
    middle = midline_column(drawing.lungs)
    halves = [mask.copy(), mask.copy()]
    halves[0][:, middle:] = False
    halves[1][:, :middle] = False
    return [mask_box(half) for half in halves if half.sum() >= SMALLEST_MASK_PIXELS]


def midline_column(lungs: np.ndarray) -> int:
    """Column halfway between the centres of the two lungs of a frontal picture."""
    centres = [float(np.flatnonzero(lung.any(axis=0)).mean()) for lung in lungs if lung.any()]
    return round(sum(centres) / len(centres)) if centres else lungs.shape[2] // 2
