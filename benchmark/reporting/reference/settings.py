"""The fields of the recipes: what they mean, and which of them count in a recipe."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

from benchmark.recipes import Recipe

HIDDEN = ("source", "checkpoint_every_seconds")
"""Of no influence on a score; `source` has a place of its own."""

_LABEL_RULES = ("target", "uncertain_labels", "uncertain_by_class", "unmentioned_labels")
_NOT_IN_DENSE_TASKS = ("learning_rate_search", "momentum", *_LABEL_RULES, "truth_labels")

UNUSED: Mapping[str, tuple[str, ...]] = {
    "SegmentRecipe": _NOT_IN_DENSE_TASKS,
    "DetectRecipe": _NOT_IN_DENSE_TASKS,
    "ClassGroundRecipe": ("shuffle_sentences",),
}
"""By recipe: fields that it has from a common base and that its protocol never reads."""

CONDITIONS: Mapping[str, Mapping[str, tuple[str, tuple[Any, ...]]]] = {
    "FineTuneRecipe": {"momentum": ("optimizer", ("sgd",))},
    "LinearProbeRecipe": {
        "momentum": ("solver", ("sgd",)),
        "penalties": ("solver", ("lbfgs",)),
        **dict.fromkeys(
            ("learning_rates", "learning_rate_search", "epochs", "warmup_epochs"),
            ("solver", ("adamw", "sgd")),
        ),
        **dict.fromkeys(
            ("weight_decay", "batch_size", "evaluations"), ("solver", ("adamw", "sgd"))
        ),
    },
    "SegmentRecipe": {
        **dict.fromkeys(
            ("upernet_channels", "auxiliary_channels", "auxiliary_weight", "dropout"),
            ("decoder", ("upernet",)),
        ),
        **dict.fromkeys(("unet_channels", "decoder_from_pretraining"), ("decoder", ("unet",))),
        **dict.fromkeys(("rotation_degrees", "scale"), ("crop_scale", (None,))),
        "layer_decay": ("freeze_encoder", (False,)),
    },
    "DetectRecipe": {
        **dict.fromkeys(
            ("pyramid_scales", "anchor_cells", "head_width", "head_convolutions"),
            ("detector", ("vitdet",)),
        ),
        **dict.fromkeys(("proposals", "sampled_boxes"), ("detector", ("vitdet",))),
        "layer_decay": ("freeze_encoder", (False,)),
    },
    "ClassGroundRecipe": {"mask_class": ("truth", ("masks",))},
}
"""By recipe and field: another field and its values, without which it is not read."""


def shown_fields(recipe: Recipe) -> list[str]:
    """Names of the fields that can count in a recipe of this kind, in their order."""
    left_out = {*HIDDEN, *UNUSED.get(type(recipe).__name__, ())}
    if recipe.OWN_SIZE:
        left_out.add("image_size")
    return [item.name for item in dataclasses.fields(recipe) if item.name not in left_out]


def counts(recipe: Recipe, field: str) -> bool:
    """Whether a field is read, given the others."""
    condition = CONDITIONS.get(type(recipe).__name__, {}).get(field)
    return condition is None or getattr(recipe, condition[0]) in condition[1]


def classes_of(recipes: Iterable[type[Recipe]]) -> list[type[Recipe]]:
    """The classes of some recipes and of what they are made from, the common ones first."""
    found: dict[type[Recipe], None] = {}
    for kind in recipes:
        for one in reversed(kind.__mro__):
            if issubclass(one, Recipe):
                found.setdefault(one)
    return list(found)


def prose(kind: type) -> str:
    """A class's docstring before its attributes; each paragraph is one line."""
    text = inspect.cleandoc(kind.__doc__ or "").partition("\nAttributes:")[0]
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n") if part.strip())


def described(kind: type) -> dict[str, str]:
    """Meaning of the attributes that a class's own docstring names, in its order.

    Args:
        kind: Its docstring is in Google's style; attributes explained together are one entry,
            such as `steps, warmup_steps`.
    """
    lines = inspect.cleandoc(kind.__doc__ or "").partition("\nAttributes:")[2].splitlines()
    found: dict[str, list[str]] = {}
    for line in lines:
        start = re.match(r" {4}(\w+(?:, \w+)*): (.*)", line)
        if start:
            found[start[1]] = [start[2]]
        elif line.startswith(" " * 8) and found:
            found[list(found)[-1]].append(line.strip())
        elif line and not line.startswith(" "):
            break
    return {names: " ".join(parts) for names, parts in found.items()}


def meaning(kind: type, field: str) -> str:
    """What a field stands for, from the docstring of the nearest class that says it."""
    for one in kind.__mro__:
        for names, text in described(one).items():
            if field in names.split(", "):
                return text
    return ""
