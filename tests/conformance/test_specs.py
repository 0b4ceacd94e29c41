"""Every task and baseline file keeps the rules of the registry."""

from __future__ import annotations

import dataclasses
import importlib
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from benchmark import registry
from benchmark.data.list_facts import rules_of
from benchmark.protocols.prompts import load_prompts
from benchmark.recipes import (
    DetectRecipe,
    FineTuneRecipe,
    LabelledRecipe,
    LinearProbeRecipe,
    Recipe,
    SegmentRecipe,
    ZeroShotRecipe,
)
from benchmark.specs import TaskSpec

BLOCKED = textwrap.dedent(
    """
    import sys

    class Blocker:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] in {"torch", "torchvision", "timm", "transformers", "mmdet"}:
                raise ImportError("blocked: " + name)

    sys.meta_path.insert(0, Blocker())
    from benchmark import registry
    for name in registry.task_names():
        assert registry.load_task(name).name == name
    for name in registry.baseline_names():
        assert registry.load_baseline(name).name == name
    for name in registry.source_names():
        assert registry.source_module(name).SOURCE.name == name
    """
)


def test_every_task_and_baseline_imports_without_torch(checkout: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", BLOCKED], cwd=checkout, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_importing_the_engine_loads_neither_torch_nor_pandas(checkout: Path) -> None:
    code = "import benchmark, sys; assert not {'torch', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=checkout, check=True)


@pytest.mark.parametrize("name", registry.task_names())
def test_task_spec_is_plain_data_and_sources_are_named(name: str) -> None:
    task = registry.load_task(name)
    json.dumps(dataclasses.asdict(task))
    assert task.variants, "a task offers at least one variant"
    for variant, recipe in task.variants.items():
        assert recipe.source, f"{name}@{variant} names the source of its values"
    if task.dataset:
        assert task.dataset in registry.source_names()


@pytest.mark.parametrize("name", registry.baseline_names())
def test_baseline_spec_is_plain_data(name: str) -> None:
    spec = registry.load_baseline(name)
    json.dumps(dataclasses.asdict(spec))
    assert spec.source
    module = registry.baseline_module(name)
    if spec.kind == "sentinel":
        assert callable(module.predict)
        assert spec.protocols
    else:
        assert callable(module.build)
        assert {"toy", "demo", "paper"} <= set(spec.sizes)
        assert (spec.pretraining is None) == bool(spec.released)


RECIPES = [
    pytest.param(registry.load_task(name), variant, recipe, id=f"{name}@{variant}")
    for name in registry.task_names()
    for variant, recipe in registry.load_task(name).variants.items()
]


@pytest.mark.parametrize(("task", "variant", "recipe"), RECIPES)
def test_a_recipe_that_learns_from_labels_serves_every_fraction(
    task: TaskSpec, variant: str, recipe: Recipe
) -> None:
    if not isinstance(recipe, LabelledRecipe):
        assert not task.label_percents, "fractions are of training labels"
        return
    offered = {f"{percent:g}" for percent in task.label_percents}
    assert offered
    assert set(recipe.learning_rates) == offered
    assert set(recipe.learning_rate_search) <= offered
    assert set(recipe.uncertain_by_class) <= set(task.classes)
    if isinstance(recipe, FineTuneRecipe | SegmentRecipe | DetectRecipe):
        assert set(recipe.steps) == set(recipe.warmup_steps) == offered
        assert all(recipe.warmup_steps[label] < recipe.steps[label] for label in offered)
    if isinstance(recipe, LinearProbeRecipe):
        assert set(recipe.epochs) == offered
    if recipe.target == "one_of_many":
        assert len(task.classes) > 1


@pytest.mark.parametrize(("task", "variant", "recipe"), RECIPES)
def test_a_zero_shot_recipe_words_every_class(
    task: TaskSpec, variant: str, recipe: Recipe, checkout: Path
) -> None:
    if not isinstance(recipe, ZeroShotRecipe):
        return
    prompts = load_prompts(recipe.prompts, checkout / "tasks" / "prompts")
    for name in task.classes:
        sides = prompts.positive(name), prompts.negative(name)
        assert all(sides) and not set(sides[0]) & set(sides[1])
        assert any(prompts.name_of(name) in sentence for sentence in sides[0])


@pytest.mark.parametrize(("task", "variant", "recipe"), RECIPES)
def test_a_published_list_that_leaks_is_named_so(
    task: TaskSpec, variant: str, recipe: Recipe
) -> None:
    """The lists of NIH and RSNA share no patient; a variant on any other says what it is."""
    harmless = task.dataset in ("nih_cxr14", "rsna_pneumonia", "ms_cxr")
    own = recipe.split in ("clean", "official") or recipe.split in rules_of(task.dataset)
    if task.dataset and not own and not harmless:
        assert "_lists" in variant
        page = importlib.import_module(f"tasks.{task.name}").__doc__ or ""
        assert "**leak" in page
        assert "clean" in task.variants


@pytest.mark.parametrize("name", registry.suite_names())
def test_a_suite_names_what_exists(name: str) -> None:
    suite = registry.load_suite(name)
    lists = [suite.profile_baselines, *(entry.profile_baselines for entry in suite.entries)]
    for chosen in lists:
        assert set(chosen) <= set(registry.profile_names())
    named = [*suite.baselines, *(name for entry in suite.entries for name in entry.baselines)]
    named += [name for chosen in lists for names in chosen.values() for name in names]
    for baseline in named:
        assert registry.load_baseline(baseline).name == baseline
    for entry in suite.entries:
        task = registry.load_task(entry.task)
        assert not entry.variant or entry.variant in task.variants
        assert set(entry.label_percents) <= set(task.label_percents)
