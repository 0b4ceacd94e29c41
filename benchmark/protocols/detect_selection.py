"""What may choose the checkpoint of a detector, and the best one so far, kept on the disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from benchmark.data.splits import sample_rows
from benchmark.recipes.detect import DetectRecipe
from benchmark.training import checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from benchmark.detection.truth import BoxTruth
    from benchmark.protocols.context import CellContext

BEST_FILE = "best.pt"


@dataclass(frozen=True)
class ChoosingImages:
    """Images that choose the checkpoint; none where the last step is taken.

    Attributes:
        rule: In force: `full_validation`, `matched_fraction` or `fixed_recipe`.
        asked: By the recipe.
        rows: Positions in the manifest.
        why: Reason where the rule in force is another one.
    """

    rule: str
    asked: str
    rows: np.ndarray
    why: str = ""

    def described(self) -> dict[str, Any]:
        """For the record."""
        content: dict[str, Any] = {"rule": self.rule, "images": len(self.rows)}
        if self.rule != self.asked:
            content.update(asked=self.asked, why=self.why)
        return content


def choosing_images(context: CellContext, validation: BoxTruth) -> ChoosingImages:
    """The validation images that the recipe's rule allows to look at.

    `matched_fraction` takes the same percent of the validation images as training had of its own,
    whole patients at a time.
    """
    recipe = cast(DetectRecipe, context.recipe)
    rows = validation.rows
    if recipe.selection == "fixed_recipe" or recipe.evaluations < 1:
        return ChoosingImages("fixed_recipe", recipe.selection, rows[:0], "no evaluations asked")
    if recipe.selection == "matched_fraction":
        percent = 100.0 if context.cell.label_percent is None else context.cell.label_percent
        labels = getattr(context.rows, "labels", None)
        rows = sample_rows(context.manifest, rows, percent, context.cell.seeds.subset or 0, labels)
    with_boxes = validation.rows[np.unique(validation.image)]
    if np.isin(rows, with_boxes).any():
        return ChoosingImages(recipe.selection, recipe.selection, rows)
    why = f"none of the {len(rows)} images has a box"
    return ChoosingImages("fixed_recipe", recipe.selection, rows[:0], why)


@dataclass
class BestDetector:
    """The weights that the choosing images like best; of equals the earliest.

    It is written to the disk with each evaluation, so that a run that is interrupted forgets
    nothing. Evaluations after the step at which it goes on are simply not repeated: training is
    deterministic, and they would come out the same.

    Attributes:
        path: Where it is kept.
        identity: Of the run; the content of another one is not taken.
        curve: Every evaluation: `step` and `value`.
        step: Of the best weights; 0 before anything was evaluated.
        weights: State of the model at that step, on the CPU.
    """

    path: Path
    identity: str
    curve: list[dict[str, float]] = field(default_factory=list)
    step: int = 0
    value: float | None = None
    weights: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def resume(cls, folder: Path, identity: str) -> BestDetector:
        """What an interrupted run with the same identity left, or nothing."""
        path = folder / BEST_FILE
        content = checkpoint.load_last(path)
        if content is None or content["identity"] != identity:
            return cls(path, identity)
        return cls(path, **content)

    def knows(self, step: int) -> bool:
        """Whether the step has been evaluated."""
        return any(entry["step"] == step for entry in self.curve)

    def consider(self, step: int, value: float, model: nn.Module) -> None:
        """Keep the weights of `model` if they are better than all before."""
        self.curve.append({"step": step, "value": value})
        if self.value is None or value > self.value:
            self.step, self.value = step, value
            self.weights = {
                name: item.detach().cpu().clone() for name, item in model.state_dict().items()
            }
        content = {name: item for name, item in vars(self).items() if name != "path"}
        checkpoint.save_atomically(self.path, content)

    def forget(self) -> None:
        """Remove the file once the predictions are made."""
        checkpoint.remove(self.path)
