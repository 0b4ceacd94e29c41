"""Which settings count in a recipe, and what they mean."""

from __future__ import annotations

import dataclasses
import re

import pytest

from benchmark import recipes, registry
from benchmark.recipes import (
    ClassGroundRecipe,
    DetectRecipe,
    FineTuneRecipe,
    LinearProbeRecipe,
    Recipe,
    SegmentRecipe,
)
from benchmark.reporting.reference import settings
from benchmark.reporting.reference.settings import (
    CONDITIONS,
    UNUSED,
    classes_of,
    counts,
    described,
    meaning,
    prose,
    shown_fields,
)

PROTOCOLS = {"SegmentRecipe": "segment", "DetectRecipe": "detect", "ClassGroundRecipe": "ground"}


def kind(name: str) -> type[Recipe]:
    found: type[Recipe] = getattr(recipes, name)
    return found


@pytest.mark.parametrize("name", [*UNUSED, *CONDITIONS])
def test_rules_name_fields_that_there_are(name: str) -> None:
    fields = {item.name for item in dataclasses.fields(kind(name))}
    assert set(UNUSED.get(name, ())) <= fields
    for field, (other, values) in CONDITIONS.get(name, {}).items():
        assert {field, other} <= fields and values


@pytest.mark.parametrize("name", ["SegmentRecipe", "DetectRecipe"])
def test_what_is_called_unused_is_read_by_no_module_of_the_protocol(name: str) -> None:
    folders = (registry.CHECKOUT / "benchmark" / place for place in ("protocols", "detection"))
    begins = PROTOCOLS[name]
    paths = [
        path
        for folder in folders
        for path in folder.glob("*.py")
        if path.stem.startswith(begins) or folder.name == f"{begins}ion"
    ]
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    assert len(paths) > 3
    read = set(re.findall(r"recipe\.(\w+)", text))
    # Both protocols refuse a search instead of running one.
    assert read & set(UNUSED[name]) <= {"learning_rate_search"}
    assert "learning_rates" in read and "steps" in read


def test_a_condition_follows_the_other_setting() -> None:
    frozen = SegmentRecipe(source="test", decoder="unet", freeze_encoder=True)
    assert counts(frozen, "unet_channels") and not counts(frozen, "upernet_channels")
    assert not counts(frozen, "layer_decay") and counts(frozen, "steps")
    solved = LinearProbeRecipe(source="test", solver="lbfgs")
    assert counts(solved, "penalties") and not counts(solved, "learning_rates")
    assert not counts(FineTuneRecipe(source="test", optimizer="adamw"), "momentum")
    assert not counts(DetectRecipe(source="test", detector="yolov3"), "proposals")


def test_hidden_and_unused_fields_are_not_shown() -> None:
    shown = shown_fields(SegmentRecipe(source="test"))
    assert shown[:3] == ["split", "image_size", "geometry"]
    assert not {"source", "checkpoint_every_seconds", "momentum", "target"} & set(shown)
    assert "shuffle_sentences" not in shown_fields(ClassGroundRecipe(source="test"))


def test_meanings_come_from_the_nearest_docstring() -> None:
    assert described(FineTuneRecipe)["steps, warmup_steps"] == "Optimiser steps by label percent."
    assert meaning(FineTuneRecipe, "warmup_steps") == "Optimiser steps by label percent."
    assert meaning(FineTuneRecipe, "split") == described(Recipe)["split"]
    assert meaning(FineTuneRecipe, "no_such_field") == ""
    assert "\n\n" in prose(SegmentRecipe) and "Attributes" not in prose(SegmentRecipe)
    assert prose(Recipe) == "What every protocol's recipe shares."


def test_common_classes_come_first_and_once() -> None:
    found = classes_of([FineTuneRecipe, SegmentRecipe])
    assert [one.__name__ for one in found] == [
        "Recipe",
        "LabelledRecipe",
        "FineTuneRecipe",
        "SegmentRecipe",
    ]
    assert settings.HIDDEN == ("source", "checkpoint_every_seconds")
