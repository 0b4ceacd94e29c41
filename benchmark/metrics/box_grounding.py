"""Grounding metrics where the prediction is a region: recall, IoU and Dice at one threshold.

Beside all metrics of `grounding` (CNR, mIoU over thresholds 0.1 to 0.5, pointing game, each by the
maps that it names) stand, for each of those maps:

- `recall`, `iou`, `dice`: means over the test pairs of the pixel counts defined in
  `map_thresholds`; recall is the share of the true pixels that the region covers (MedKLIP, whose
  protocol G2D follows), not the share of boxes that are found. One threshold for all pairs, on the
  map rescaled to [-1, 1]: the candidate with the best mean Dice on the validation pairs, chosen
  for each map anew.
- `/half_range`: the headline's map at half of its own range, a threshold that looks at no box.
- `/test_threshold_published`: the headline's map at the threshold with the best mean Dice on the
  test pairs themselves (the rule of MAVL's script, which also scores MedKLIP); in the bootstrap it
  is chosen anew in each replicate. It looks at the answers.
- `/whole_image`: the whole frame as the region, the same for every method.
- `dice/small_lesions` and so on: Dice of the headline by lesion size.

All are means over pairs with a truth; images without one take no part. A pair whose truth lies
outside the frame is undefined and left out, an empty prediction scores 0. A map that is constant
is 0 everywhere, so it is the whole frame below the threshold 0 and nothing from there on.

Which rule G2D chose its threshold by is not published.

A random sentinel gives draws: the threshold is chosen for each draw on the validation draws.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.interfaces import Metric, Scores
from benchmark.metrics import grounding
from benchmark.metrics.grounding_forms import DRAWS, PairSet, map_forms, pair_set
from benchmark.metrics.grounding_summary import column_by_size, column_metric, draws_metric
from benchmark.metrics.map_thresholds import (
    HALF_RANGE,
    OVERLAPS,
    PixelCounts,
    candidates,
    choose_threshold,
    count_pixels,
    mean_dice,
)
from benchmark.metrics.predictions import rows_of, test_rows
from benchmark.statistics.bootstrap import PatientBootstrap, percentile_interval, recentred

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.recipes.ground import ClassGroundRecipe

VERSION = 2
BEST = 1.0
HALF = "/half_range"
TEST = "/test_threshold_published"
WHOLE = "/whole_image"


def score(
    predictions: Mapping[str, np.ndarray], recipe: ClassGroundRecipe, seed: int, replicates: int
) -> Scores:
    """Score stored predictions of the protocol `ground`.

    Args:
        predictions: As for `grounding.score`.
        recipe: Also the candidates for the threshold, and the rule.
        seed: The bootstrap axis.
        replicates: Bootstrap replicates; 0 gives no intervals.

    Returns:
        All of `grounding.score`, and the metrics above. `per_sample` has `recall`, `iou` and
        `dice` at the threshold; what `grounding` calls `iou` (the mean over its thresholds) is
        `miou` there.
    """
    base = grounding.score(predictions, recipe, seed, replicates)
    test = pair_set(predictions, test_rows(predictions), recipe)
    validation = pair_set(predictions, rows_of(predictions, "validation"), recipe)
    category = base.per_sample["category"]
    samples = {("miou" if name == "iou" else name): v for name, v in base.per_sample.items()}
    if DRAWS in predictions:
        metrics, errors, drawn = _score_draws(predictions[DRAWS], test, validation, category)
        metrics |= _whole_image(test, category, PatientBootstrap.draw(samples["patients"], 0, seed))
        errors = {**base.selection["standard_error"], **errors}
        selection = {**base.selection, "standard_error": errors}
        return Scores({**base.metrics, **metrics}, {**samples, **drawn}, selection)
    bootstrap = PatientBootstrap.draw(samples["patients"], replicates, seed)
    temperature = base.selection["weight_temperature"]
    regions = _Regions(test, validation, category, bootstrap, recipe)
    metrics, headline, chosen = regions.score_forms(predictions, temperature)
    samples |= {name: values[:, 0] for name, values in headline.items()}
    metrics |= column_by_size("dice", headline["dice"], samples["lesion_fraction"], bootstrap, BEST)
    metrics |= _whole_image(test, category, bootstrap)
    return Scores({**base.metrics, **metrics}, samples, {**base.selection, **chosen})


class _Regions:
    """Scores the forms of one method's maps as regions."""

    def __init__(
        self,
        test: PairSet,
        validation: PairSet,
        category: np.ndarray,
        bootstrap: PatientBootstrap,
        recipe: ClassGroundRecipe,
    ) -> None:
        self.test, self.validation, self.recipe = test, validation, recipe
        self.category, self.bootstrap = category, bootstrap
        self.thresholds = candidates(recipe.map_thresholds)

    def score_forms(
        self, predictions: Mapping[str, np.ndarray], temperature: float | None
    ) -> tuple[dict[str, Metric], dict[str, np.ndarray], dict[str, Any]]:
        """Metrics of all forms, the headline's columns (n, 1), and what was chosen."""
        forms = map_forms(predictions, self.recipe, temperature)
        headline, selection = self._at_chosen(forms[""].maps)
        columns = _columns_at(headline, selection["threshold"])
        metrics = self._metrics(columns, "", per_class_intervals=True)
        thresholds = {"headline": selection["threshold"]}
        for suffix, form in forms.items():
            if not suffix:
                continue
            if form.why:
                metrics |= {name + suffix: Metric(None, form.why, best=BEST) for name in OVERLAPS}
                continue
            counts, chosen = (
                (headline, selection) if form.is_headline else self._at_chosen(form.maps)
            )
            thresholds[suffix.removeprefix("/")] = chosen["threshold"]
            metrics |= self._metrics(_columns_at(counts, chosen["threshold"]), suffix)
        metrics |= self._metrics(_columns_at(headline, HALF_RANGE), HALF)
        best_on_test, published = self._by_the_test(headline)
        selection |= {
            "threshold_rule": self.recipe.threshold_rule,
            "thresholds": thresholds,
            "threshold_on_test_published": best_on_test,
        }
        return metrics | published, columns, selection

    def _at_chosen(self, maps: Any) -> tuple[PixelCounts, dict[str, Any]]:
        """Test counts of one map at all candidates, and the threshold from validation."""
        counted = count_pixels(maps(self.validation.rows), self.validation, self.thresholds)
        _, selection = choose_threshold(counted, self.recipe.threshold_rule)
        return count_pixels(maps(self.test.rows), self.test, self.thresholds), selection

    def _metrics(
        self, columns: Mapping[str, np.ndarray], suffix: str, *, per_class_intervals: bool = False
    ) -> dict[str, Metric]:
        return {
            name + suffix: column_metric(
                values,
                self.category,
                self.bootstrap,
                best=BEST,
                per_class_intervals=per_class_intervals,
            )
            for name, values in columns.items()
        }

    def _by_the_test(self, counts: PixelCounts) -> tuple[float | None, dict[str, Metric]]:
        """The threshold that the test pairs like best, and the scores at it."""
        dice = mean_dice(counts)
        if not np.isfinite(dice).all():
            return None, self._metrics(_columns_at(counts, HALF_RANGE), TEST)
        threshold = float(counts.thresholds[int(np.argmax(dice))])
        metrics = self._metrics(_columns_at(counts, threshold), TEST)
        if self.bootstrap.replicates:
            overlaps = counts.overlaps()
            drawn = {n: self.bootstrap.means(v) for n, v in overlaps.items()}
            best = np.argmax(np.where(np.isfinite(drawn["dice"]), drawn["dice"], -1.0), axis=1)
            for name, values in drawn.items():
                found = recentred(
                    values[np.arange(len(best)), best], metrics[name + TEST].value or 0.0
                )
                patients = self.bootstrap.patients_with_value(overlaps[name])
                interval = percentile_interval(found, patients=patients)
                at_best = replace(metrics[name + TEST], interval=interval.bounds)
                metrics[name + TEST] = at_best
        return threshold, metrics


def _columns_at(counts: PixelCounts, threshold: float) -> dict[str, np.ndarray]:
    column = counts.column(threshold)
    return {name: values[:, [column]] for name, values in counts.overlaps().items()}


def _whole_image(
    test: PairSet, category: np.ndarray, bootstrap: PatientBootstrap
) -> dict[str, Metric]:
    """Scores of the whole frame as the region."""
    true = (test.counts > 0).sum(axis=(1, 2))
    frame = np.full((len(true), 1), test.counts.shape[1] * test.counts.shape[2])
    counts = PixelCounts(np.array([-1.0]), frame, true[:, None], true)
    return {
        name + WHOLE: column_metric(values, category, bootstrap, best=BEST)
        for name, values in counts.overlaps().items()
    }


def _score_draws(
    draws: np.ndarray, test: PairSet, validation: PairSet, category: np.ndarray
) -> tuple[dict[str, Metric], dict[str, float | None], dict[str, np.ndarray]]:
    """Means over draws, their standard errors, and the mean of each pair."""
    recipe: Any = test.recipe
    thresholds = candidates(recipe.map_thresholds)
    columns: dict[str, list[np.ndarray]] = {name: [] for name in OVERLAPS}
    for number in range(draws.shape[2]):
        counted = count_pixels(draws[validation.rows, :, number], validation, thresholds)
        threshold, _ = choose_threshold(counted, recipe.threshold_rule)
        counts = count_pixels(draws[test.rows, :, number], test, thresholds)
        for name, values in _columns_at(counts, threshold).items():
            columns[name].append(values)
    metrics: dict[str, Metric] = {}
    errors: dict[str, float | None] = {}
    for name, drawn in columns.items():
        metrics[name], errors[name] = draws_metric(drawn, category, best=BEST)
    samples = {name: np.mean(drawn, axis=0)[:, 0] for name, drawn in columns.items()}
    return metrics, errors, samples
