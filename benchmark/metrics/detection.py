"""Detection: average precision over thresholds of intersection over union (IoU).

All are means over classes of means over thresholds of the average precision of the test images
(COCO's matching in `detection_matches`, its interpolation at 101 recall levels in
`detection_precision`), at most `boxes_per_image` detections an image.

- `ap_50_95`: IoU 0.50 to 0.95 in steps of 0.05 (COCO's AP, MaCo's evaluator).
- `ap_40_75`: IoU 0.40 to 0.75 in steps of 0.05 (the thresholds of LoVT, MGCA and G2D).
- `ap_50`: IoU 0.50.
- `ap_40_75_published`: the same thresholds by the rule of MGCA's script, which G2D follows.
  Detections below `published_score_threshold` are dropped; then images without a true box are
  left out, and images without a detection, with all the boxes that they miss. It rewards silence:
  a detector that speaks up on one image is judged on that image.

In the first three every test image takes part. Where an image has no true box, all its detections
are false alarms; where it has no detection, all its boxes are missed. A recipe that excludes
images without boxes has a test set without any: its scores say nothing of false alarms.

Undefined: without a true box in the test images (for a class: without one of that class); the
published one also where no image is left. `best` is 1. `chance` has no closed form: it depends on
where boxes lie, which the sentinels `chance` (boxes anywhere) and `box_prior` (boxes where
training boxes lie) show.

Intervals are 95 % percentile intervals of a bootstrap by patient; images are matched once and
counted anew in each replicate. A resample without a true box of a class is redrawn, and counted in
`selection["redrawn_resamples"]`; a replicate that the published rule leaves nothing of is dropped.

Predictions: `ids`, `patients`, `split` (n,), `classes` (k,); `boxes` (m, 4) x y w h in pixels of
the original image, `box_scores`, `box_image` (position of the image), `box_class` (m,);
`truth_boxes` (g, 4), `truth_image`, `truth_class` (g,). A random sentinel adds `box_draw` (m,) and
`draws` (1,): metrics are means over the draws, intervals 1.96 standard errors of that mean, which
stand in `selection["standard_error"]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.interfaces import Metric, Scores
from benchmark.metrics.detection_matches import THRESHOLDS
from benchmark.metrics.detection_sample import (
    RANGES,
    MatchedSample,
    check_stored,
    read_sample,
    thresholds_of,
)
from benchmark.metrics.predictions import require, rows_of, test_rows
from benchmark.statistics.bootstrap import PatientBootstrap, percentile_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.recipes.detect import DetectRecipe

VERSION = 3
PUBLISHED = "ap_40_75_published"
NO_TRUTH = "no test image has a true box"
NO_TRUTH_OF_CLASS = "no test image has a true box of this class"
NOTHING_LEFT = "no test image has both a true box and a detection above the threshold"


def score(
    predictions: Mapping[str, np.ndarray], recipe: DetectRecipe, seed: int, replicates: int
) -> Scores:
    """Score stored predictions of the protocol `detect`.

    Args:
        predictions: See the module's docstring.
        recipe: Its `boxes_per_image` and `published_score_threshold`.
        seed: The bootstrap axis.
        replicates: Bootstrap replicates; 0 gives no intervals.
    """
    require(predictions, "ids", "patients", "split", "classes")
    require(predictions, "boxes", "box_scores", "box_image", "box_class")
    require(predictions, "truth_boxes", "truth_image", "truth_class")
    check_stored(predictions)
    rows = test_rows(predictions)
    rows = rows[np.argsort(predictions["ids"][rows], kind="stable")]
    if "box_draw" in predictions:
        return _score_draws(predictions, rows, recipe)
    sample = read_sample(predictions, rows, recipe)
    kinds = np.stack([one.truths > 0 for one in sample.matches], axis=1)
    bootstrap = PatientBootstrap.draw(predictions["patients"][rows], replicates, seed, kinds)
    metrics, counts = _all_metrics(sample, recipe, bootstrap)
    selection = {
        **_counted(sample),
        "redrawn_resamples": bootstrap.redrawn,
        "published_rule": _published_rule(recipe, counts),
    }
    return Scores(metrics, _per_sample(predictions, rows, [sample]), selection)


def split_precision(
    predictions: Mapping[str, np.ndarray], recipe: DetectRecipe, split: str, metric: str
) -> float | None:
    """One of `RANGES` over the images of one split, without interval; None if undefined."""
    return _mean(read_sample(predictions, rows_of(predictions, split), recipe).values(metric))


def _all_metrics(
    sample: MatchedSample, recipe: DetectRecipe, bootstrap: PatientBootstrap
) -> tuple[dict[str, Metric], dict[str, int]]:
    """Every metric, and how many images the published rule leaves out."""
    replicates = sample.replicates(bootstrap)
    patients = sample.patients(bootstrap)
    metrics = {name: _metric(sample, name, replicates, patients, NO_TRUTH) for name in RANGES}
    published, counts = sample.published(recipe.published_score_threshold)
    why = NOTHING_LEFT if counts["images_without_truth"] < sample.images else NO_TRUTH
    drawn = published.replicates(bootstrap)
    metrics[PUBLISHED] = _metric(published, "ap_40_75", drawn, published.patients(bootstrap), why)
    return metrics, counts


def _metric(
    sample: MatchedSample,
    name: str,
    replicates: np.ndarray,
    patients: Sequence[int],
    missing: str,
) -> Metric:
    """One metric with its interval; `replicates` and `patients` as of `MatchedSample`."""
    per_class = sample.values(name)
    value = _mean(per_class)
    reasons = {label: NO_TRUTH_OF_CLASS for label, one in per_class.items() if one is None}
    if value is None:
        return Metric(None, missing, per_class=per_class, why_per_class=reasons, best=1.0)
    drawn = replicates[:, thresholds_of(name)].mean(axis=1)
    defined = [place for place, one in enumerate(per_class.values()) if one is not None]
    fewest = min(patients[place] for place in defined)
    interval = percentile_interval(drawn[defined].mean(axis=0), patients=fewest)
    labels = list(per_class)
    return Metric(
        value=value,
        why=f"no interval: {interval.why}" if interval.why and drawn.size else "",
        interval=interval.bounds,
        per_class=per_class,
        why_per_class=reasons,
        best=1.0,
        n=sample.images,
        interval_per_class={
            labels[place]: percentile_interval(drawn[place], patients=patients[place]).bounds
            for place in defined
        },
    )


def _score_draws(
    predictions: Mapping[str, np.ndarray], rows: np.ndarray, recipe: DetectRecipe
) -> Scores:
    """Means over the draws of a random sentinel."""
    require(predictions, "draws")
    draws = int(np.ravel(predictions["draws"])[0])
    samples = [read_sample(predictions, rows, recipe, draw) for draw in range(draws)]
    none = PatientBootstrap.draw(predictions["patients"][rows], 0, 0)
    scored = [_all_metrics(sample, recipe, none) for sample in samples]
    metrics: dict[str, Metric] = {}
    errors: dict[str, float] = {}
    for name in (*RANGES, PUBLISHED):
        found = [one[name] for one, _ in scored]
        values = np.array([one.value for one in found if one.value is not None])
        if not len(values):
            metrics[name] = found[0]
            continue
        mean = float(values.mean())
        if len(values) > 1:
            errors[name] = float(values.std(ddof=1) / np.sqrt(len(values)))
        half = 1.96 * errors.get(name, np.nan)
        metrics[name] = Metric(
            value=mean,
            interval=(mean - half, mean + half) if np.isfinite(half) else None,
            best=1.0,
            n=found[0].n,
        )
    selection = {
        **_counted(samples[0]),
        "published_rule": _published_rule(recipe, {}),
        "standard_error": errors,
        "draws": draws,
        "interval": "1.96 standard errors of the mean over draws",
    }
    return Scores(metrics, _per_sample(predictions, rows, samples), selection)


def _mean(per_class: Mapping[str, float | None]) -> float | None:
    known = [value for value in per_class.values() if value is not None]
    return float(np.mean(known)) if known else None


def _published_rule(recipe: DetectRecipe, counts: Mapping[str, int]) -> dict[str, Any]:
    return {"score_threshold": recipe.published_score_threshold, **counts}


def _counted(sample: MatchedSample) -> dict[str, int]:
    truths = np.sum([one.truths for one in sample.matches], axis=0)
    return {
        "images": sample.images,
        "images_without_boxes": int((truths == 0).sum()),
        "true_boxes": int(truths.sum()),
        "detections": sum(len(one.image) for one in sample.matches),
    }


def _per_sample(
    predictions: Mapping[str, np.ndarray], rows: np.ndarray, samples: list[MatchedSample]
) -> dict[str, np.ndarray]:
    """`truth_boxes`, `detections` and `recall_50`: the share of an image's boxes that are found.

    At IoU 0.50, by any of the detections; NaN without a true box; averaged over draws.
    """
    at_half = int(np.flatnonzero(THRESHOLDS == 0.5)[0])
    truths = np.sum([one.truths for one in samples[0].matches], axis=0)
    detections, found = np.zeros((2, len(rows)))
    for sample in samples:
        for one in sample.matches:
            detections += np.bincount(one.image, minlength=len(rows)) / len(samples)
            hits = one.image[one.hits[at_half]]
            found += np.bincount(hits, minlength=len(rows)) / len(samples)
    return {
        "ids": predictions["ids"][rows],
        "patients": predictions["patients"][rows],
        "truth_boxes": truths,
        "detections": detections,
        "recall_50": np.where(truths > 0, found / np.maximum(truths, 1), np.nan),
    }
