"""What the recipes of protocols that learn from image labels share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmark.recipes.base import Recipe

Selection = Literal["full_validation", "matched_fraction", "fixed_recipe"]
Target = Literal["multi_label", "one_of_many"]
Uncertain = Literal["ignore", "negative", "positive"]


@dataclass(frozen=True)
class LabelledRecipe(Recipe):
    """What protocols that learn from labels share.

    `image_size` is the side at which the model is used; 0 takes the side that it was pre-trained
    at. Position embeddings are interpolated where the two differ.

    Attributes:
        learning_rates: Peak rate, absolute, by label percent.
        learning_rate_search: Candidates by label percent. Each is trained in full, and the one
            that the selection set likes best is kept; all of them are stored in `selection`
            with their scores. A percent without candidates, and a run in which nothing may
            choose, takes its entry of `learning_rates`.
        momentum: Of SGD.
        weight_decay: Of all weights but biases and norms.
        selection: What may choose the checkpoint and the rate. `full_validation`: the whole
            validation set (the papers' way); `matched_fraction`: the same percent of the
            validation set as of the training set (our headline, traps 9); `fixed_recipe`:
            nothing, the last step.
        evaluations: How often the selection set is scored during training.
        target: `multi_label`: a sigmoid per class. `one_of_many`: a softmax over the classes; an
            image without exactly one positive class takes no part in training.
        uncertain_labels: What a training label of -1 stands for; `ignore` leaves it out.
        uncertain_by_class: Exceptions from `uncertain_labels`, by class name.
        unmentioned_labels: What an empty training label stands for. `negative` is the CheXpert
            papers' reading, for every class of every image.
        truth_labels: Of validation and test. `known`: 0 and 1 count, anything else is unknown;
            `as_training`: the three rules above hold there, too.
        evaluation_batch: Images a forward pass without gradients; null takes `batch_size`. No
            score depends on it.
    """

    learning_rates: Mapping[str, float] = field(default_factory=dict)
    learning_rate_search: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    momentum: float = 0.9
    weight_decay: float = 0.0
    selection: Selection = "matched_fraction"
    evaluations: int = 10
    target: Target = "multi_label"
    uncertain_labels: Uncertain = "ignore"
    uncertain_by_class: Mapping[str, Uncertain] = field(default_factory=dict)
    unmentioned_labels: Literal["ignore", "negative"] = "ignore"
    truth_labels: Literal["known", "as_training"] = "known"
    evaluation_batch: int | None = None
