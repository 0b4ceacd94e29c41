"""SIGKILL at bad moments: what was finished stays, the final records are those of a calm run."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.runs import CHECKOUT, command, environment, run_all, stored

pytestmark = pytest.mark.full

WORK = (
    "--profile", "toy", "--baselines", "maco,oracle", "--tasks", "nih_zero_shot,ms_cxr_grounding",
    "--recipe", "pretrain.epochs=60", "--recipe", "pretrain.checkpoint_every_seconds=0.2",
)  # fmt: skip


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> dict[str, dict[str, object]]:
    """Records of an undisturbed run."""
    results = tmp_path_factory.mktemp("calm")
    done = run_all(*WORK, "--results", str(results), "--cache-dir", str(cache))
    assert done.returncode == 0, done.stdout + done.stderr
    return stored(results)


def start(results: Path, cache: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command(*WORK, "--results", str(results), "--cache-dir", str(cache)),
        cwd=CHECKOUT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill_when(process: subprocess.Popen[bytes], condition: Callable[[], bool]) -> None:
    """SIGKILL the whole process group as soon as the condition holds."""
    limit = time.monotonic() + 240
    while not condition():
        assert process.poll() is None, "the run ended before the moment of the kill"
        assert time.monotonic() < limit, "the moment of the kill never came"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def any_file(results: Path, pattern: str) -> Callable[[], bool]:
    return lambda: any(results.rglob(pattern))


@pytest.mark.parametrize(
    ("moment", "pattern"),
    [
        ("during pre-training, after a checkpoint", "pretraining@*/**/checkpoint.pt"),
        ("during evaluation, after pre-training was stored", "pretraining@*/**/record.json"),
        ("during a record's write, after its arrays", "nih_zero_shot@*/**/predictions.npz"),
    ],
)
def test_killed_run_resumes_to_equal_records(
    moment: str,
    pattern: str,
    calm: dict[str, dict[str, object]],
    cache: Path,
    tmp_path: Path,
) -> None:
    process = start(tmp_path, cache)
    kill_when(process, any_file(tmp_path, pattern))
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("record.json")}
    again = run_all(*WORK, "--results", str(tmp_path), "--cache-dir", str(cache))
    assert again.returncode == 0, again.stdout + again.stderr
    assert stored(tmp_path) == calm, moment
    assert all(path.stat().st_mtime_ns == mtime for path, mtime in finished.items())


def test_two_runs_on_one_results_folder_share_the_work(
    calm: dict[str, dict[str, object]], cache: Path, tmp_path: Path
) -> None:
    pair = [start(tmp_path, cache) for _ in range(2)]
    assert [process.wait(timeout=400) for process in pair] == [0, 0]
    assert stored(tmp_path) == calm
    assert not list(tmp_path.rglob("failed.json"))
