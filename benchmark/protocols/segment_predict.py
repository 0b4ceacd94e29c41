"""From a trained segmenter to what is stored: counts at 20 thresholds, and masks at one of them.

A pixel is inside where its probability is at least the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from benchmark.metrics.mask_runs import MaskRuns, encode_runs
from benchmark.metrics.segmentation_pixels import PixelCounts
from benchmark.protocols.segment_masks import TrueMasks, probability_in_frame
from benchmark.training.loop import DivergenceError

if TYPE_CHECKING:
    from typing import Literal

    from benchmark.interfaces import Progress
    from benchmark.protocols.inputs import InputReader
    from benchmark.protocols.segment_model import Segmenter

THRESHOLDS = (0.01, *(round(0.05 * step, 2) for step in range(1, 20)))
"""The 20 probabilities at which counts are kept."""
HALF = THRESHOLDS.index(0.5)


@dataclass(frozen=True)
class Predicted:
    """Of n images, in the frame that masks are compared in.

    Attributes:
        predicted: Pixels inside at each threshold, (n, 20) int32.
        common: Those of them that are inside the target.
        frames: Height and width, (n, 2) int32.
        truth: The targets.
        masks: Predictions at one threshold; None where none was asked for.
    """

    predicted: np.ndarray
    common: np.ndarray
    frames: np.ndarray
    truth: MaskRuns
    masks: MaskRuns | None

    def counts(self, place: int) -> PixelCounts:
        """At one of the thresholds."""
        return PixelCounts(
            self.predicted[:, place].astype(np.int64),
            self.common[:, place].astype(np.int64),
            self.truth.sizes(),
            self.frames.astype(np.int64).prod(axis=1),
        )


class Comparison:
    """The frame that predictions and targets are compared in.

    Args:
        masks: The targets.
        frame: `mask` or `input`, as in `SegmentRecipe`.
    """

    def __init__(self, masks: TrueMasks, frame: Literal["mask", "input"]) -> None:
        self._masks = masks
        self._frame = frame

    def target(self, row: int) -> np.ndarray:
        """Booleans (height, width)."""
        return self._masks.own(row) if self._frame == "mask" else self._masks.square(row)

    def targets(self, rows: np.ndarray) -> tuple[MaskRuns, np.ndarray]:
        """Of several rows, with their heights and widths (n, 2)."""
        runs, frames = [], np.zeros((len(rows), 2), dtype=np.int32)
        for place, row in enumerate(rows):
            target = self.target(int(row))
            runs.append(encode_runs(target))
            frames[place] = target.shape
        return MaskRuns.joined(runs), frames

    def probability(self, square: Tensor, row: int, target: np.ndarray) -> Tensor:
        """Probabilities (size, size) of the input square, moved to the frame of the target."""
        if self._frame == "input":
            return square
        height, width = target.shape
        return probability_in_frame(square, self._masks.place(row), height, width)


def predict(
    model: Segmenter,
    reader: InputReader,
    compared: Comparison,
    rows: np.ndarray,
    batch_size: int,
    *,
    threshold: float | None = None,
    progress: Progress | None = None,
) -> Predicted:
    """Predict the masks of rows, in evaluation mode.

    Args:
        model: On the reader's device.
        reader: Of normalised squares.
        compared: Where masks are compared.
        rows: Positions in the manifest, (n,).
        batch_size: Images a forward pass.
        threshold: One of `THRESHOLDS`, at which masks are kept; None keeps none.
        progress: Told after each batch.

    Raises:
        DivergenceError: A probability is not finite.
    """
    model.eval()
    levels = np.array(THRESHOLDS, dtype=np.float32)
    counts = np.zeros((2, len(rows), len(THRESHOLDS)), dtype=np.int32)
    frames = np.zeros((len(rows), 2), dtype=np.int32)
    truth, masks, done = [], [], 0
    with torch.inference_mode():
        for part, images in reader.batches(rows, batch_size, progress, "segmenting images"):
            squares = torch.sigmoid(model(images)[0][:, 0].float())
            _require_finite(squares)
            for row, square in zip(part, squares, strict=True):
                target = compared.target(int(row))
                probability = compared.probability(square, int(row), target).cpu().numpy()
                counts[0, done] = counts_at(probability, levels)
                counts[1, done] = counts_at(probability[target], levels)
                frames[done] = target.shape
                truth.append(encode_runs(target))
                if threshold is not None:
                    masks.append(encode_runs(probability >= np.float32(threshold)))
                done += 1
    kept = MaskRuns.joined(masks) if threshold is not None else None
    return Predicted(counts[0], counts[1], frames, MaskRuns.joined(truth), kept)


def counts_at(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """How many values are at least each level, (t,)."""
    return np.array([np.count_nonzero(values >= level) for level in levels], dtype=np.int64)


def _require_finite(probabilities: Tensor) -> None:
    if not torch.isfinite(probabilities).all():
        raise DivergenceError(
            "Probabilities of the segmenter are not finite.",
            remedy="Lower the learning rate, clip gradients, or use float32.",
        )
