"""The pairs of stored grounding predictions, and the maps that can be made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.metrics.grounding_maps import box_counts, softmax_weights
from benchmark.metrics.grounding_pairs import PairScores, score_maps
from benchmark.metrics.predictions import require_finite

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmark.recipes import GroundRecipe

NO_WEIGHTS = "the method has no patch weights"
DRAWS = "similarities_draws"
ARRAYS = {"dot": "similarities", "cosine": "similarities_cosine"}


@dataclass(frozen=True)
class PairSet:
    """Some pairs of the predictions with their masks.

    Attributes:
        rows: Positions in the predictions, (n,).
        counts: Boxes that cover each pixel, (n, frame, frame).
        grid: Rows and columns of the patch grid.
    """

    rows: np.ndarray
    counts: np.ndarray
    grid: tuple[int, int]
    recipe: GroundRecipe

    def score(self, maps: np.ndarray, *, cnr_only: bool = False) -> PairScores:
        """Score maps (n, N) of these pairs."""
        thresholds = () if cnr_only else self.recipe.thresholds
        return score_maps(maps, self.grid, self.counts, self.recipe.sigma_at_14, thresholds)


@dataclass(frozen=True)
class MapForm:
    """One way to make maps of the stored similarities and weights.

    Attributes:
        why: Why the method has no such map; empty where `maps` gives it.
        maps: Maps (m, N) of the pairs at some positions of the predictions.
        is_headline: Whether they are those of the headline, under another name.
    """

    why: str
    maps: Callable[[np.ndarray], np.ndarray]
    is_headline: bool = False


def pair_set(
    predictions: Mapping[str, np.ndarray], rows: np.ndarray, recipe: GroundRecipe
) -> PairSet:
    """The chosen pairs with the boxes that belong to them."""
    position = np.full(len(predictions["ids"]), -1)
    position[rows] = np.arange(len(rows))
    owner = position[np.asarray(predictions["box_pair"], dtype=int)]
    boxes = np.asarray(predictions["boxes"]).reshape(-1, 4)[owner >= 0]
    frame = int(np.ravel(predictions["frame"])[0])
    counts = box_counts(boxes, owner[owner >= 0], len(rows), frame)
    grid = tuple(int(cells) for cells in np.ravel(predictions["grid"]))
    return PairSet(rows, counts, (grid[0], grid[1]), recipe)


def stored_weights(predictions: Mapping[str, np.ndarray]) -> np.ndarray:
    """The raw patch weights, (N,) or (0,)."""
    return np.ravel(predictions.get("weights", np.zeros(0))).astype(np.float64)


def similarities(predictions: Mapping[str, np.ndarray], name: str, rows: np.ndarray) -> np.ndarray:
    """A stored array of similarities of some pairs, float64; not finite is an error."""
    values = np.asarray(predictions[name][rows], dtype=np.float64)
    require_finite(name, values)
    return values


def headline_array(predictions: Mapping[str, np.ndarray], recipe: GroundRecipe) -> str:
    """The array that the headline is made of; a sentinel has but one."""
    wanted = ARRAYS[getattr(recipe, "similarity", "dot")]
    return wanted if wanted in predictions else ARRAYS["dot"]


def map_forms(
    predictions: Mapping[str, np.ndarray], recipe: GroundRecipe, temperature: float | None
) -> dict[str, MapForm]:
    """The maps by suffix of their metrics; the headline's suffix is empty and comes first.

    Args:
        predictions: Of the protocol `ground`, not those of a random sentinel.
        recipe: Says whether the headline is of dot products or cosines.
        temperature: Of the patch weights; None where there is no weighting.
    """
    weights = stored_weights(predictions)
    factor = softmax_weights(weights, temperature) if temperature else np.ones(1)
    own = headline_array(predictions, recipe)

    def product(name: str, by: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        return lambda rows: similarities(predictions, name, rows) * by

    def weights_alone(rows: np.ndarray) -> np.ndarray:
        return np.broadcast_to(factor, similarities(predictions, own, rows).shape)

    no_weights = "" if len(weights) else NO_WEIGHTS
    forms = {
        "": MapForm("", product(own, factor)),
        "/map_only": MapForm("", product(own, np.ones(1)), is_headline=not temperature),
        "/weights_only": MapForm(no_weights, weights_alone),
        "/phrase_swapped": MapForm(
            _absent(predictions, "similarities_swapped", "similarities with another pair's phrase"),
            product("similarities_swapped", factor),
        ),
        "/cosine": MapForm(
            _absent(predictions, "similarities_cosine", "cosine similarities"),
            product("similarities_cosine", factor),
            is_headline=own == ARRAYS["cosine"],
        ),
    }
    if own == ARRAYS["cosine"]:
        forms["/dot"] = MapForm("", product(ARRAYS["dot"], factor))
    if no_weights:
        return forms | {"/official_tau": MapForm(NO_WEIGHTS, forms[""].maps)}
    official = softmax_weights(weights, recipe.official_weight_temperature)
    return forms | {"/official_tau": MapForm("", product(own, official))}


def _absent(predictions: Mapping[str, np.ndarray], name: str, what: str) -> str:
    return "" if name in predictions else f"no {what} are stored"


def choose_temperature(
    predictions: Mapping[str, np.ndarray], validation: PairSet
) -> tuple[float | None, dict[str, Any]]:
    """Tau with the highest mean CNR on validation, and the sweep; None: no weighting."""
    recipe, weights = validation.recipe, stored_weights(predictions)
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
    predictions: Mapping[str, np.ndarray], pairs: PairSet, factor: np.ndarray
) -> float | None:
    if len(pairs.rows) == 0:
        return None
    maps = similarities(predictions, headline_array(predictions, pairs.recipe), pairs.rows)
    cnr = pairs.score(maps * factor, cnr_only=True).cnr
    known = cnr[np.isfinite(cnr)]
    return float(known.mean()) if len(known) else None
