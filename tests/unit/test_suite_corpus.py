"""A suite names what is pre-trained on; the call may name something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmark import registry
from benchmark.errors import UsageError
from benchmark.plan import make_plan
from benchmark.settings import Settings, make_settings
from benchmark.workshop import Workshop

Maker = Callable[..., Settings]
SUITE = """name = "own-corpus"
title = "A suite with its own corpus"
corpus = "{corpus}"
baselines = ["fake_method"]
[[entries]]
task = "fake_task"
"""


@pytest.fixture
def write_suite(fake_checkout: Path, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    root = tmp_path / "checkout"
    folder = root / "leaderboards" / "suites"
    folder.mkdir(parents=True)

    def write(corpus: str) -> None:
        (folder / "own-corpus.toml").write_text(SUITE.format(corpus=corpus))

    registry.add_search_root(root)
    yield write
    registry.remove_search_root(root)


def test_a_suite_names_its_corpus(fake_settings: Maker, write_suite: Callable[[str], None]) -> None:
    write_suite("fake_source")
    plan = make_plan(fake_settings(suite="own-corpus", corpus=""))
    assert plan.settings.corpus == "fake_source"
    pretraining = plan.cells[0].cell
    assert pretraining.kind == "pretrain"
    assert pretraining.data_id.startswith("fake_source-")
    assert Workshop(plan.settings).settings.corpus == "fake_source", "what the workers are given"


def test_the_call_wins_over_the_suite(
    fake_settings: Maker, write_suite: Callable[[str], None]
) -> None:
    write_suite("mimic_cxr")
    blocked = make_plan(fake_settings(suite="own-corpus", corpus=""))
    assert blocked.cells[0].state == "blocked" and "MIMIC" in blocked.cells[0].cause
    plan = make_plan(fake_settings(suite="own-corpus", corpus="fake_source"))
    assert plan.cells[0].state == "to_run"


def test_a_misspelt_corpus_of_a_suite_is_told(
    fake_settings: Maker, write_suite: Callable[[str], None]
) -> None:
    write_suite("fake_sorce")
    with pytest.raises(UsageError, match="fake_sorce"):
        make_plan(fake_settings(suite="own-corpus", corpus=""))


def test_the_suites_of_the_papers_pretrain_on_mimic_and_open_on_open_i() -> None:
    assert make_settings({}, None).corpus == ""
    assert registry.load_suite("maco").corpus == "mimic_cxr"
    suite = registry.load_suite("open")
    assert suite.corpus == "open_i"
    credentialed = {"mimic_cxr", "ms_cxr", "chexpert"}
    tasks = [registry.load_task(entry.task) for entry in suite.entries]
    assert not credentialed & {task.dataset for task in tasks}


def test_every_suite_names_a_corpus_that_can_be_read() -> None:
    readers = set(registry.source_names())
    assert {registry.load_suite(name).corpus for name in registry.suite_names()} <= readers
