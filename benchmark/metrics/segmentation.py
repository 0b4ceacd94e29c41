"""Dice and IoU of binary masks, with the convention for empty masks in the name.

Of an image with P predicted, T true and C common pixels, counted in the frame that the masks are
stored in, Dice is 2 C / (P + T) and IoU is C / (P + T - C).

- `dice_nonempty`: mean Dice over the images whose target is not empty; undefined without one.
- `dice_empty_is_one`: mean over all images; one whose target is empty scores 1 if the prediction
  is empty too, else 0 (the convention of MaCo, MRM, GLoRIA, MGCA and G2D). Where two thirds of
  the targets are empty, predicting nothing scores two thirds.
- `iou_nonempty`: mean IoU over the images whose target is not empty; undefined without one.
- `empty_left_empty`: share of the images with an empty target whose prediction is empty;
  undefined without such an image. With the share e of empty targets, `dice_empty_is_one` is
  (1 - e) `dice_nonempty` + e `empty_left_empty`.
- `dice_nonempty_half_threshold`, `dice_empty_is_one_half_threshold`: the same where a pixel is
  inside at a probability of 0.5 and more, the papers' rule, whatever threshold was chosen.

All others speak of the mask at the threshold that the protocol stored (`threshold`).

Best value 1. Level of chance of Dice: the mean over all ways to put as many pixels as were
predicted at random places of the same image, 2 P T / (N (P + T)) for N pixels; an image with an
empty target keeps its score. Anatomy is no part of it: see the sentinels. IoU and
`empty_left_empty` have no level.

Intervals are 95 % percentile intervals of a bootstrap by patient, the threshold held fixed. A
resample without an empty or without a target that is not is redrawn, and counted in
`selection["redrawn_resamples"]`.

Predictions: `ids`, `patients`, `split`, `height`, `width` (n,) of the frame, `truth_runs` (m, 2),
`truth_offsets` (n + 1,), `prediction_runs`, `prediction_offsets` likewise (`mask_runs`). A trained
model also gives `threshold` (1,), `thresholds` (t,), and `predicted_pixels`, `common_pixels`
(n, t), counts at each of them, from which `selection["threshold_sweep"]` is made. A random
sentinel gives `predicted_draws`, `common_draws` (n, draws) in place of the runs of a prediction,
see `segmentation_draws`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.errors import BadDataError
from benchmark.interfaces import Metric, Scores
from benchmark.metrics.mask_runs import MaskRuns
from benchmark.metrics.predictions import require, rows_of, test_rows
from benchmark.metrics.segmentation_draws import score_draws
from benchmark.metrics.segmentation_pixels import (
    NO_EMPTY,
    NO_TARGET,
    PixelCounts,
    dice_from_counts,
)
from benchmark.statistics.bootstrap import PatientBootstrap, percentile_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.recipes import Recipe

VERSION = 3
HALF = 0.5
FRAME = ("height", "width")

__all__ = ["dice_from_counts", "dice_metrics", "dice_per_image", "score"]


@dataclass(frozen=True)
class _Truth:
    """Of the images of one split: positions, pixels inside the target, pixels in the frame."""

    rows: np.ndarray
    masks: MaskRuns
    pixels: np.ndarray

    @classmethod
    def of(cls, predictions: Mapping[str, np.ndarray], rows: np.ndarray) -> _Truth:
        runs = MaskRuns(predictions["truth_runs"], predictions["truth_offsets"])
        height, width = (np.asarray(predictions[name], dtype=np.int64)[rows] for name in FRAME)
        return cls(rows, runs.take(rows), height * width)

    def counts(self, predicted: np.ndarray, common: np.ndarray) -> PixelCounts:
        return PixelCounts(predicted, common, self.masks.sizes(), self.pixels)


def score(
    predictions: Mapping[str, np.ndarray], recipe: Recipe, seed: int, replicates: int
) -> Scores:
    """Score stored predictions of the protocol `segment`.

    Args:
        predictions: See the module's docstring.
        recipe: Not used: what was chosen stands in the predictions.
        seed: The bootstrap axis.
        replicates: Bootstrap replicates; 0 gives no intervals.
    """
    require(predictions, "ids", "patients", "split", *FRAME, "truth_runs", "truth_offsets")
    rows = test_rows(predictions)
    truth = _Truth.of(predictions, rows)
    nonempty = truth.masks.sizes() > 0
    shared: dict[str, Any] = {
        "test_images": len(rows),
        "empty_test_images": int((~nonempty).sum()),
    }
    per_sample = {key: predictions[key][rows] for key in ("ids", "patients")}
    per_sample["target_fraction"] = truth.masks.sizes() / truth.pixels
    if "predicted_draws" in predictions:
        metrics, samples, described = score_draws(
            truth.counts(predictions["predicted_draws"][rows], predictions["common_draws"][rows])
        )
        return Scores(metrics, per_sample | samples, shared | described)
    require(predictions, "prediction_runs", "prediction_offsets")
    runs = MaskRuns(predictions["prediction_runs"], predictions["prediction_offsets"]).take(rows)
    counts = truth.counts(runs.sizes(), runs.common(truth.masks))
    _require_inside(counts)
    kinds = np.stack([nonempty, ~nonempty], axis=1)
    bootstrap = PatientBootstrap.draw(per_sample["patients"], replicates, seed, kinds)
    shared["redrawn_resamples"] = bootstrap.redrawn
    metrics = _metrics(counts, bootstrap)
    if "thresholds" in predictions:
        shared["threshold"] = float(np.ravel(predictions["threshold"])[0])
        shared["threshold_sweep"] = _sweep(predictions, truth)
        metrics |= _half_threshold(predictions, truth, bootstrap)
    return Scores(metrics, per_sample | counts.per_image(), shared)


def _require_inside(counts: PixelCounts) -> None:
    outside = (counts.predicted > counts.pixels) | (counts.true > counts.pixels)
    if outside.any():
        raise BadDataError(
            f"The masks of {outside.sum()} images have more pixels than their frames."
        )


def _metrics(counts: PixelCounts, bootstrap: PatientBootstrap) -> dict[str, Metric]:
    """All metrics of one set of masks."""
    values = counts.per_image()
    levels = counts.chance_levels()
    empty = ~counts.nonempty
    left = np.where(empty, counts.predicted == 0, np.nan)
    return {
        "dice_nonempty": _mean(values["dice_nonempty"], bootstrap, NO_TARGET, levels),
        "dice_empty_is_one": _mean(values["dice"], bootstrap, NO_TARGET, levels),
        "iou_nonempty": _mean(values["iou_nonempty"], bootstrap, NO_TARGET),
        "empty_left_empty": _mean(left, bootstrap, NO_EMPTY),
    }


def _mean(
    values: np.ndarray, bootstrap: PatientBootstrap, why: str, levels: np.ndarray | None = None
) -> Metric:
    """The mean of the defined values (n,), with an interval and the mean level of chance."""
    known = np.isfinite(values)
    if not known.any():
        return Metric(None, why, best=1.0)
    carriers = bootstrap.patients_with_value(values)
    interval = percentile_interval(bootstrap.means(values), patients=carriers)
    return Metric(
        float(np.mean(values[known])),
        why=f"no interval: {interval.why}" if interval.why and bootstrap.replicates else "",
        interval=interval.bounds,
        best=1.0,
        chance=None if levels is None else float(np.mean(levels[known])),
        n=int(known.sum()),
    )


def _half_threshold(
    predictions: Mapping[str, np.ndarray], truth: _Truth, bootstrap: PatientBootstrap
) -> dict[str, Metric]:
    """Both Dice at a probability of 0.5; nothing where that is no stored threshold."""
    places = np.flatnonzero(np.isclose(predictions["thresholds"], HALF))
    if not len(places):
        return {}
    found = _metrics(_at(predictions, truth, int(places[0])), bootstrap)
    names = ("dice_nonempty", "dice_empty_is_one")
    return {f"{name}_half_threshold": found[name] for name in names}


def _at(predictions: Mapping[str, np.ndarray], truth: _Truth, place: int) -> PixelCounts:
    """Counts at one of the stored thresholds."""
    predicted, common = (
        np.asarray(predictions[name][truth.rows, place], dtype=np.int64)
        for name in ("predicted_pixels", "common_pixels")
    )
    return truth.counts(predicted, common)


def _sweep(predictions: Mapping[str, np.ndarray], test: _Truth) -> list[dict[str, float | None]]:
    """Both Dice at every stored threshold, on validation (which chooses) and on test."""
    require(predictions, "threshold", "predicted_pixels", "common_pixels")
    validation = _Truth.of(predictions, rows_of(predictions, "validation"))
    sweep: list[dict[str, float | None]] = []
    for place, threshold in enumerate(predictions["thresholds"]):
        entry: dict[str, float | None] = {"threshold": float(threshold)}
        for split, truth in (("validation", validation), ("test", test)):
            nonempty, all_images = _at(predictions, truth, place).means()
            entry[f"dice_nonempty_{split}"] = nonempty
            entry[f"dice_empty_is_one_{split}"] = all_images
        sweep.append(entry)
    return sweep


def dice_per_image(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Dice of each image; an empty target gives 1 for an empty prediction, else 0.

    Args:
        prediction: (n, height, width), non-zero = inside.
        target: Alike.
    """
    if prediction.shape != target.shape:
        raise BadDataError(f"Masks of different shapes: {prediction.shape} and {target.shape}.")
    predicted = np.asarray(prediction, dtype=bool).reshape(len(prediction), -1)
    true = np.asarray(target, dtype=bool).reshape(len(target), -1)
    common = np.sum(predicted & true, axis=1)
    return dice_from_counts(common, predicted.sum(axis=1), true.sum(axis=1))


def dice_metrics(
    dice: np.ndarray, nonempty: np.ndarray, patients: np.ndarray, seed: int, replicates: int
) -> dict[str, Metric]:
    """Both means with 95 % intervals by patient.

    Args:
        dice: (n,) from `dice_per_image`.
        nonempty: (n,) whether the target of the image is not empty.
        patients: (n,).
        seed: The bootstrap axis.
        replicates: Bootstrap replicates.
    """
    bootstrap = PatientBootstrap.draw(patients, replicates, seed)
    return {
        "dice_empty_is_one": _mean(dice, bootstrap, NO_TARGET),
        "dice_nonempty": _mean(np.where(nonempty, dice, np.nan), bootstrap, NO_TARGET),
    }
