"""Phrase grounding metrics of stored patch similarities and weights.

Metrics (definitions per pair in `grounding_pairs`): `cnr` (signed), `cnr_absolute`, `miou` (mean
over thresholds of the mean over pairs; an empty prediction counts 0), `miou_official` (pairs with
an empty prediction left out), `pointing_game`, `pointing_game_official`. The plain names are the
product softmax(w / tau) x dot product, tau chosen on validation by mean CNR; a suffix names another
map:

- `/map_only`: dot products alone. Uniform weights give the same, since a constant factor
  disappears in the rescaling.
- `/weights_only`: the weights alone, the same map for every pair.
- `/phrase_swapped`: the product with another pair's phrase.
- `/cosine`: the product of weights and cosine similarity (weights applied after normalisation;
  before it they would cancel).
- `/official_tau`: the product at the paper's absolute tau.
- `/dot`: where a recipe makes its headline of cosines, the product with the dot products. There the
  plain names, `/map_only`, `/phrase_swapped` and `/official_tau` are of cosines.

`cnr`, `miou` and `pointing_game` of the product also come by lesion size: `/small_lesions`,
`/medium_lesions`, `/large_lesions` (`selection["lesion_sizes"]` gives the bounds).

A product has the sign of the mean dot product: noise of positive mean times lung-shaped weights
scores like the weights, noise of negative mean like their negative. Read every method beside
`static_prior`, by the paired excess from `per_sample`.

A random sentinel gives `similarities_draws` (n, N, draws) instead of `similarities`: metrics are
means over draws, intervals 1.96 standard errors of that mean, in `selection["standard_error"]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.interfaces import Metric, Scores
from benchmark.metrics.grounding_forms import (
    DRAWS,
    PairSet,
    choose_temperature,
    map_forms,
    pair_set,
)
from benchmark.metrics.grounding_summary import (
    SIZE_BOUNDS,
    draws_metrics,
    pair_metrics,
    size_metrics,
)
from benchmark.metrics.predictions import require, rows_of, test_rows
from benchmark.statistics.bootstrap import PatientBootstrap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.metrics.grounding_pairs import PairScores
    from benchmark.recipes import GroundRecipe

VERSION = 2


def score(
    predictions: Mapping[str, np.ndarray], recipe: GroundRecipe, seed: int, replicates: int
) -> Scores:
    """Score stored predictions of the protocol `ground`.

    Args:
        predictions: `ids`, `patients`, `split`, `category` (n,), `grid` (2,), `frame` (1,),
            `boxes` (m, 4), `box_pair` (m,), `similarities` (n, N) or `similarities_draws`
            (n, N, draws); optional `similarities_cosine`, `similarities_swapped` (n, N) and
            `weights` (N,) or (0,).
        recipe: Thresholds, smoothing and candidates of tau.
        seed: The bootstrap axis.
        replicates: Bootstrap replicates; 0 gives no intervals.
    """
    require(predictions, "ids", "patients", "split", "category", "grid", "frame")
    require(predictions, "boxes", "box_pair")
    rows = test_rows(predictions)
    test = pair_set(predictions, rows, recipe)
    size = (test.counts > 0).mean(axis=(1, 2))
    shared: dict[str, Any] = {
        "pairs_without_box": int(np.sum(size == 0)),
        "lesion_sizes": dict(SIZE_BOUNDS),
        "pointing_game_of_a_random_pixel": float(size[size > 0].mean()) if size.any() else None,
        "sigma_cells": [recipe.sigma_at_14 * cells / 14 for cells in test.grid],
    }
    per_sample = {key: predictions[key][rows] for key in ("ids", "patients", "category")}
    per_sample["lesion_fraction"] = size
    category = np.asarray(predictions["category"])[rows]
    if DRAWS in predictions:
        draws = predictions[DRAWS][rows]
        scored = [test.score(draws[:, :, number]) for number in range(draws.shape[2])]
        metrics, errors = draws_metrics(scored, category)
        shared |= {
            "standard_error": errors,
            "draws": len(scored),
            "interval": "1.96 standard errors of the mean over draws",
        }
        return Scores(metrics, per_sample | _mean_samples(scored), shared)
    require(predictions, "similarities")
    bootstrap = PatientBootstrap.draw(per_sample["patients"], replicates, seed)
    metrics, headline, selection = _score_variants(predictions, test, category, bootstrap)
    metrics |= size_metrics(headline, size, bootstrap)
    return Scores(metrics, per_sample | _mean_samples([headline]), shared | selection)


def _score_variants(
    predictions: Mapping[str, np.ndarray],
    test: PairSet,
    category: np.ndarray,
    bootstrap: PatientBootstrap,
) -> tuple[dict[str, Metric], PairScores, dict[str, Any]]:
    """All metrics of all maps, the headline's pair scores, and what was chosen."""
    recipe = test.recipe
    validation = pair_set(predictions, rows_of(predictions, "validation"), recipe)
    temperature, selection = choose_temperature(predictions, validation)
    forms = map_forms(predictions, recipe, temperature)
    headline = test.score(forms[""].maps(test.rows))
    metrics = pair_metrics(headline, category, bootstrap, per_class_intervals=True)
    for suffix, form in forms.items():
        if suffix:
            scores = headline if form.is_headline else None
            if scores is None and not form.why:
                scores = test.score(form.maps(test.rows))
            metrics |= pair_metrics(scores, category, bootstrap, suffix, why=form.why)
    return metrics, headline, selection


def _mean_samples(scored: list[PairScores]) -> dict[str, np.ndarray]:
    """Per-pair arrays for paired tests, averaged over draws where there are several."""
    return {
        "cnr": np.mean([one.cnr for one in scored], axis=0),
        "cnr_absolute": np.mean([one.cnr_absolute for one in scored], axis=0),
        "iou": np.mean([one.iou_empty_is_zero.mean(axis=1) for one in scored], axis=0),
        "pointing_game": np.mean([one.pointing_game for one in scored], axis=0),
    }
