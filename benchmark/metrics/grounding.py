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

`cnr`, `miou` and `pointing_game` of the product also come by lesion size: `/small_lesions`,
`/medium_lesions`, `/large_lesions` (`selection["lesion_sizes"]` gives the bounds).

A product has the sign of the mean dot product: noise of positive mean times lung-shaped weights
scores like the weights, noise of negative mean like their negative. Read every method beside
`static_prior`, by the paired excess from `per_sample`.

A random sentinel gives `similarities_draws` (n, N, draws) instead of `similarities`: metrics are
means over draws, intervals 1.96 standard errors of that mean, in `selection["standard_error"]`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.interfaces import Metric, Scores
from benchmark.metrics.grounding_maps import box_counts, softmax_weights
from benchmark.metrics.grounding_pairs import PairScores, score_maps
from benchmark.metrics.grounding_summary import (
    SIZE_BOUNDS,
    draws_metrics,
    pair_metrics,
    size_metrics,
)
from benchmark.metrics.predictions import require, require_finite, rows_of, test_rows
from benchmark.statistics.bootstrap import PatientBootstrap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmark.recipes import GroundRecipe

NO_WEIGHTS = "the method has no patch weights"


@dataclass(frozen=True)
class _Pairs:
    """Some pairs of the predictions with their masks."""

    rows: np.ndarray
    counts: np.ndarray
    grid: tuple[int, int]
    recipe: GroundRecipe

    def score(self, maps: np.ndarray, *, cnr_only: bool = False) -> PairScores:
        thresholds = () if cnr_only else self.recipe.thresholds
        return score_maps(maps, self.grid, self.counts, self.recipe.sigma_at_14, thresholds)


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
    test = _pairs(predictions, rows, recipe)
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
    if "similarities_draws" in predictions:
        draws = predictions["similarities_draws"][rows]
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


def _pairs(predictions: Mapping[str, np.ndarray], rows: np.ndarray, recipe: GroundRecipe) -> _Pairs:
    """The chosen pairs with the boxes that belong to them."""
    position = np.full(len(predictions["ids"]), -1)
    position[rows] = np.arange(len(rows))
    owner = position[np.asarray(predictions["box_pair"], dtype=int)]
    boxes = np.asarray(predictions["boxes"]).reshape(-1, 4)[owner >= 0]
    frame = int(np.ravel(predictions["frame"])[0])
    counts = box_counts(boxes, owner[owner >= 0], len(rows), frame)
    grid = tuple(int(cells) for cells in np.ravel(predictions["grid"]))
    return _Pairs(rows, counts, (grid[0], grid[1]), recipe)


def _score_variants(
    predictions: Mapping[str, np.ndarray],
    test: _Pairs,
    category: np.ndarray,
    bootstrap: PatientBootstrap,
) -> tuple[dict[str, Metric], PairScores, dict[str, Any]]:
    """All metrics of all maps, the headline's pair scores, and what was chosen."""
    recipe = test.recipe
    weights = np.ravel(predictions.get("weights", np.zeros(0))).astype(np.float64)
    chosen, selection = _choose_temperature(predictions, weights, recipe)
    factor = softmax_weights(weights, chosen) if chosen else np.ones(1)
    similarities = _similarities(predictions, "similarities", test.rows)
    map_only = test.score(similarities)
    headline = test.score(similarities * factor) if chosen else map_only
    metrics = pair_metrics(headline, category, bootstrap, per_class_intervals=True)
    metrics |= pair_metrics(map_only, category, bootstrap, "/map_only")
    optional: dict[str, tuple[bool, str, Callable[[], np.ndarray]]] = {
        "weights_only": (
            len(weights) > 0,
            NO_WEIGHTS,
            lambda: np.broadcast_to(factor, similarities.shape),
        ),
        "phrase_swapped": (
            "similarities_swapped" in predictions,
            "no similarities with another pair's phrase are stored",
            lambda: _similarities(predictions, "similarities_swapped", test.rows) * factor,
        ),
        "cosine": (
            "similarities_cosine" in predictions,
            "no cosine similarities are stored",
            lambda: _similarities(predictions, "similarities_cosine", test.rows) * factor,
        ),
        "official_tau": (
            len(weights) > 0,
            NO_WEIGHTS,
            lambda: similarities * softmax_weights(weights, recipe.official_weight_temperature),
        ),
    }
    for name, (available, why, make) in optional.items():
        scores = test.score(make()) if available else None
        metrics |= pair_metrics(scores, category, bootstrap, f"/{name}", why=why)
    return metrics, headline, selection


def _choose_temperature(
    predictions: Mapping[str, np.ndarray], weights: np.ndarray, recipe: GroundRecipe
) -> tuple[float | None, dict[str, Any]]:
    """Tau with the highest mean CNR on validation, and the sweep; None: no weighting."""
    selection: dict[str, Any] = {"uniform_weights": "equal to map_only"}
    if len(weights) == 0:
        selection["weight_temperature"] = None
        return None, selection | {"weights": f"{NO_WEIGHTS}: the product is the map alone"}
    require_finite("weights", weights)
    spread = float(weights.std())
    selection["weights_standard_deviation"] = spread
    if spread <= 1e-12:
        selection["weight_temperature"] = None
        return None, selection | {"weights": "constant: the product equals map_only"}
    validation = _pairs(predictions, rows_of(predictions, "validation"), recipe)
    sweep = []
    for multiple in recipe.weight_temperatures:
        cnr = _validation_cnr(predictions, validation, softmax_weights(weights, multiple * spread))
        entry = {"multiple": multiple, "temperature": multiple * spread, "validation_cnr": cnr}
        sweep.append(entry)
    known = [entry for entry in sweep if entry["validation_cnr"] is not None]
    if known:
        best = max(known, key=lambda entry: float(entry["validation_cnr"] or 0.0))
        multiple, chosen_by = float(best["multiple"] or 0.0), "mean CNR on validation"
    else:
        multiple, chosen_by = 1.0, "no validation pair: one standard deviation of the weights"
    selection |= {
        "weight_temperature": multiple * spread,
        "weight_temperature_multiple": multiple,
        "weight_temperature_chosen_by": chosen_by,
        "weight_temperature_sweep": sweep,
        "official_weight_temperature": recipe.official_weight_temperature,
    }
    return multiple * spread, selection


def _validation_cnr(
    predictions: Mapping[str, np.ndarray], pairs: _Pairs, factor: np.ndarray
) -> float | None:
    if len(pairs.rows) == 0:
        return None
    maps = _similarities(predictions, "similarities", pairs.rows) * factor
    cnr = pairs.score(maps, cnr_only=True).cnr
    known = cnr[np.isfinite(cnr)]
    return float(known.mean()) if len(known) else None


def _similarities(predictions: Mapping[str, np.ndarray], name: str, rows: np.ndarray) -> np.ndarray:
    values = np.asarray(predictions[name][rows], dtype=np.float64)
    require_finite(name, values)
    return values


def _mean_samples(scored: list[PairScores]) -> dict[str, np.ndarray]:
    """Per-pair arrays for paired tests, averaged over draws where there are several."""
    return {
        "cnr": np.mean([one.cnr for one in scored], axis=0),
        "cnr_absolute": np.mean([one.cnr_absolute for one in scored], axis=0),
        "iou": np.mean([one.iou_empty_is_zero.mean(axis=1) for one in scored], axis=0),
        "pointing_game": np.mean([one.pointing_game for one in scored], axis=0),
    }
