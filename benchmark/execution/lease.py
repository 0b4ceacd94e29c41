"""Leases: a cell is worked on by one process at a time, also when two runs share a folder.

A lease is the file `lease.json` in the cell's folder, made with O_EXCL. Its holder touches it
every few seconds. A lease is stale when its process is dead (on this host) or its last touch is
too old (anywhere). A stale lease is removed under a file lock and then made anew with O_EXCL: of
many that try, one succeeds.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEASE_FILE = "lease.json"
HEARTBEAT_SECONDS = 5.0
STALE_SECONDS = 60.0


@dataclass(frozen=True)
class Holder:
    """Who holds a lease: host, process, its start time and a token that is never reused."""

    host: str
    pid: int
    process_start: str
    token: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def process_start(pid: int) -> str:
    """When a process of this host began (clock ticks since boot), or an empty text.

    Together with the id it tells a process from a later one with the same id.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    # Field 22 of proc(5); the first two stand before the closing bracket. A zombie is dead.
    return "" if fields[0] in ("Z", "X") else fields[19]


def is_alive(holder: Holder, last_touch: float) -> bool:
    """Whether a holder still works: its process lives and its heartbeat is young."""
    if holder.host == socket.gethostname():
        if Path("/proc/self/stat").exists():
            begun = process_start(holder.pid)
            return bool(begun) and begun == holder.process_start
        try:
            os.kill(holder.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
    return time.time() - last_touch < STALE_SECONDS


def holder_of(folder: Path) -> Holder | None:
    """Who holds the cell of a folder now, or None (no lease, or a stale one)."""
    return _look(folder / LEASE_FILE)[1]


def _look(path: Path) -> tuple[bool, Holder | None]:
    """Whether a lease file is there, and its holder if that one is alive."""
    try:
        last_touch = path.stat().st_mtime
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        holder = Holder(**content)
    except (FileNotFoundError, NotADirectoryError):
        return False, None
    except (json.JSONDecodeError, TypeError):
        # Its maker was interrupted between making and writing it.
        young = time.time() - last_touch < HEARTBEAT_SECONDS
        return True, Holder("an unknown host", 0, "", "") if young else None
    return True, holder if is_alive(holder, last_touch) else None


class Lease:
    """A held lease with its heartbeat; release it, or use it as a context manager."""

    def __init__(self, path: Path, holder: Holder, heartbeat_seconds: float) -> None:
        self._path = path
        self._holder = holder
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._beat, args=(heartbeat_seconds,), name="lease-heartbeat", daemon=True
        )
        self._thread.start()

    def _beat(self, seconds: float) -> None:
        while not self._stop.wait(seconds):
            # Absent for a moment while another process looks whether it is stale.
            with contextlib.suppress(OSError):
                os.utime(self._path)

    def release(self) -> None:
        """End the heartbeat and remove the file, if it still is ours."""
        self._stop.set()
        self._thread.join()
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            return
        if content.get("token") == self._holder.token:
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def acquire(folder: Path, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> Lease | None:
    """Claim the cell of a folder.

    Returns:
        The lease, or None when somebody else holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LEASE_FILE
    holder = Holder(socket.gethostname(), os.getpid(), process_start(os.getpid()), uuid.uuid4().hex)
    for _ in range(2):
        if _create(path, holder):
            return Lease(path, holder, heartbeat_seconds)
        if holder_of(folder) is not None or not _remove_stale(path):
            return None
    return None


def _create(path: Path, holder: Holder) -> bool:
    """Make the lease file with its content at once: a link to a written file never is half."""
    neighbour = path.with_name(f".{LEASE_FILE}.{holder.token}.tmp")
    neighbour.write_text(json.dumps(holder.__dict__), encoding="utf-8")
    try:
        os.link(neighbour, path)
        return True
    except FileExistsError:
        return False
    except OSError:
        return _create_without_link(path, holder)
    finally:
        neighbour.unlink(missing_ok=True)


def _create_without_link(path: Path, holder: Holder) -> bool:
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(holder.__dict__, stream)
    return True


def _remove_stale(path: Path) -> bool:
    """Remove a stale lease; False when it turns out to be a fresh one.

    Looking and removing happen under a lock of the operating system, which a dead process cannot
    keep: otherwise a second process could remove the lease that a first one has just taken over.
    """
    with path.with_name(f".{LEASE_FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        there, holder = _look(path)
        if there and holder is None:
            # Only here is a stale file removed, so what is removed is what was looked at.
            path.unlink(missing_ok=True)
        return holder is None
