"""Linear probing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmark.recipes.labelled import LabelledRecipe


@dataclass(frozen=True)
class LinearProbeRecipe(LabelledRecipe):
    """A linear head on the features of a frozen encoder.

    Every image is encoded once, as it is (no augmentation), and the head is trained on the stored
    features. `batch_size` is the head's; images are encoded by `evaluation_batch`.

    Attributes:
        epochs: Passes over the training features by label percent; for `adamw` and `sgd`.
        feature: `pooled`: the method's own pooled feature where its model has a member
            `pooled_features(images)`, else the mean of the patches. `patch_mean`: the mean of the
            patches before any projection. `embedding`: the vector in the space shared with text.
        standardise: Subtract the mean of the training features and divide by their standard
            deviation. The papers do not.
        solver: `adamw` and `sgd`: steps with `learning_rates`, half a cosine to 0, the checkpoint
            chosen by `selection`. `lbfgs`: logistic regression solved to convergence for each of
            `penalties`, of which `selection` chooses; rates, epochs and weight decay are not used.
        warmup_epochs: Linear warm-up of the rate.
        penalties: L2 penalties on the head, relative to the sum of the losses (1 / C of
            scikit-learn). The first is taken where nothing may choose.
        weighted_loss: As in `FineTuneRecipe`.
    """

    batch_size: int = 48
    weight_decay: float = 1e-6
    evaluation_batch: int | None = 96
    epochs: Mapping[str, float] = field(default_factory=dict)
    warmup_epochs: float = 0.0
    feature: Literal["pooled", "patch_mean", "embedding"] = "pooled"
    standardise: bool = False
    solver: Literal["adamw", "sgd", "lbfgs"] = "adamw"
    penalties: tuple[float, ...] = (1.0,)
    weighted_loss: bool = False
