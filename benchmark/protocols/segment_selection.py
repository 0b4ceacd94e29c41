"""What chooses the checkpoint and the threshold of a trained segmenter.

One rule for both: the selection set of the recipe's `selection`, by the recipe's `chosen_by`. A
threshold chosen on a whole validation set after training on 1 % of the labels would look at a
hundred times as many masks as training did.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.data.splits import sample_rows
from benchmark.protocols.segment_predict import HALF, THRESHOLDS, Predicted
from benchmark.training import checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from benchmark.protocols.context import CellContext
    from benchmark.protocols.segment_masks import TrueMasks
    from benchmark.recipes.segment import SegmentRecipe

FEWEST_MASKS = 3
"""Masks that are not empty which the selection set needs in order to choose."""
BEST_FILE = "best.pt"
"""The best weights so far, beside the resumable checkpoint, while a cell is trained."""


@dataclass(frozen=True)
class MaskSelection:
    """Images that choose; none where the last step and the threshold 0.5 are taken.

    Attributes:
        rule: In force: `full_validation`, `matched_fraction` or `fixed_recipe`.
        asked: By the recipe.
        rows: Positions in the manifest, (n,).
        nonempty: How many of them have a mask.
        metric: `dice_nonempty` or `dice_empty_is_one`.
        threshold_rule: `validation` or `half`.
        why: Reason where `rule` and `asked` differ.
    """

    rule: str
    asked: str
    rows: np.ndarray
    nonempty: int
    metric: str
    threshold_rule: str
    why: str = ""

    def best_of(self, predicted: Predicted) -> tuple[float, float]:
        """The metric and the threshold that it likes best; of equals the one nearest to 0.5."""
        which = 0 if self.metric == "dice_nonempty" else 1
        found = [predicted.counts(place).means()[which] for place in range(len(THRESHOLDS))]
        scores = [-1.0 if value is None else value for value in found]
        if self.threshold_rule == "half":
            return scores[HALF], THRESHOLDS[HALF]
        best = max(
            range(len(THRESHOLDS)),
            key=lambda place: (scores[place], -abs(THRESHOLDS[place] - THRESHOLDS[HALF])),
        )
        return scores[best], THRESHOLDS[best]

    def described(self) -> dict[str, Any]:
        """For the record."""
        content: dict[str, Any] = {"rule": self.rule, "images": len(self.rows)}
        if self.rule != self.asked:
            content.update(asked=self.asked, why=self.why)
        if self.rule != "fixed_recipe":
            content.update(nonempty_images=self.nonempty, metric=self.metric)
        chosen = self.threshold_rule == "validation" and self.rule != "fixed_recipe"
        content["threshold_chosen_by"] = (
            f"{self.metric} on the selection set" if chosen else "fixed at 0.5"
        )
        return content


def mask_selection(context: CellContext, recipe: SegmentRecipe, masks: TrueMasks) -> MaskSelection:
    """The validation images that the recipe's rule allows to look at."""
    rows = np.asarray(context.rows.validation, dtype=np.int64)
    if recipe.selection == "matched_fraction":
        percent = 100.0 if context.cell.label_percent is None else context.cell.label_percent
        labels = getattr(context.rows, "labels", None)
        seed = context.cell.seeds.subset or 0
        rows = sample_rows(context.manifest, rows, percent, seed, labels)
    elif recipe.selection == "fixed_recipe":
        rows = rows[:0]
    nonempty = int(masks.nonempty(rows).sum())
    rule, why = recipe.selection, ""
    if rule != "fixed_recipe" and nonempty < FEWEST_MASKS:
        why = f"{nonempty} of {len(rows)} images have a mask, fewer than {FEWEST_MASKS}"
        rule, rows, nonempty = "fixed_recipe", rows[:0], 0
    return MaskSelection(
        rule, recipe.selection, rows, nonempty, recipe.chosen_by, recipe.threshold_rule, why
    )


@dataclass
class BestSegmenter:
    """The weights that the selection set likes best; of equals the earliest.

    Attributes:
        path: Where they are kept over an interruption, or None.
        identity: Of the run, as that of its checkpoint.
        step: Finished steps of the best weights; 0 before anything was considered.
        score: Of the selection's metric.
        threshold: That goes with it.
        weights: State of the model, on the CPU.
        curve: Every evaluation.
    """

    path: Path | None = None
    identity: str = ""
    step: int = 0
    score: float | None = None
    threshold: float = THRESHOLDS[HALF]
    weights: dict[str, Tensor] = field(default_factory=dict)
    curve: list[dict[str, float]] = field(default_factory=list)

    def resume(self) -> None:
        """Take up what an interrupted run of the same identity had found."""
        content = checkpoint.load_last(self.path) if self.path is not None else None
        if content is not None and content.pop("identity") == self.identity:
            for name, value in content.items():
                setattr(self, name, value)

    def knows(self, step: int) -> bool:
        """Whether a step was considered before the run was interrupted."""
        return any(entry["step"] == step for entry in self.curve)

    def consider(self, step: int, score: float, threshold: float, model: nn.Module) -> None:
        """Keep the weights of `model` if they are better than all before."""
        self.curve.append({"step": step, "score": score, "threshold": threshold})
        if self.score is None or score > self.score:
            self.step, self.score, self.threshold = step, score, threshold
            self.weights = {
                name: value.detach().cpu().clone() for name, value in model.state_dict().items()
            }
        if self.path is not None:
            names = ("identity", "step", "score", "threshold", "weights", "curve")
            checkpoint.save_atomically(self.path, {name: getattr(self, name) for name in names})

    def forget(self) -> None:
        """Remove the file."""
        if self.path is not None:
            checkpoint.remove(self.path)


def balanced_rows(
    rows: np.ndarray, nonempty: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """All rows with a mask, and as many of the others, drawn; sorted.

    Args:
        rows: (n,).
        nonempty: (n,) whether each has a mask.
        generator: Of the subset seed.
    """
    empty = rows[~nonempty]
    kept = min(len(empty), max(1, int(nonempty.sum())))
    drawn = generator.choice(empty, kept, replace=False, shuffle=False) if kept else empty
    return np.sort(np.concatenate([rows[nonempty], drawn]))
