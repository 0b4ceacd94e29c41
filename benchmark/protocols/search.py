"""Tries candidates for one setting and keeps the one that the selection set likes best.

MaCo searched the learning rate of each data set. Every candidate is trained in full from the same
start, and all of them are stored with their scores: equal terms for all methods mean an equal
number of trials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from benchmark.errors import UsageError
from benchmark.training.loop import DivergenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmark.protocols.selection import SelectionSet
    from benchmark.recipes import LabelledRecipe

T = TypeVar("T")


class Trained(Protocol):
    """What training with one candidate gives."""

    @property
    def auc(self) -> float | None:
        """Mean AUC on the selection set, or None where nothing was scored."""

    @property
    def step(self) -> int:
        """The step whose weights are kept."""


R = TypeVar("R", bound=Trained)


@dataclass(frozen=True)
class Candidates:
    """Values to try.

    Attributes:
        name: Of the setting, as it stands in the record.
        values: At least one.
        asked: How many the recipe names.
        why: Why fewer are tried than the recipe names, or empty.
    """

    name: str
    values: tuple[float, ...]
    asked: int
    why: str = ""


def for_percent(values: Mapping[str, T], label: str, name: str) -> T:
    """The entry of a label percent.

    Raises:
        UsageError: The recipe has none for that percent.
    """
    if label not in values:
        raise UsageError(
            f"The recipe has no `{name}` for {label} % of the labels.",
            remedy=f"It has them for: {', '.join(values) or 'none'}.",
        )
    return values[label]


def rate_candidates(recipe: LabelledRecipe, label: str, chosen_by: SelectionSet) -> Candidates:
    """The rates of a search, or the one rate where there is none or nothing may choose."""
    asked = tuple(float(rate) for rate in recipe.learning_rate_search.get(label, ()))
    if asked and len(chosen_by.rows):
        return Candidates("learning_rate", asked, len(asked))
    rate = float(for_percent(recipe.learning_rates, label, "learning_rates"))
    why = _nothing_chooses(chosen_by) if asked else ""
    return Candidates("learning_rate", (rate,), len(asked), why)


def penalty_candidates(penalties: Sequence[float], chosen_by: SelectionSet) -> Candidates:
    """The penalties of a solver; the first alone where nothing may choose.

    Raises:
        UsageError: There is none, or one is not positive.
    """
    if not penalties or min(penalties) <= 0:
        raise UsageError("`penalties` must hold at least one number, and positive ones only.")
    asked = tuple(float(value) for value in penalties)
    if len(asked) == 1 or len(chosen_by.rows):
        return Candidates("penalty", asked, len(asked))
    return Candidates("penalty", asked[:1], len(asked), _nothing_chooses(chosen_by))


def _nothing_chooses(chosen_by: SelectionSet) -> str:
    return f"nothing may choose under `{chosen_by.rule}`"


def search(
    candidates: Candidates, train_one: Callable[[float], R]
) -> tuple[float, R, dict[str, Any]]:
    """Train with each candidate; of equals the first is kept.

    A candidate that diverges is stored as such and the others go on.

    Returns:
        The kept value, what training with it gave, and the entries for `selection`: empty where
        the recipe named no candidates.

    Raises:
        DivergenceError: No candidate is left.
    """
    kept: tuple[float, R] | None = None
    tried: list[dict[str, Any]] = []
    for value in candidates.values:
        try:
            trained = train_one(value)
        except DivergenceError as error:
            if len(candidates.values) == 1:
                raise
            tried.append({candidates.name: value, "auc": None, "why": error.problem})
            continue
        tried.append({candidates.name: value, "auc": trained.auc, "step": trained.step})
        if kept is None or (trained.auc or 0.0) > (kept[1].auc or 0.0):
            kept = (value, trained)
    if kept is None:
        raise DivergenceError(
            f"Training diverged with every {candidates.name.replace('_', ' ')} of the search.",
            looked_in=[", ".join(f"{value:g}" for value in candidates.values)],
            remedy="Offer lower ones.",
        )
    return (*kept, _described(candidates, tried, kept[0]))


def _described(candidates: Candidates, tried: list[dict[str, Any]], value: float) -> dict[str, Any]:
    if candidates.asked < 2 and not candidates.why:
        return {}
    content: dict[str, Any] = {candidates.name: value, "candidates": tried}
    if candidates.why:
        content["why_no_search"] = candidates.why
    return content
