"""Leases: one holder at a time, dead holders are noticed, takeover is safe."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmark.execution import lease

HOLDER = """
import sys, time
from pathlib import Path
from benchmark.execution.lease import acquire
held = acquire(Path(sys.argv[1]))
print("held" if held else "refused", flush=True)
time.sleep(60)
"""

RACER = """
import sys, time
from pathlib import Path
from benchmark.execution.lease import acquire
while time.time() < float(sys.argv[2]):
    pass
held = acquire(Path(sys.argv[1]))
print("held" if held else "refused", flush=True)
sys.stdin.readline()
"""


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def test_a_held_lease_is_refused_and_a_released_one_is_not(tmp_path: Path) -> None:
    first = lease.acquire(tmp_path)
    assert first is not None
    assert lease.acquire(tmp_path) is None
    holder = lease.holder_of(tmp_path)
    assert holder is not None and holder.pid == os.getpid()
    first.release()
    assert lease.holder_of(tmp_path) is None
    with lease.acquire(tmp_path) or pytest.fail("not free"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_killed_holder_is_noticed_at_once(tmp_path: Path) -> None:
    child = start(HOLDER, str(tmp_path))
    assert line(child) == "held"
    assert lease.acquire(tmp_path) is None
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert lease.holder_of(tmp_path) is None
    taken = lease.acquire(tmp_path)
    assert taken is not None
    taken.release()


def test_a_reused_process_id_does_not_keep_a_lease(tmp_path: Path) -> None:
    held = lease.acquire(tmp_path)
    assert held is not None
    path = tmp_path / lease.LEASE_FILE
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "process_start": "1"}))
    assert lease.holder_of(tmp_path) is None


def test_a_holder_on_another_host_lives_by_its_heartbeat(tmp_path: Path) -> None:
    path = tmp_path / lease.LEASE_FILE
    path.write_text(json.dumps({"host": "far", "pid": 1, "process_start": "", "token": "t"}))
    assert lease.acquire(tmp_path) is None
    old = time.time() - lease.STALE_SECONDS - 1
    os.utime(path, (old, old))
    taken = lease.acquire(tmp_path)
    assert taken is not None
    taken.release()


def test_the_heartbeat_touches_the_file(tmp_path: Path) -> None:
    held = lease.acquire(tmp_path, heartbeat_seconds=0.05)
    assert held is not None
    path = tmp_path / lease.LEASE_FILE
    os.utime(path, (0, 0))
    deadline = time.monotonic() + 5
    while path.stat().st_mtime < 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert path.stat().st_mtime > 1
    held.release()


def test_a_half_written_lease_is_waited_for_and_then_taken(tmp_path: Path) -> None:
    path = tmp_path / lease.LEASE_FILE
    path.write_text("{")
    assert lease.acquire(tmp_path) is None
    old = time.time() - lease.HEARTBEAT_SECONDS - 1
    os.utime(path, (old, old))
    taken = lease.acquire(tmp_path)
    assert taken is not None
    taken.release()


def test_one_of_many_threads_wins_a_stale_lease(tmp_path: Path) -> None:
    for turn in range(40):
        folder = tmp_path / str(turn)
        folder.mkdir()
        stale = {"host": "far", "pid": 1, "process_start": "", "token": "old"}
        (folder / lease.LEASE_FILE).write_text(json.dumps(stale))
        os.utime(folder / lease.LEASE_FILE, (0, 0))
        with ThreadPoolExecutor(8) as pool:
            won = [item for item in pool.map(lease.acquire, [folder] * 8) if item]
        assert len(won) == 1
        won[0].release()


def test_one_of_several_processes_wins(tmp_path: Path) -> None:
    stale = {"host": "far", "pid": 1, "process_start": "", "token": "old"}
    (tmp_path / lease.LEASE_FILE).write_text(json.dumps(stale))
    os.utime(tmp_path / lease.LEASE_FILE, (0, 0))
    children = [start(RACER, str(tmp_path), str(time.time() + 1.0)) for _ in range(4)]
    answers = sorted(line(child) for child in children)
    for child in children:
        child.communicate("\n")
    assert answers == ["held", "refused", "refused", "refused"]
