"""Whom a corpus leaves out: the tested patients of every task, whatever the suite and the call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmark import registry
from benchmark.catalogue import Catalogue, tasks_sharing
from benchmark.data.task_data import forget_manifests
from benchmark.errors import MissingDataError
from benchmark.plan import make_plan
from benchmark.recipes import PretrainRecipe
from benchmark.records import read_record
from benchmark.runner import attempt_cell
from benchmark.settings import Settings
from benchmark.workshop import Workshop

Maker = Callable[..., Settings]
RECIPE = PretrainRecipe(source="test")
SUITE = """title = "One task"
corpus = "fake_source"
baselines = ["fake_method", "fake_sentinel"]
[[entries]]
task = "{task}"
"""
TASK = """from dataclasses import replace
from tasks.fake_task import TASK as FAKE
SPLITS = {splits}
VARIANTS = {{name: replace(FAKE.variants["main"], split=name) for name in SPLITS}}
TASK = replace(FAKE, name="{name}", dataset="{dataset}", variants=VARIANTS)
"""
SOURCE = """from dataclasses import replace
from benchmark.data.sources import fake_source
SOURCE = replace(
    fake_source.SOURCE, name="{name}", folders=("{name}",), namespace="{namespace}",
    also_namespaces={also},
)
def read(root, **options):
    manifest = fake_source.read(root, **options)
    parts = ["test", "validation", "train"] + ["train"] * (len(manifest) - 3)
    return replace(manifest, dataset="{name}", images=manifest.images.assign(split=parts))
"""


class Checkout:
    """A folder shaped like a checkout, for further tasks, sources and suites."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def task(self, name: str, dataset: str, splits: tuple[str, ...] = ("official",)) -> None:
        self.write(f"tasks/{name}.py", TASK.format(name=name, dataset=dataset, splits=splits))

    def source(self, name: str, namespace: str, also: tuple[str, ...] = ()) -> None:
        text = SOURCE.format(name=name, namespace=namespace, also=also)
        self.write(f"benchmark/data/sources/{name}.py", text)


@pytest.fixture
def checkout(fake_checkout: Path, tmp_path: Path) -> Iterator[Checkout]:
    root = tmp_path / "checkout"
    for folder in ("tasks", "benchmark/data/sources", "leaderboards/suites"):
        (root / folder).mkdir(parents=True)
    registry.add_search_root(root)
    yield Checkout(root)
    registry.remove_search_root(root)


def add_data(tmp_path: Path, name: str, people: tuple[int, ...]) -> None:
    """One image a patient; the first is for the test, the second for the validation part."""
    images = tmp_path / "data" / name / "images"
    images.mkdir(parents=True)
    lines = ["image,patient,finding"]
    for person in people:
        (images / f"b{person}.png").write_bytes(b"x")
        lines.append(f"b{person}.png,{person},1")
    (images.parent / "labels.csv").write_text("\n".join(lines) + "\n")


def pretraining_key(settings: Settings) -> str:
    cells = [item.cell for item in make_plan(settings).cells]
    return next(cell.key for cell in cells if cell.kind == "pretrain")


def test_neither_suite_nor_tasks_move_the_key(fake_settings: Maker, checkout: Checkout) -> None:
    for task in ("fake_task", "fake_text_task"):
        checkout.write(f"leaderboards/suites/only-{task}.toml", SUITE.format(task=task))
    only = {"only": "pretraining@*/fake_method/*"}
    found = {
        pretraining_key(fake_settings()),
        pretraining_key(fake_settings(tasks=("fake_task",))),
        pretraining_key(fake_settings(suite="only-fake_task")),
        pretraining_key(fake_settings(suite="only-fake_text_task", tasks=("pretraining",), **only)),
    }
    assert len(found) == 1


def test_a_task_of_no_suite_keeps_its_patients_out(
    fake_settings: Maker, checkout: Checkout, tmp_path: Path
) -> None:
    without = pretraining_key(fake_settings())
    own = Catalogue(fake_settings()).exclusions(RECIPE)
    assert set(own.by_task) == {"fake_task", "fake_text_task"} and len(own.patients) == 6
    free = [number for number in range(20) if f"fake:{number}" not in own.patients]
    add_data(tmp_path, "boxes", (free[0], free[1], free[2], 99))
    checkout.source("boxes", "fake")
    checkout.task("boxes_task", "boxes")
    settings = fake_settings(baselines=("fake_method",), tasks=("fake_task",))
    excluded = Catalogue(settings).exclusions(RECIPE)
    assert excluded.by_task["boxes_task"] == {f"fake:{free[0]}", f"fake:{free[1]}"}
    plan = make_plan(settings)
    first = plan.cells[0]
    assert first.cell.key != without
    assert attempt_cell(first, Workshop(plan.settings), lambda *_: None) == ("done", "")
    record = read_record(plan.settings.results / first.cell.folder)
    assert record.leaks["dropped_by_task"] == {"boxes_task": 2, "fake_task": 6, "fake_text_task": 6}
    assert record.leaks["dropped_patients"] == 8 and record.facts["pairs"] == 12
    assert record.leaks["unread_splits"] == []
    assert make_plan(settings).cells[0].state == "done", "a second run has nothing to do"


def test_every_variant_counts(fake_settings: Maker, checkout: Checkout, tmp_path: Path) -> None:
    add_data(tmp_path, "boxes", tuple(range(20)))
    checkout.source("boxes", "fake")
    checkout.task("boxes_task", "boxes", ("clean", "official"))
    excluded = Catalogue(fake_settings()).exclusions(RECIPE)
    assert {"fake:0", "fake:1"} <= excluded.by_task["boxes_task"]
    assert len(excluded.by_task["boxes_task"]) >= 6


def test_what_is_absent_drops_nobody_and_is_recorded(
    fake_settings: Maker, checkout: Checkout, tmp_path: Path
) -> None:
    without = pretraining_key(fake_settings())
    checkout.source("boxes", "fake")
    checkout.task("boxes_task", "boxes", ("clean", "official"))
    settings = fake_settings(baselines=("fake_method",), tasks=("fake_task",))
    plan = make_plan(settings)
    assert plan.cells[0].cell.key == without
    attempt_cell(plan.cells[0], Workshop(plan.settings), lambda *_: None)
    leaks = read_record(plan.settings.results / plan.cells[0].cell.folder).leaks
    assert leaks["unread_splits"] == ["boxes@clean", "boxes@official"]
    assert leaks["dropped_by_task"] == {"boxes_task": 0, "fake_task": 6, "fake_text_task": 6}


def test_other_namespaces_are_not_read(
    fake_settings: Maker, checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, also in (("other", ()), ("mixed", ("fake",))):
        add_data(tmp_path, name, (0, 1, 2, 3))
        checkout.source(name, f"{name}_people", also)
        checkout.task(f"{name}_task", name)
    read = []
    catalogue = Catalogue(fake_settings())
    load = catalogue._read
    monkeypatch.setattr(catalogue, "_read", lambda name: (read.append(name), load(name))[1])
    excluded = catalogue.exclusions(RECIPE)
    assert "mixed_task" in excluded.by_task and "other_task" not in excluded.by_task
    assert sorted(read) == ["fake_source", "mixed"]


def test_an_absent_corpus_is_told_and_include_reads_nothing(
    fake_settings: Maker, tmp_path: Path
) -> None:
    forget_manifests()
    catalogue = Catalogue(fake_settings(data_root=tmp_path / "nowhere"))
    with pytest.raises(MissingDataError):
        catalogue.exclusions(RECIPE)
    include = RECIPE.replaced({"ms_cxr_in_pretraining": "include"})
    assert not catalogue.exclusions(include).patients


def test_the_phantom_is_drawn_with_all_that_the_corpus_leaves_out(
    fake_settings: Maker, checkout: Checkout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    checkout.source("boxes", "fake")
    checkout.task("boxes_task", "boxes")
    asked: list[set[str]] = []

    def draw(settings: Settings, progress: object, datasets: set[str]) -> Settings:
        asked.append(set(datasets))
        return fake_settings(baselines=settings.baselines, tasks=settings.tasks)

    monkeypatch.setattr("benchmark.plan.with_phantom", draw)
    for baselines, wanted in (
        (("fake_method",), {"fake_source", "boxes"}),
        (("fake_sentinel",), {"fake_source"}),
    ):
        make_plan(fake_settings(data_root=None, baselines=baselines, tasks=("fake_task",)))
        assert asked.pop() == wanted


def test_the_real_tasks_that_share_patients_with_the_corpora() -> None:
    def sharing(*namespaces: str) -> set[str]:
        return {task.dataset for task in tasks_sharing(set(namespaces))}

    assert "ms_cxr" in sharing("mimic")
    assert not {"nih_cxr14", "rsna_pneumonia", "chexpert"} & sharing("mimic", "openi")
    assert {"nih_cxr14", "rsna_pneumonia"} <= sharing("nih")
    assert "covidx" in sharing("rsna")
