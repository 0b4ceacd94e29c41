"""Workers: failures stay in their cell, kills lose nothing, a second run does nothing."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark import registry
from benchmark.execution import local
from benchmark.plan import Plan, make_plan
from benchmark.progress import Display
from benchmark.records import all_records, comparable
from benchmark.settings import Settings

Maker = Callable[..., Settings]
FAKES = Path(__file__).parent.parent / "fakes"
CHECKOUT = FAKES.parent.parent.parent


def run(settings: Settings) -> Plan:
    plan = make_plan(settings)
    with Display(len(plan.cells), stream=io.StringIO()) as display:
        return local.run_plan(plan, display)


def states(plan: Plan) -> dict[str, str]:
    return {item.cell.name: item.state for item in plan.cells}


def flag(root: Path, action: str, text: str) -> None:
    (root / "flags" / action).write_text(text)


def log(root: Path) -> list[list[str]]:
    return [line.split() for line in (root / "flags" / "log.txt").read_text().splitlines()]


def stored(settings: Settings) -> dict[str, Any]:
    return {
        str(folder.relative_to(settings.results)): comparable(record)
        for folder, record in all_records(settings.results)
    }


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_a_whole_suite_and_then_nothing(
    fake_settings: Maker, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = fake_settings()
    plan = run(settings)
    assert set(states(plan).values()) == {"done", "not_applicable"}
    ran = log(data)
    names = [name for name, _ in ran]
    assert len(names) == len(set(names)) == 8
    # One worker did it all, and cells of one model followed each other.
    assert len({process for _, process in ran}) == 1
    evaluated = [name.split("/")[1] for name in names if name.startswith("fake_task")]
    methods = [name for name in evaluated if name != "fake_sentinel"]
    assert methods in (
        ["fake_method"] * 2 + ["other_method"] * 2,
        ["other_method"] * 2 + ["fake_method"] * 2,
    )

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a second run must not do this")

    monkeypatch.setattr(local.multiprocessing, "get_context", refuse)
    monkeypatch.setattr("benchmark.data.store.open_store", refuse)
    monkeypatch.setattr("benchmark.data.images.read_grey", refuse)
    monkeypatch.setattr("benchmark.runner.run_cell", refuse)
    again = run(fake_settings())
    assert states(again) == states(plan)
    assert log(data) == ran


def test_a_failure_and_missing_data_stop_nobody_else(fake_settings: Maker, data: Path) -> None:
    flag(data, "raise", "fake_task@main/fake_method/10-")
    flag(data, "missing", "fake_text_task@main/fake_sentinel")
    plan = run(fake_settings())
    found = states(plan)
    assert found["fake_task@main/fake_method/10-p0s0h0"] == "failed"
    assert found["fake_text_task@main/fake_sentinel/all-none"] == "blocked"
    assert sum(state == "done" for state in found.values()) == 6


def test_cells_behind_a_failed_pretraining_do_not_run(fake_settings: Maker, data: Path) -> None:
    flag(data, "raise", "pretraining@maco/fake_method")
    found = states(run(fake_settings(tasks=("fake_task",))))
    assert found["pretraining@maco/fake_method/all-p0"] == "failed"
    assert found["fake_task@main/fake_method/10-p0s0h0"] == "waiting"
    assert found["fake_task@main/other_method/10-p0s0h0"] == "done"


def test_a_killed_worker_fails_its_cell_with_the_signal(fake_settings: Maker, data: Path) -> None:
    flag(data, "kill_once", "fake_task@main/fake_method/10-")
    settings = fake_settings()
    plan = run(settings)
    killed = plan.in_state("failed")
    assert [item.cell.name for item in killed] == ["fake_task@main/fake_method/10-p0s0h0"]
    assert "SIGKILL" in killed[0].cause
    assert "SIGKILL" in make_plan(settings).in_state("failed")[0].cause
    assert len(plan.in_state("done")) == 7
    # The next call runs that cell alone, and the records equal those of a quiet run.
    before = len(log(data))
    assert not run(fake_settings()).in_state("failed")
    assert len(log(data)) == before + 1
    quiet = fake_settings(results=settings.results.with_name("quiet"))
    run(quiet)
    assert stored(settings) == stored(quiet)


MAIN = """
import io, sys
from dataclasses import replace
from pathlib import Path
if __name__ == "__main__":
    from benchmark import registry
    from benchmark.execution.local import run_plan
    from benchmark.plan import make_plan
    from benchmark.progress import Display
    from benchmark.settings import Settings
    registry.add_search_root(Path(sys.argv[2]))
    root = Path(sys.argv[1])
    plan = make_plan(Settings(suite="fake", profile="fake", data_root=root / "data",
        results=root / "results", cache_dir=root / "cache", corpus="fake_source", device="cpu"))
    with Display(9, stream=io.StringIO()) as display:
        plan = run_plan(plan, display)
    print(plan.counts(), flush=True)
"""


def start_run(tmp_path: Path) -> subprocess.Popen[str]:
    script = tmp_path / "main.py"
    script.write_text(MAIN)
    return subprocess.Popen(
        [sys.executable, str(script), str(tmp_path), str(FAKES)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("where", ["pretraining@maco/other_method", "fake_task@main/fake_method"])
def test_the_main_process_is_killed_and_the_next_run_goes_on(
    fake_settings: Maker, data: Path, tmp_path: Path, where: str
) -> None:
    settings = fake_settings()
    flag(data, "sleep", where)
    flag(data, "seconds", "30")
    child = start_run(tmp_path)
    wait_for(lambda: (data / "flags" / "log.txt").exists() and where in log(data)[-1][0])
    worker = int(log(data)[-1][1])
    finished = stored(settings)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    wait_for(lambda: not alive(worker))
    (data / "flags" / "sleep").unlink()
    before = {name for name, _ in log(data)[:-1]}
    start = len(log(data))
    plan = run(settings)
    assert set(states(plan).values()) == {"done", "not_applicable"}
    assert not before & {name for name, _ in log(data)[start:]}
    assert finished.items() <= stored(settings).items()


def test_two_runs_share_the_work(fake_settings: Maker, data: Path, tmp_path: Path) -> None:
    settings = fake_settings()
    flag(data, "sleep", "")
    flag(data, "seconds", "0.2")
    other = start_run(tmp_path)
    wait_for(lambda: (data / "flags" / "log.txt").exists())
    mine = run(settings)
    printed, _ = other.communicate(timeout=60)
    assert set(states(mine).values()) == {"done", "not_applicable"}
    assert "'done': 8" in printed
    names = [name for name, _ in log(data)]
    assert len(names) == len(set(names)) == 8
    assert len({process for _, process in log(data)}) == 2


def test_an_interrupt_ends_workers_and_gives_leases_back(fake_settings: Maker, data: Path) -> None:
    flag(data, "sleep", "pretraining")
    flag(data, "seconds", "30")
    settings = fake_settings()

    def interrupt() -> None:
        wait_for(lambda: (data / "flags" / "log.txt").exists())
        os.kill(os.getpid(), signal.SIGINT)

    # A shell's background jobs ignore the signal, and so would this test in one.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run(settings)
    finally:
        signal.signal(signal.SIGINT, before)
    thread.join()
    worker = int(log(data)[-1][1])
    assert not alive(worker)
    assert list(settings.results.rglob("lease.json")) == []
    assert not make_plan(settings).in_state("failed", "running")


def test_stale_cells_run_only_with_refresh(fake_settings: Maker, data: Path) -> None:
    choice: dict[str, Any] = {"tasks": ("fake_task",), "baselines": ("fake_method",)}
    settings = fake_settings(**choice, labels=(10.0,))
    run(settings)
    changed = {"recipes": {"pretrain": {"epochs": 2}}}
    kept = run(fake_settings(**choice, labels=(10.0,), **changed))
    assert set(states(kept).values()) == {"stale"} and len(log(data)) == 2
    renewed = run(fake_settings(**choice, labels=(10.0,), **changed, refresh=True))
    assert set(states(renewed).values()) == {"done"} and len(log(data)) == 4
    # One current record a cell; the older ones are kept under another name.
    assert len(all_records(settings.results)) == 2
    assert len(list(settings.results.rglob("record.old.json"))) == 2
    # A new task cell behind a stale pre-training says what it waits for.
    again = make_plan(fake_settings(**choice, recipes={"pretrain": {"epochs": 3}}))
    new = next(item for item in again.cells if item.cell.labels == "100")
    assert new.state == "blocked" and "--refresh" in new.cause


def test_two_workers_give_the_records_of_one(
    fake_settings: Maker, data: Path, tmp_path: Path
) -> None:
    flag(data, "sleep", "")
    flag(data, "seconds", "0.1")
    one, two = fake_settings(), fake_settings(results=tmp_path / "two", jobs=2)
    run(one)
    before = len(log(data))
    run(two)
    assert len({process for _, process in log(data)[before:]}) == 2
    assert stored(one) == stored(two)


def test_a_profile_names_its_workers(
    fake_settings: Maker, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag(data, "sleep", "")
    flag(data, "seconds", "0.1")
    load = registry.load_profile
    monkeypatch.setattr(registry, "load_profile", lambda name: replace(load(name), jobs=2))
    run(fake_settings())
    assert len({process for _, process in log(data)}) == 2


def with_start(fake_settings: Maker) -> Settings:
    return fake_settings(
        baselines=("fake_method",),
        labels=(10.0,),
        tasks=("fake_task",),
        recipes={"pretrain": {"start_from": "other_method"}},
    )


def test_a_start_a_method_and_its_score_run_in_turn(fake_settings: Maker, data: Path) -> None:
    settings = with_start(fake_settings)
    assert set(states(run(settings)).values()) == {"done"}
    ran = [name for name, _ in log(data)]
    assert [name.split("/")[1] for name in ran] == ["other_method", "fake_method", "fake_method"]
    records = {record.cell.name: record for _, record in all_records(settings.results)}
    start = records["pretraining@maco/other_method/all-p0"]
    method = records["pretraining@maco/fake_method/all-p0"]
    assert method.weights["start"] == {
        "baseline": "other_method",
        "key": start.cell.key,
        "checksum": start.weights["checksum"],
    }


def test_behind_a_failed_start_nothing_runs(fake_settings: Maker, data: Path) -> None:
    settings = with_start(fake_settings)
    flag(data, "raise", "pretraining@maco/other_method")
    found = states(run(settings))
    assert found == {
        "pretraining@maco/other_method/all-p0": "failed",
        "pretraining@maco/fake_method/all-p0": "waiting",
        "fake_task@main/fake_method/10-p0s0h0": "waiting",
    }


def test_a_cell_that_turns_out_not_to_apply_is_no_failure(fake_settings: Maker, data: Path) -> None:
    flag(data, "not_applicable", "fake_text_task@main/fake_sentinel")
    settings = fake_settings()
    found = states(run(settings))
    assert found["fake_text_task@main/fake_sentinel/all-none"] == "not_applicable"
    assert "failed" not in found.values()
    assert not list(settings.results.rglob("failed.json"))
