"""One record's score as a function of the patients that are drawn, for paired comparisons.

Every family of metrics says here which of its scores two records may be compared by, and from
which stored arrays: AUC from truth and scores, means over images or pairs from their per-sample
values, average precision from stored boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmark.errors import BadDataError
from benchmark.metrics.detection_precision import replicated_precision
from benchmark.metrics.detection_sample import RANGES, read_sample, thresholds_of
from benchmark.metrics.predictions import test_rows
from benchmark.metrics.ranked_auc import bootstrap_auc
from benchmark.metrics.ranking import rank_auc, why_undefined
from benchmark.statistics.bca import auc_influence, mean_influence
from benchmark.statistics.bootstrap import PatientBootstrap
from benchmark.statistics.carriers import carrying_patients

Arrays = Mapping[str, np.ndarray]
Read = Callable[[str], Arrays]
"""Gives the arrays of `samples` or of `predictions`; empty where none were kept."""
ONLY = ""
"""Name of the one part of a score that is no mean over classes."""

SAMPLE_ARRAYS: Mapping[str, Mapping[str, str]] = {
    "segmentation": {
        "dice_nonempty": "dice_nonempty",
        "dice_empty_is_one": "dice",
        "iou_nonempty": "iou_nonempty",
    },
    "grounding": {
        "cnr": "cnr",
        "cnr_absolute": "cnr_absolute",
        "miou": "iou",
        "pointing_game": "pointing_game",
    },
    "box_grounding": {
        "cnr": "cnr",
        "cnr_absolute": "cnr_absolute",
        "miou": "miou",
        "pointing_game": "pointing_game",
        "recall": "recall",
        "iou": "iou",
        "dice": "dice",
    },
}
"""By metrics module: the per-sample array whose mean a metric is."""


@dataclass(frozen=True)
class Resampled:
    """One record's score on its test samples.

    Attributes:
        ids, patients: (n,), sorted by id.
        cases: (n, c) kinds of samples that a resample must hold (see `PatientBootstrap.draw`);
            they follow from the truth alone, so that all methods meet the same resamples.
        values: By class, or by `ONLY`; defined ones only.
        replicates: From a bootstrap of these samples and names of classes, (r, classes).
        carriers: From names of classes, patients that carry the score: of an AUC those on the
            smaller side of its rarest class, of a mean those with a defined value, of an average
            precision those with a true box of its rarest class.
        influence: From names of classes, how much each patient moves the mean over them,
            (patients,) (see `benchmark.statistics.bca`); None where there is no closed form.
        truth: (n, k) for an AUC, in the order of `values`; else None.
        scores: Alike.
    """

    ids: np.ndarray
    patients: np.ndarray
    cases: np.ndarray | None
    values: Mapping[str, float]
    replicates: Callable[[PatientBootstrap, tuple[str, ...]], np.ndarray]
    carriers: Callable[[tuple[str, ...]], int]
    influence: Callable[[tuple[str, ...]], np.ndarray] | None = None
    truth: np.ndarray | None = None
    scores: np.ndarray | None = None


def comparable_metrics(family: str) -> tuple[str, ...]:
    """Metrics of a metrics module by which two records can be compared, the plainest first."""
    if family == "classification":
        return ("auc",)
    if family == "detection":
        return tuple(RANGES)
    return tuple(SAMPLE_ARRAYS.get(family, {}))


def resampled(family: str, metric: str, read: Read, record: Mapping[str, Any]) -> Resampled:
    """The score of one record.

    Args:
        family: Its metrics module.
        metric: One of `comparable_metrics`.
        read: Reads its arrays.
        record: The record as plain data: its `recipe`, and its `selection`.

    Raises:
        BadDataError: It cannot be compared by this metric; says why.
    """
    if metric not in comparable_metrics(family):
        raise BadDataError(
            f"Two records cannot be compared by `{metric}`.",
            remedy=f"Known for {family}: {', '.join(comparable_metrics(family)) or 'nothing'}.",
        )
    if family == "classification":
        return _auc(read("samples"), (record.get("selection") or {}).get("class_names"))
    if family == "detection":
        return _precision(read("predictions"), metric, record["recipe"])
    return _mean(read("samples"), SAMPLE_ARRAYS[family][metric])


def _need(arrays: Arrays, *names: str) -> None:
    if not arrays:
        raise BadDataError("no values of single samples were kept")
    absent = [name for name in names if name not in arrays]
    if absent:
        raise BadDataError(f"no {' and '.join(f'`{name}`' for name in absent)} of single samples")


def _auc(samples: Arrays, classes: Sequence[str] | None) -> Resampled:
    """AUC of each class that has both sides and scores, named by its place without `classes`."""
    _need(samples, "truth", "scores", "patients", "ids")
    order = np.argsort(samples["ids"], kind="stable")
    truth, scores = samples["truth"][order], samples["scores"][order]
    patients = samples["patients"][order]
    names = classes or [str(column) for column in range(truth.shape[1])]
    defined = [
        column
        for column in range(truth.shape[1])
        if not why_undefined(truth[:, column]) and not np.isnan(scores[:, column]).any()
    ]
    if not defined:
        raise BadDataError("no class has positive and negative cases and scores")
    truth, scores = truth[:, defined], scores[:, defined]
    place = {str(names[column]): position for position, column in enumerate(defined)}

    def replicates(bootstrap: PatientBootstrap, classes: tuple[str, ...]) -> np.ndarray:
        columns = [place[name] for name in classes]
        return bootstrap_auc(truth[:, columns], scores[:, columns], bootstrap)

    def carriers(classes: tuple[str, ...]) -> int:
        return carrying_patients(truth[:, [place[name] for name in classes]], patients)

    def influence(classes: tuple[str, ...]) -> np.ndarray:
        columns = [place[name] for name in classes]
        return auc_influence(truth[:, columns], scores[:, columns], patients)

    values = {name: float(rank_auc(truth[:, c], scores[:, c])) for name, c in place.items()}
    kinds = np.concatenate([truth == 1, truth == 0], axis=1)
    return Resampled(
        samples["ids"][order], patients, kinds, values, replicates, carriers, influence,
        truth, scores,
    )  # fmt: skip


def _mean(samples: Arrays, name: str) -> Resampled:
    """Mean of a per-sample array over the samples on which it is defined."""
    _need(samples, name, "patients", "ids")
    order = np.argsort(samples["ids"], kind="stable")
    array, patients = np.asarray(samples[name], dtype=np.float64)[order], samples["patients"][order]
    known = np.isfinite(array)
    if not known.any():
        raise BadDataError(f"`{name}` is defined for no sample")

    def replicates(bootstrap: PatientBootstrap, classes: tuple[str, ...]) -> np.ndarray:
        return bootstrap.means(array)[:, None]

    def carriers(classes: tuple[str, ...]) -> int:
        return len(np.unique(patients[known]))

    def influence(classes: tuple[str, ...]) -> np.ndarray:
        return mean_influence(array, patients)

    values = {ONLY: float(array[known].mean())}
    return Resampled(samples["ids"][order], patients, None, values, replicates, carriers, influence)


def _precision(predictions: Arrays, metric: str, recipe: Mapping[str, Any]) -> Resampled:
    """Average precision of each class that has a true box."""
    _need(predictions, "boxes", "truth_boxes", "patients", "ids", "split")
    if "box_draw" in predictions:
        raise BadDataError("a random sentinel has no single prediction to pair")
    rows = test_rows(predictions)
    rows = rows[np.argsort(predictions["ids"][rows], kind="stable")]
    limit: Any = SimpleNamespace(boxes_per_image=recipe["boxes_per_image"])
    sample = read_sample(predictions, rows, limit)
    found = {name: value for name, value in sample.values(metric).items() if value is not None}
    if not found:
        raise BadDataError("no test image has a true box")
    matches = dict(zip(sample.classes, sample.matches, strict=True))

    def replicates(bootstrap: PatientBootstrap, classes: tuple[str, ...]) -> np.ndarray:
        places = thresholds_of(metric)
        drawn = [replicated_precision(matches[name], bootstrap) for name in classes]
        return np.stack([one[places].mean(axis=0) for one in drawn], axis=1)

    patients = predictions["patients"][rows]
    with_box = {name: matches[name].truths > 0 for name in found}

    def carriers(classes: tuple[str, ...]) -> int:
        return min(len(np.unique(patients[with_box[name]])) for name in classes)

    kinds = np.stack(list(with_box.values()), axis=1)
    return Resampled(predictions["ids"][rows], patients, kinds, found, replicates, carriers)
