"""What may choose the checkpoint of a fine-tuned model.

Choosing by 1,500 labelled validation images after training on 251 is no "1 % of the labels".
`matched_fraction` therefore gives the choice the same percent of the validation patients as
training had of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmark.data.splits import sample_rows
from benchmark.protocols.classification import truth_of
from benchmark.recipes import FineTuneRecipe

if TYPE_CHECKING:
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
        """Mean AUC over the usable classes, for scores (n, k)."""
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


def selection_set(context: CellContext) -> SelectionSet:
    """The validation images that the recipe's rule allows to look at."""
    recipe = cast(FineTuneRecipe, context.recipe)
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
