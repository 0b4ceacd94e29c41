"""`run_all.py --profile toy`: the whole suite, then once more."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from benchmark.records import all_records
from tests.end_to_end.golden import GOLDEN, sentinel_scores
from tests.end_to_end.runs import CALL, CHECKOUT, run_all, stored
from tests.end_to_end.without_torch import BLOCKED, run_light, write_site

BLOCK_TORCH = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "timm", "transformers"}:
            raise ImportError("this run was to build no model: " + name)

sys.meta_path.insert(0, Blocker())
from PIL import Image
def refuse(path, *arguments, **keywords):
    raise AssertionError(f"this run was to open no image: {path}")
Image.open = refuse
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """Results and cache of one run of the whole suite, and what it printed."""
    results = tmp_path_factory.mktemp("results")
    cache = tmp_path_factory.mktemp("cache")
    done = run_all("--profile", "toy", "--results", str(results), "--cache-dir", str(cache))
    assert done.returncode == 0, done.stdout + done.stderr
    return results, cache, done.stdout


def test_every_cell_left_a_record_and_no_cell_failed(toy: tuple[Path, Path, str]) -> None:
    results, _, _ = toy
    found = all_records(results)
    assert not list(results.rglob("failed.json"))
    names = {record.cell.name for _, record in found}
    assert "ms_cxr_grounding@maco/maco/all-p0" in {name.rsplit("s", 1)[0] for name in names} | names
    kinds = {record.cell.kind for _, record in found}
    assert kinds == {"pretrain", "evaluate"}


def test_sentinels_hold(toy: tuple[Path, Path, str]) -> None:
    for _, record in all_records(toy[0]):
        if record.cell.baseline == "oracle" and "auc" in record.metrics:
            assert record.metrics["auc"].value == 1.0
        if record.cell.baseline == "class_frequency" and "auc" in record.metrics:
            assert record.metrics["auc"].value == pytest.approx(0.5)
    grounding = {
        record.cell.baseline: record.metrics["cnr"].value
        for _, record in all_records(toy[0])
        if record.cell.task == "ms_cxr_grounding"
    }
    assert grounding["oracle_at_grid"] > 1
    assert all(value <= grounding["oracle_at_grid"] for value in grounding.values())


def test_a_score_moves_only_with_a_version(toy: tuple[Path, Path, str]) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    found = sentinel_scores(toy[0])
    assert set(found) == set(golden)
    for name, expected in golden.items():
        if found[name]["versions"] != expected["versions"]:
            pytest.fail(f"{name}: a version was raised; make golden_toy.json again (golden.py)")
        scores = found[name]["metrics"]
        assert {key for key in scores if scores[key] is None} == {
            key for key in expected["metrics"] if expected["metrics"][key] is None
        }
        known = {key: value for key, value in expected["metrics"].items() if value is not None}
        assert {key: scores[key] for key in known} == pytest.approx(known, rel=1e-6, abs=1e-6), (
            f"{name}: a score moved while its versions stayed; raise the version of what changed"
        )


def test_tables_name_the_phantom_and_every_row(toy: tuple[Path, Path, str]) -> None:
    results, _, printed = toy
    pages = [path.read_text(encoding="utf-8") for path in sorted(results.rglob("*.md"))]
    measured = [text for text in pages if "\n- Records: 0\n" not in text]
    assert len(measured) >= 3
    assert all("phantom" in text for text in measured)
    assert "oracle" in printed
    assert "random_init" in printed or "Random" in printed


def test_a_second_run_executes_nothing_opens_no_image_and_builds_no_model(
    toy: tuple[Path, Path, str],
) -> None:
    results, cache, _ = toy
    before = {path: path.stat().st_mtime_ns for path in results.rglob("record.json")}
    tables = {path: path.read_bytes() for path in results.rglob("*.md")}
    again = run_all(
        "--profile", "toy", "--results", str(results), "--cache-dir", str(cache), code=BLOCK_TORCH
    )
    assert again.returncode == 0, again.stdout + again.stderr
    assert before == {path: path.stat().st_mtime_ns for path in results.rglob("record.json")}
    assert tables == {path: path.read_bytes() for path in results.rglob("*.md")}


def test_deleted_records_alone_are_made_again_and_equal_the_old_with_a_log_too(
    toy: tuple[Path, Path, str],
) -> None:
    results, cache, _ = toy
    before = stored(results)
    gone = {
        record.cell.task: folder
        for folder, record in all_records(results)
        if record.cell.baseline == "maco"
        and (record.cell.task, record.cell.labels)
        in {("nih_zero_shot", "all"), ("rsna_classification", "1")}
    }
    assert set(gone) == {"nih_zero_shot", "rsna_classification"}
    others = {
        path: path.stat().st_mtime_ns
        for path in results.rglob("record.json")
        if path.parent not in gone.values()
    }
    for folder in gone.values():
        (folder / "record.json").unlink()
    again = run_all(
        "--profile", "toy", "--results", str(results), "--cache-dir", str(cache),
        "--log", "tensorboard",
    )  # fmt: skip
    assert again.returncode == 0, again.stdout + again.stderr
    assert stored(results) == before
    assert all(path.stat().st_mtime_ns == mtime for path, mtime in others.items())
    # Of the two, one trains: its log lies below `logs`, and nothing of it in its own folder.
    logs = {path.parent for path in results.rglob("events.*")}
    trained = results / "logs" / gone["rsna_classification"].relative_to(results)
    assert logs
    assert {folder.parent for folder in logs} == {trained}
    assert all(folder.name.startswith("fine-tuning-at-rate-") for folder in logs)


WHERE = ("--profile", "toy", "--results", "RESULTS")
LIGHT_COMMANDS = (
    ("list", "tasks"),
    ("list", "baselines", "--json"),
    ("plan", *WHERE, "--cache-dir", "CACHE"),
    ("doctor", "rsna_pneumonia", "--profile", "toy", "--cache-dir", "CACHE"),
    ("audit", "--lists", "LISTS"),
    ("tables", "--suite", "maco", *WHERE, "--out", "OUT", "--format", "markdown,csv,latex,json"),
    ("tables", *WHERE, "--share", "OUT"),
    ("compare", "maco", "random_init", "--task", "nih_zero_shot", *WHERE),
    ("figures", *WHERE, "--cache-dir", "CACHE", "--only", "grounding", "--with-images",
     "--out", "OUT"),
    ("report", "--suite", "maco-demo", *WHERE, "--out", "OUT/report.html"),
)  # fmt: skip
"""What the light install can do; `tables --publish` has a test of its own."""


@pytest.mark.parametrize("arguments", LIGHT_COMMANDS, ids=lambda arguments: arguments[0])
def test_commands_of_the_light_install_work_without_torch(
    toy: tuple[Path, Path, str], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    results, cache, _ = toy
    out = tmp_path / "out"
    places = {"RESULTS": results, "CACHE": cache, "OUT": out, "OUT/report.html": out / "r.html",
              "LISTS": next(cache.rglob("splits_maco"))}  # fmt: skip
    command = [str(places.get(argument, argument)) for argument in arguments]
    done = run_light(write_site(tmp_path / "site"), "-c", CALL, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout
    written = [path for path in out.rglob("*") if path.is_file()]
    assert bool(written) == any(argument.startswith("OUT") for argument in arguments)
    assert all(path.stat().st_size for path in written)


def test_pages_are_published_without_torch(toy: tuple[Path, Path, str], tmp_path: Path) -> None:
    boards = tmp_path / "leaderboards"
    shutil.copytree(CHECKOUT / "leaderboards" / "published", boards / "published")
    (boards / "tables").mkdir()
    for name in ("maco_table5", "maco_table6"):
        shutil.copy(CHECKOUT / "leaderboards" / "tables" / f"{name}.toml", boards / "tables")
    elsewhere = (
        "from pathlib import Path; from benchmark.commands import tables\n"
        f"tables.LEADERBOARDS = Path({str(boards)!r})\n{CALL}"
    )
    arguments = ("tables", "--publish", "--adopt", str(toy[0]), "--profile", "toy")
    done = run_light(write_site(tmp_path / "site"), "-c", elsewhere, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("TABLES", "maco_table5", "maco_table6"):
        assert (boards / f"{name}.md").stat().st_size
    assert list((boards / "records").rglob("record.json"))


def test_a_command_that_needs_models_says_what_to_install(
    toy: tuple[Path, Path, str], tmp_path: Path
) -> None:
    results, cache, _ = toy
    site = write_site(tmp_path / "site")
    # The packages are absent indeed: without this, the tests of the light commands prove nothing.
    tried = "\n".join(
        f"try: import {name}; print({name!r})\nexcept ImportError: pass" for name in BLOCKED
    )
    assert run_light(site, "-c", tried).stdout == ""
    fresh = ["--profile", "toy", "--cache-dir", str(cache), "--results", str(tmp_path / "new")]
    maker = ["--baseline", "maco", "--images", str(cache), "--out", str(tmp_path / "f.npz")]
    for command in (
        ["run", "rsna_zero_shot", "--baseline", "chance", *fresh],
        ["encode", *maker, "--results", str(results)],
        ["check-baseline", "maco"],
    ):
        done = run_light(site, "-c", CALL, *command)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "pip install -e '.[run]'" in done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "new").exists()


def test_exit_codes(toy: tuple[Path, Path, str], tmp_path: Path) -> None:
    _, cache, _ = toy
    misspelt = run_all("--tasks", "rsna_zero_shoot", "--profile", "toy")
    assert misspelt.returncode == 2
    assert "rsna_zero_shot" in misspelt.stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    blocked = run_all(
        "--profile", "toy", "--data-root", str(empty), "--results", str(tmp_path / "r"),
        "--cache-dir", str(cache),
    )  # fmt: skip
    assert blocked.returncode == 3, blocked.stdout + blocked.stderr
    told = blocked.stdout + blocked.stderr
    assert str(empty) in told
    assert "licen" in told.lower()
