"""What may choose the checkpoint and the rate of a trained classifier, and what was chosen.

Choosing by 1,500 labelled validation images after training on 251 is no "1 % of the labels".
`matched_fraction` therefore gives the choice the same percent of the validation patients as
training had of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmark.data.splits import sample_rows
from benchmark.protocols.classification import truth_of
from benchmark.recipes import LabelledRecipe
from benchmark.training.loop import DivergenceError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from benchmark.protocols.context import CellContext

FEWEST_CASES = 3
"""Positives and negatives that a class needs to take part in the choice."""


@dataclass(frozen=True)
class SelectionSet:
    """Images that choose the checkpoint; none where the last step is taken.

    Attributes:
        rule: In force: `full_validation`, `matched_fraction` or `fixed_recipe`.
        asked: By the recipe.
        why: Reason where the two differ.
        rows: Positions in the manifest, (n,).
        truth: (n, k).
        usable: Classes that take part, boolean (k,).
    """

    rule: str
    asked: str
    rows: np.ndarray
    truth: np.ndarray
    usable: np.ndarray
    why: str = ""

    def mean_auc(self, scores: np.ndarray) -> float:
        """Mean AUC over the usable classes, for scores (n, k).

        Raises:
            DivergenceError: A score is not finite.
        """
        if not np.isfinite(scores).all():
            raise DivergenceError(
                "Scores of the selection set are not finite.",
                remedy="Lower the learning rate, clip gradients, or use float32.",
            )
        values = []
        for index in np.flatnonzero(self.usable):
            known = ~np.isnan(self.truth[:, index])
            values.append(roc_auc_score(self.truth[known, index], scores[known, index]))
        return float(np.mean(values))

    def described(self) -> dict[str, Any]:
        """For the record."""
        content: dict[str, Any] = {"rule": self.rule, "images": len(self.rows)}
        if self.rule != self.asked:
            content.update(asked=self.asked, why=self.why)
        if self.rule != "fixed_recipe":
            content["classes"] = int(self.usable.sum())
        return content


@dataclass
class BestCheckpoint:
    """The weights that the selection set likes best; of equals the earliest.

    Attributes:
        step: Finished steps of the best weights; 0 before anything was considered.
        auc: Their mean AUC on the selection set.
        weights: State of the model, on the CPU.
        curve: Every evaluation.
    """

    step: int = 0
    auc: float | None = None
    weights: dict[str, Tensor] = field(default_factory=dict)
    curve: list[dict[str, float]] = field(default_factory=list)

    def consider(self, step: int, auc: float, model: nn.Module) -> None:
        """Keep the weights of `model` if they are better than all before."""
        self.curve.append({"step": step, "auc": auc})
        if self.auc is None or auc > self.auc:
            self.step, self.auc = step, auc
            self.weights = {
                name: value.detach().cpu().clone() for name, value in model.state_dict().items()
            }


def evaluation_steps(steps: int, evaluations: int) -> set[int]:
    """Finished steps after which the selection set is scored; the last one always."""
    count = max(1, min(evaluations, steps))
    return {round(steps * (number + 1) / count) for number in range(count)}


def selection_set(context: CellContext) -> SelectionSet:
    """The validation images that the recipe's rule allows to look at."""
    recipe = cast(LabelledRecipe, context.recipe)
    rows = np.asarray(context.rows.validation, dtype=np.int64)
    if recipe.selection == "matched_fraction":
        rows = _same_percent(context, rows)
    elif recipe.selection == "fixed_recipe":
        rows = rows[:0]
    truth = truth_of(context, rows)
    usable = ((truth == 1).sum(axis=0) >= FEWEST_CASES) & ((truth == 0).sum(axis=0) >= FEWEST_CASES)
    if recipe.selection == "fixed_recipe" or usable.any():
        return SelectionSet(recipe.selection, recipe.selection, rows, truth, usable)
    why = f"no class has {FEWEST_CASES} positives and negatives among {len(rows)} images"
    return SelectionSet("fixed_recipe", recipe.selection, rows[:0], truth[:0], usable, why)


def _same_percent(context: CellContext, rows: np.ndarray) -> np.ndarray:
    """Images of that percent of the validation set: whole patients, stratified, nested."""
    percent = 100.0 if context.cell.label_percent is None else context.cell.label_percent
    labels = getattr(context.rows, "labels", None)
    return sample_rows(context.manifest, rows, percent, context.cell.seeds.subset or 0, labels)
