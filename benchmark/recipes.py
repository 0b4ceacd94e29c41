"""How work is done: one frozen recipe per protocol, holding the paper's values and their source.

A profile replaces fields of a recipe by name (`Recipe.replaced`); it changes the size of the work
and nothing else. Label fractions are percents written as strings (`"1"`, `"10"`, `"100"`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from benchmark.errors import unknown_name

Selection = Literal["full_validation", "matched_fraction", "fixed_recipe"]
Geometry = Literal["resize_crop", "squash", "pad_square"]
Target = Literal["multi_label", "one_of_many"]
Uncertain = Literal["ignore", "negative", "positive"]
R = TypeVar("R", bound="Recipe")


@dataclass(frozen=True)
class Recipe:
    """What every protocol's recipe shares.

    Attributes:
        source: Paper, table or file of the official code that the values come from.
        split: `maco_lists` and the like (a published list, used as published), `official` (the
            data set's own) or `clean` (ours: by patient, nested, from the seed alone).
        image_size: Side of the square model input in pixels.
        geometry: How an image of any shape becomes that square. `resize_crop` = short side to
            size, centre crop; `squash` = ignore the aspect; `pad_square` = zero padding.
        batch_size: Images a forward pass; for training the images an optimiser step.
    """

    source: str
    split: str = "clean"
    image_size: int = 224
    geometry: Geometry = "resize_crop"
    batch_size: int = 96

    def replaced(self: R, overrides: Mapping[str, Any]) -> R:
        """This recipe with the named fields replaced; an unknown field is a usage error."""
        known = {item.name for item in dataclasses.fields(self)}
        for name in overrides:
            if name not in known:
                raise unknown_name(f"field of {type(self).__name__}", name, known)
        return dataclasses.replace(self, **overrides)


@dataclass(frozen=True)
class PretrainRecipe(Recipe):
    """Pre-training on images and reports.

    Attributes:
        epochs: Passes over the corpus; 0 leaves the initial weights (`random_init`).
        contrastive_batch: Pairs that stand in one softmax.
        accumulation: Such batches an optimiser step.
        learning_rate: Peak rate, absolute.
        warmup_epochs: Linear warm-up, then half a cosine to `final_learning_rate`, by step.
        flip_probability: Horizontal flip; it makes left and right unlearnable (traps 3).
        views: `frontal` or `all`.
        ms_cxr_in_pretraining: `exclude` drops every patient that a task of the suite tests on.
        sentence_sampling: Split the report, shuffle, keep a random number of sentences.
        text_sections: Sections of the report that are read, in this order.
        start_from: Baseline whose pre-training on the same corpus makes the start weights: every
            tensor of equal name and shape is taken, and its tokenizer. Empty: initial weights.
        checkpoint_every_seconds: Wall time between resumable checkpoints.
        precision: `auto` is float32 on CPU and mixed precision on GPU.
    """

    epochs: float = 30
    contrastive_batch: int = 512
    accumulation: int = 1
    learning_rate: float = 4.5e-4
    final_learning_rate: float = 0.0
    warmup_epochs: float = 2
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.95)
    gradient_clip: float | None = None
    flip_probability: float = 0.5
    rotation_degrees: float = 20.0
    scale: tuple[float, float] = (0.8, 1.2)
    views: Literal["frontal", "all"] = "frontal"
    ms_cxr_in_pretraining: Literal["exclude", "include"] = "exclude"
    sentence_sampling: bool = True
    text_sections: tuple[str, ...] = ("findings", "impression")
    start_from: str = ""
    checkpoint_every_seconds: float = 60.0
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"


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


@dataclass(frozen=True)
class FineTuneRecipe(LabelledRecipe):
    """Fine-tuning end to end with a linear head on the pooled features of the encoder.

    Attributes:
        steps, warmup_steps: Optimiser steps by label percent.
        weighted_loss: Weigh positives by the inverse class frequency of the training subset;
            with `one_of_many`, images by the inverse frequency of their class.
    """

    steps: Mapping[str, int] = field(default_factory=dict)
    warmup_steps: Mapping[str, int] = field(default_factory=dict)
    optimizer: Literal["sgd", "adamw"] = "sgd"
    gradient_clip: float | None = 1.0
    drop_path: float = 0.1
    crop_scale: tuple[float, float] = (0.08, 1.0)
    flip_probability: float = 0.5
    weighted_loss: bool = False
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"


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


@dataclass(frozen=True)
class ZeroShotRecipe(Recipe):
    """Zero-shot classification by prompts.

    Attributes:
        prompts: Name of a file in `tasks/prompts/`, without `.toml`.
        scoring: `official`: softmax over the raw dot products with the mean positive and the
            mean negative text vector. `cosine`: the same on L2-normalised vectors with the
            model's learned temperature; `both` stores both, `official` is the headline.
    """

    prompts: str = "maco"
    scoring: Literal["official", "cosine", "both"] = "both"


@dataclass(frozen=True)
class GroundRecipe(Recipe):
    """Phrase grounding by patch-text similarity.

    Attributes:
        projected: Patch features after the image projection (the official code) or before it
            (the paper's text).
        sigma_at_14: Gaussian smoothing in grid cells at a 14 x 14 grid; scaled by grid / 14.
        frame: Side in pixels of the square in which boxes and maps are compared.
        thresholds: IoU is averaged over these, on the map rescaled to [-1, 1].
        weight_temperatures: Candidates for tau_w as multiples of the weights' standard
            deviation; chosen on validation by mean CNR.
        official_weight_temperature: The paper's absolute tau_w, stored beside it.
        shuffle_sentences: The official code shuffles the pieces of a phrase.
        sentinel_grid: Cells a side of the sentinels' maps; a profile sets the methods' grid.
    """

    geometry: Geometry = "pad_square"
    projected: bool = True
    sigma_at_14: float = 1.5
    frame: int = 224
    thresholds: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5)
    weight_temperatures: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
    official_weight_temperature: float = 0.02
    shuffle_sentences: bool = False
    sentinel_grid: int = 14
