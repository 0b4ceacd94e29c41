from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from benchmark.errors import UsageError
from benchmark.protocols.search import (
    Candidates,
    for_percent,
    penalty_candidates,
    rate_candidates,
    search,
)
from benchmark.protocols.selection import SelectionSet
from benchmark.recipes import FineTuneRecipe
from benchmark.training.loop import DivergenceError


@dataclass(frozen=True)
class Trained:
    auc: float | None
    step: int = 7


def chosen_by(images: int, rule: str = "full_validation") -> SelectionSet:
    rows = np.arange(images)
    return SelectionSet(rule, rule, rows, np.zeros((images, 1)), np.array([True]))


RECIPE = FineTuneRecipe(
    source="test",
    learning_rates={"1": 0.3, "10": 0.4},
    learning_rate_search={"1": (0.1, 0.2), "10": ()},
)


def test_candidates_are_those_of_the_percent() -> None:
    assert rate_candidates(RECIPE, "1", chosen_by(9)).values == (0.1, 0.2)
    assert rate_candidates(RECIPE, "10", chosen_by(9)) == Candidates("learning_rate", (0.4,), 0)
    with pytest.raises(UsageError, match="100 %"):
        rate_candidates(RECIPE, "100", chosen_by(9))


def test_where_nothing_may_choose_the_stated_rate_is_taken_and_the_reason_stored() -> None:
    candidates = rate_candidates(RECIPE, "1", chosen_by(0, "fixed_recipe"))
    assert candidates.values == (0.3,)
    _, _, described = search(candidates, lambda rate: Trained(None))
    assert described["learning_rate"] == 0.3
    assert "fixed_recipe" in described["why_no_search"]


def test_the_best_on_the_selection_set_is_kept_and_all_are_stored() -> None:
    aucs = {0.1: 0.6, 0.2: 0.8, 0.3: 0.8, 0.4: 0.7}
    candidates = Candidates("learning_rate", tuple(aucs), len(aucs))
    value, trained, described = search(candidates, lambda rate: Trained(aucs[rate]))
    assert value == 0.2, "of equals the first"
    assert trained.auc == 0.8
    assert described["learning_rate"] == 0.2
    assert [entry["learning_rate"] for entry in described["candidates"]] == list(aucs)
    assert [entry["auc"] for entry in described["candidates"]] == list(aucs.values())


def test_a_diverging_candidate_is_stored_and_the_others_go_on() -> None:
    def train_one(rate: float) -> Trained:
        if rate > 1:
            raise DivergenceError("The loss is not finite at step 3: total inf.")
        return Trained(0.55)

    value, _, described = search(Candidates("learning_rate", (9.0, 0.1), 2), train_one)
    assert value == 0.1
    assert described["candidates"][0]["auc"] is None
    assert "step 3" in described["candidates"][0]["why"]
    with pytest.raises(DivergenceError, match="every learning rate"):
        search(Candidates("learning_rate", (9.0, 8.0), 2), train_one)
    with pytest.raises(DivergenceError, match="step 3"):
        search(Candidates("learning_rate", (9.0,), 0), train_one)


def test_without_a_search_nothing_is_described() -> None:
    assert search(Candidates("learning_rate", (0.4,), 0), lambda _: Trained(0.5))[2] == {}


def test_penalties_without_a_selection_set_are_the_first_alone() -> None:
    assert penalty_candidates((2.0, 1.0), chosen_by(5)).values == (2.0, 1.0)
    few = penalty_candidates((2.0, 1.0), chosen_by(0, "fixed_recipe"))
    assert few.values == (2.0,)
    assert few.why
    for bad in ((), (1.0, 0.0)):
        with pytest.raises(UsageError):
            penalty_candidates(bad, chosen_by(5))


def test_for_percent_names_what_there_is() -> None:
    with pytest.raises(UsageError, match="1, 10"):
        for_percent({"1": 3, "10": 4}, "100", "steps")


def test_scores_that_are_not_finite_are_a_divergence() -> None:
    with pytest.raises(DivergenceError):
        chosen_by(2).mean_auc(np.array([[0.1], [np.nan]]))
