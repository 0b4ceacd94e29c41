"""Builds cells: which work a suite means, resolved to the last option, with its content key."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

from benchmark import registry
from benchmark.errors import UsageError, unknown_name
from benchmark.fingerprint import file_checksum, key_of, plain
from benchmark.recipes import ClassGroundRecipe, PretrainRecipe, Recipe, ZeroShotRecipe
from benchmark.settings import Settings, replaced_options, typed
from benchmark.specs import BaselineSpec, Cell, Profile, Seeds, TaskSpec

PRETRAINING = "pretraining"
HOUSE = "house"
"""Value of `start_from`: the start that the method's spec names."""
_NOT_IN_KEY = ("source", "checkpoint_every_seconds")


@dataclass(frozen=True)
class Resolved:
    """Everything a cell's names stand for, after profile and user have replaced their part.

    Attributes:
        size: Dimensions of the model; empty for a sentinel.
        options: All options of the baseline.
        changed: Those that differ from their defaults.
        versions: Of task, protocol, method and metrics.
        prompts: Checksum of the prompts that the recipe names, or empty.
    """

    task: TaskSpec
    baseline: BaselineSpec
    profile: Profile
    recipe: Recipe
    options: Mapping[str, Any]
    changed: Mapping[str, Any]
    size: Mapping[str, Any]
    versions: Mapping[str, int]
    prompts: str = ""

    @property
    def store_side(self) -> int:
        """Longest side of the stored images in pixels: no model sees an enlarged image."""
        return max(self.profile.store_size, self.recipe.image_size)


@dataclass(frozen=True)
class Origin:
    """Where the weights of an evaluated model come from.

    Attributes:
        weights: As in `Cell.weights`.
        key: Key of the pre-training cell, or the file's checksum.
        data_id: Data that was pre-trained on, where known.
        seed: Pre-training seed, where there is one.
    """

    weights: str
    key: str = ""
    data_id: str = ""
    seed: int | None = None


@dataclass(frozen=True)
class DataState:
    """Id and content key of the data a cell reads; `excluded` for a corpus: a hash of patients."""

    data_id: str
    key: str
    extra: Mapping[str, Any] = field(default_factory=dict)


def resolve(task_name: str, variant: str, baseline_name: str, settings: Settings) -> Resolved:
    """Look up the names of a cell and replace what profile and user replace.

    Raises:
        UsageError: An unknown name, an option of the wrong type, a model size that the baseline
            does not offer.
    """
    task = registry.load_task(task_name)
    baseline = registry.load_baseline(baseline_name)
    profile = registry.load_profile(settings.profile)
    if variant not in task.variants:
        raise unknown_name(f"variant of {task.name}", variant, task.variants)
    options = replaced_options(baseline.base, baseline.options, settings)
    size: Mapping[str, Any] = {}
    if baseline.kind == "method" and not baseline.outside:
        if profile.model_size not in baseline.sizes:
            raise unknown_name(f"size of {baseline.name}", profile.model_size, baseline.sizes)
        size = baseline.sizes[profile.model_size]
    changed = {name: value for name, value in options.items() if value != baseline.options[name]}
    recipe = _recipe(task, variant, baseline, profile, settings)
    prompts = ""
    if isinstance(recipe, ZeroShotRecipe | ClassGroundRecipe):
        prompts = file_checksum(registry.prompts_file(recipe.prompts))
    versions = _versions(task, baseline)
    return Resolved(task, baseline, profile, recipe, options, changed, size, versions, prompts)


def _recipe(
    task: TaskSpec, variant: str, baseline: BaselineSpec, profile: Profile, settings: Settings
) -> Recipe:
    """The variant's recipe (for pre-training the method's), then profile, then user.

    Both replace by protocol, and what they say of `protocol@baseline` stands above that.
    """
    recipe: Recipe = task.variants[variant]
    if task.protocol == "pretrain":
        if baseline.pretraining is None:
            raise UsageError(f"`{baseline.name}` has no pre-training recipe.")
        recipe = baseline.pretraining
    if recipe.OWN_SIZE:
        _refuse_image_size(task.protocol, settings)
    for source in (profile.overrides, settings.recipes):
        changes = {
            **source.get(task.protocol, {}),
            **source.get(f"{task.protocol}@{baseline.base}", {}),
        }
        if isinstance(recipe, PretrainRecipe) and recipe.epochs == 0:
            # A baseline that is not trained stays untrained at every size of work.
            changes.pop("epochs", None)
            changes.pop("start_from", None)
        recipe = recipe.replaced(_typed_changes(task.protocol, recipe, changes))
    return recipe


def _refuse_image_size(protocol: str, settings: Settings) -> None:
    """A field that would change the key and nothing else is a mistake."""
    for name, changes in settings.recipes.items():
        if name.partition("@")[0] == protocol and "image_size" in changes:
            raise UsageError(
                f"`{name}.image_size` changes nothing: {protocol} reads a model at its own size.",
                remedy="Another size takes another pre-training: --recipe pretrain.image_size=N.",
            )


def _typed_changes(protocol: str, recipe: Recipe, changes: Mapping[str, Any]) -> dict[str, Any]:
    known = {item.name: getattr(recipe, item.name) for item in dataclasses.fields(recipe)}
    hints = get_type_hints(type(recipe))
    result: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in known:
            raise unknown_name(f"field of the {protocol} recipe", name, known)
        default = known[name]
        value = typed(f"{protocol}.{name}", value, default)
        choices = get_args(hints[name]) if get_origin(hints[name]) is Literal else ()
        if choices and value not in choices:
            raise unknown_name(f"value of {protocol}.{name}", str(value), map(str, choices))
        result[name] = {**default, **value} if isinstance(default, Mapping) else value
    return result


def _versions(task: TaskSpec, baseline: BaselineSpec) -> dict[str, int]:
    versions = {
        "task": task.version,
        "method": baseline.version,
        "protocol": registry.module_version("benchmark/protocols", task.protocol),
    }
    if task.metrics:
        versions["metrics"] = registry.module_version("benchmark/metrics", task.metrics)
    return versions


def recipe_content(recipe: Recipe) -> dict[str, Any]:
    """A recipe as it stands in a record: its kind and every field."""
    return {"kind": type(recipe).__name__, **plain(recipe)}


def start_of(resolved: Resolved) -> str:
    """The baseline whose weights a pre-training starts from, or an empty text.

    `house` is the start that the method's spec names. A method without a text tower does not ask
    for the text tower's start, and what makes a start does not wait for itself.
    """
    recipe, baseline = resolved.recipe, resolved.baseline
    if not isinstance(recipe, PretrainRecipe) or baseline.from_scratch:
        return ""
    if recipe.start_from == HOUSE:
        return baseline.house
    return "" if recipe.start_from == baseline.base or not baseline.uses_text else recipe.start_from


def pretrain_cell(
    resolved: Resolved, variant: str, data: DataState, seed: int, start_key: str = ""
) -> Cell:
    """The cell that makes the weights of a method; `start_key` is that of its start's cell."""
    draft = Cell(
        kind="pretrain",
        task=resolved.task.name,
        variant=variant,
        baseline=resolved.baseline.name,
        profile=resolved.profile.name,
        data_id=data.data_id,
        weights="initial",
        seeds=Seeds(pretrain=seed),
        options=resolved.changed,
        depends_on=start_key,
    )
    return _with_key(draft, resolved, data)


def evaluate_cell(
    resolved: Resolved,
    variant: str,
    data: DataState,
    origin: Origin,
    percent: float | None = None,
    subset_seed: int | None = None,
    head_seed: int | None = None,
) -> Cell:
    """The cell that scores one baseline on one variant of a task."""
    draft = Cell(
        kind="evaluate",
        task=resolved.task.name,
        variant=variant,
        baseline=resolved.baseline.name,
        profile=resolved.profile.name,
        data_id=data.data_id,
        weights=origin.weights,
        seeds=Seeds(origin.seed, subset_seed, head_seed),
        label_percent=percent,
        options=resolved.changed,
        depends_on=origin.key,
    )
    return _with_key(draft, resolved, data)


def _with_key(draft: Cell, resolved: Resolved, data: DataState) -> Cell:
    """Fill in the content key: all that a result depends on, except the code itself."""
    profile = resolved.profile
    recipe = recipe_content(resolved.recipe)
    content: dict[str, Any] = {
        "cell": {**plain(draft), "key": "", "options": plain(resolved.options)},
        "data": data.key,
        "extra": data.extra,
        "versions": resolved.versions,
        "recipe": {name: value for name, value in recipe.items() if name not in _NOT_IN_KEY},
        "prompts": resolved.prompts,
        "size": resolved.size,
        "image_profile": resolved.baseline.image_profile,
        "store_size": resolved.store_side,
    }
    if draft.kind == "evaluate":
        content["bootstrap_replicates"] = profile.bootstrap_replicates
        content["chance_draws"] = profile.chance_draws
    return dataclasses.replace(draft, key=key_of(content))


def why_not_applicable(task: TaskSpec, baseline: BaselineSpec) -> str:
    """Why a baseline cannot do a task, or an empty text."""
    if baseline.kind == "sentinel":
        if task.protocol in baseline.protocols:
            return ""
        return f"{baseline.name} makes no predictions for {task.protocol}"
    if task.needs in baseline.capabilities:
        return ""
    reason = baseline.no_capability_reason or "the method does not offer it"
    return f"{task.needs}: {reason}"
