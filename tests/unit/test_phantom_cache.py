"""The phantom as default data: what is drawn for which call, once, and where it is found."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark import phantom_cache, registry
from benchmark.cli import main
from benchmark.execution.lease import Lease, acquire
from benchmark.phantom.datasets import CORE
from benchmark.phantom_cache import phantom_folder, with_phantom
from benchmark.plan import make_plan
from benchmark.settings import Settings
from benchmark.specs import PhantomSize

Maker = Callable[..., Settings]
Drawn = list[tuple[str, tuple[str, ...]]]
CORE_NAME = "v1-40-64-0-real"
FAKE_NAME = f"{CORE_NAME}-fake_source"


@pytest.fixture
def undrawn(fake_settings: Maker, tmp_path: Path) -> Maker:
    """Makes settings that name no data."""
    return lambda **changes: fake_settings(**{"data_root": None, **changes})


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """What was drawn; folders and marks are made, pictures are not."""
    calls: Drawn = []

    def draw(
        folder: Path, size: PhantomSize, datasets: tuple[str, ...], jobs: int, progress: object
    ) -> None:
        calls.append((folder.name, datasets))
        (folder / "fake-data").mkdir(parents=True)
        (folder / "PHANTOM.json").write_text("{}")

    monkeypatch.setattr(phantom_cache, "_draw", draw)
    return calls


def test_the_folder_names_all_that_its_content_depends_on(tmp_path: Path) -> None:
    size = PhantomSize(2000, 224, 3, "enriched")
    assert phantom_folder(tmp_path, size) == tmp_path / "phantom" / "v1-2000-224-3-enriched"
    assert phantom_folder(tmp_path, size, "x").name == "v1-2000-224-3-enriched-x"


@pytest.mark.parametrize(
    ("datasets", "expected"),
    [
        (None, [(CORE_NAME, CORE)]),
        (["nih_cxr14", "ms_cxr"], [(CORE_NAME, CORE)]),
        (["fake_source"], [(FAKE_NAME, ("fake_source",))]),
        (["fake_source", "mimic_cxr"], [(CORE_NAME, CORE), (FAKE_NAME, ("fake_source",))]),
        (["csv_pairs", "no_such_set"], []),
    ],
)
def test_what_is_drawn_is_what_is_read(
    undrawn: Maker, drawn: Drawn, tmp_path: Path, datasets: list[str] | None, expected: Drawn
) -> None:
    settings = with_phantom(undrawn(), None, datasets)
    assert drawn == expected
    home, names = tmp_path / "cache" / "phantom", {name for name, _ in expected}
    assert settings.data_root == (home / CORE_NAME if CORE_NAME in names else None)
    roots = {"fake_source": home / FAKE_NAME / "fake-data"} if FAKE_NAME in names else {}
    assert settings.data_roots == roots
    assert with_phantom(undrawn(), None, datasets) == settings
    assert drawn == expected, "the second call finds what the first has drawn"
    assert {path.name for path in home.glob("*")} == names


def test_named_data_are_left_as_they_are(undrawn: Maker, drawn: Drawn, tmp_path: Path) -> None:
    for named in (
        undrawn(data_root=tmp_path),
        undrawn(data_roots={"nih_cxr14": tmp_path}),
    ):
        assert with_phantom(named, None, ["fake_source", "mimic_cxr"]) is named
    assert not drawn


def test_a_core_that_an_older_program_drew_is_taken(
    undrawn: Maker, drawn: Drawn, tmp_path: Path
) -> None:
    old = tmp_path / "cache" / "phantom" / CORE_NAME
    old.mkdir(parents=True)
    (old / "PHANTOM.json").write_text('{"phantom_version": 1}')
    assert with_phantom(undrawn(), None, ["mimic_cxr"]).data_root == old
    assert not drawn


def test_a_data_set_that_another_run_draws_is_waited_for(
    undrawn: Maker, drawn: Drawn, tmp_path: Path
) -> None:
    folder = tmp_path / "cache" / "phantom" / FAKE_NAME
    lease = acquire(folder.with_name(folder.name + ".drawing"))
    assert lease is not None

    def finish() -> None:
        time.sleep(0.2)
        (folder / "fake-data").mkdir(parents=True)
        (folder / "PHANTOM.json").write_text("{}")
        lease.release()

    other = threading.Thread(target=finish)
    other.start()
    settings = with_phantom(undrawn(), None, ["fake_source"])
    other.join()
    assert settings.data_roots == {"fake_source": folder / "fake-data"} and not drawn


def test_a_phantom_that_was_finished_while_the_lease_was_taken_is_not_drawn_again(
    undrawn: Maker, drawn: Drawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(folder: Path) -> Lease | None:
        finished = folder.with_name(CORE_NAME)
        finished.mkdir(parents=True)
        (finished / "PHANTOM.json").write_text("{}")
        return acquire(folder)

    monkeypatch.setattr(phantom_cache, "acquire", late)
    assert with_phantom(undrawn()).data_root is not None
    assert not drawn


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"corpus": "mimic_cxr"}, {"mimic_cxr", "ms_cxr", "fake_source"}),
        ({"corpus": "mimic_cxr", "baselines": ("fake_sentinel",)}, {"fake_source"}),
        ({"corpus": "mimic_cxr", "only": "fake_task@*/fake_sentinel/*"}, {"fake_source"}),
        ({"corpus": "mimic_cxr", "only": "pretraining@*"}, {"mimic_cxr", "ms_cxr"}),
        (
            {"corpus": "mimic_cxr", "weights": Path(__file__), "baselines": ("fake_method",)},
            {"fake_source"},
        ),
        ({"suite": "maco", "tasks": ("nih_zero_shot",), "baselines": ("oracle",)}, {"nih_cxr14"}),
        ({"tasks": ("fake_text_task",), "baselines": ("fake_method",)}, set()),
    ],
)
def test_a_plan_asks_for_the_data_of_its_own_cells(
    undrawn: Maker, monkeypatch: pytest.MonkeyPatch, wish: dict[str, object], expected: set[str]
) -> None:
    asked: list[set[str]] = []

    def note(settings: Settings, progress: object, datasets: set[str]) -> Settings:
        asked.append(datasets)
        return settings

    monkeypatch.setattr("benchmark.plan.with_phantom", note)
    make_plan(undrawn(**wish))
    assert asked == [expected]


def test_a_plan_over_drawn_data_says_phantom(undrawn: Maker, tmp_path: Path) -> None:
    plan = make_plan(undrawn(baselines=("fake_sentinel", "fake_method"), tasks=("fake_task",)))
    assert {item.state for item in plan.cells} == {"to_run", "waiting"}
    assert {item.cell.data_id.rpartition("-")[0] for item in plan.cells} == {
        "fake_source-phantom-v1"
    }
    assert [path.name for path in (tmp_path / "cache" / "phantom").iterdir()] == [FAKE_NAME]


@pytest.fixture
def options(fake_checkout: Path, tmp_path: Path) -> list[str]:
    """Options of a command over data that are drawn."""
    return ["--profile", "fake", "--cache-dir", str(tmp_path / "cache")]


def test_doctor_and_prepare_draw_the_set_that_they_look_at(
    options: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["doctor", "fake_source", *options]) == 0
    told = capsys.readouterr().out
    assert "PHANTOM" in told and "images: 20" in told and "unreadable: 0" in told
    assert main(["prepare", "fake_source", *options]) == 0
    assert "data_id: fake_source-phantom-v1-" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "cache" / "phantom").iterdir()] == [FAKE_NAME]
    assert main(["doctor", "fake_sorce", *options]) == 2
    assert "`fake_source`" in capsys.readouterr().err


def test_a_single_task_runs_on_a_drawn_set(
    options: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = ["run", "fake_task", "--baseline", "fake_sentinel", "--suite", "fake", *options]
    command += ["--results", str(tmp_path / "results"), "--corpus", "fake_source"]
    assert main(command) == 0, capsys.readouterr()
    assert "fake_task@main/fake_sentinel/all-none  score" in capsys.readouterr().out
    records = list((tmp_path / "results").rglob("record.json"))
    assert len(records) == 1 and "fake_source-phantom-v1-" in str(records[0])


def test_the_phantom_command_draws_a_choice_or_everything(
    options: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    small = ["--cases", "40", "--size", "64"]
    assert main(["phantom", str(tmp_path / "a"), "--datasets", "fake_source", *small]) == 0
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["PHANTOM.json", "fake-data"]
    misspelt = ["--datasets", "fake_source,nih_cxr15"]
    assert main(["phantom", str(tmp_path / "b"), *misspelt, *small]) == 2
    assert "`nih_cxr14`" in capsys.readouterr().err and not (tmp_path / "b").exists()
    asked: list[list[str]] = []
    monkeypatch.setattr(
        "benchmark.phantom.draw.draw_phantom",
        lambda folder, size, datasets, **_: asked.append(list(datasets)),
    )
    assert main(["phantom", str(tmp_path / "c"), *small]) == 0
    assert asked[0][:4] == list(CORE) and set(asked[0]) >= set(registry.writer_names())
