"""Runs one command of the documentation in the sandbox, at the smallest size."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmark.cli import main
from tests.docs.pages import CHECKOUT, Command
from tests.docs.stand_ins import NEW_FOLDERS, Sandbox, replaced

RUNS = ("run", "run-all")
FEW_TASKS = "rsna_zero_shot,ms_cxr_grounding"
FEW_BASELINES = "maco,random_init,oracle,chance,static_prior"
"""A run over a whole suite is cut to these: more names go the same way, and `tests/end_to_end`
runs the suite."""


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    code: int
    output: str


def call_of(words: tuple[str, ...]) -> list[str] | None:
    """The arguments of `maco-bench` that a command means, or None for another program."""
    if words[0] == "maco-bench":
        return list(words[1:])
    if words[0] == "run_all.py":
        return ["run-all", *words[1:]]
    if words[:2] in (("python", "run_all.py"), ("python", "./run_all.py")):
        return ["run-all", *words[2:]]
    return None


def without_redirection(words: list[str]) -> tuple[list[str], str]:
    """The arguments and the file behind `>`, or an empty text."""
    if ">" not in words:
        return words, ""
    place = words.index(">")
    return words[:place], words[place + 1]


def is_slow(words: tuple[str, ...]) -> bool:
    """Whether a command takes more than a few seconds at the smallest size."""
    call = call_of(words)
    if call is None:
        return words[0] == "python"
    slow = (*RUNS, "prepare", "phantom", "figures", "report")
    return (call[0] in slow or "--publish" in call) and "--dry-run" not in call


def run(command: Command, sandbox: Sandbox, patch: pytest.MonkeyPatch) -> Done:
    """Run a command as it is written, but for stand-ins and sizes."""
    words = [sandbox.moved(word) for word in replaced(list(command.words))]
    for before, word in itertools.pairwise(words):
        if before in NEW_FOLDERS:
            _cleared(sandbox.root / word)
        else:
            sandbox.provide(word)
    call = call_of(tuple(words))
    if call is not None:
        return _call(call, sandbox, patch)
    if words[0] == "make":
        return _made(words[1:])
    if words[0] in ("pip", "uv"):
        return _installed(words)
    return _python(words[1:], sandbox)


def _cleared(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)


def _call(call: list[str], sandbox: Sandbox, patch: pytest.MonkeyPatch) -> Done:
    """`maco-bench` in this process, which has imported everything already."""
    call, file = without_redirection(call)
    if call[0] == "run-all":
        call += _cut(call)
    if "--publish" in call:
        _own_leaderboards(sandbox, patch)
    patch.chdir(sandbox.root)
    output, errors = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            code = main(call)
    except SystemExit as left:
        code = int(left.code or 0)
    if file:
        (sandbox.root / file).parent.mkdir(parents=True, exist_ok=True)
        (sandbox.root / file).write_text(output.getvalue(), encoding="utf-8")
    return Done(code, output.getvalue() + errors.getvalue())


def _cut(call: list[str]) -> list[str]:
    more = []
    if not {"--tasks", "--only"} & set(call):
        tasks = "rsna_classification" if "--labels" in call else FEW_TASKS
        more += ["--tasks", tasks]
    if "--baselines" not in call:
        more += ["--baselines", FEW_BASELINES]
    return more


def _own_leaderboards(sandbox: Sandbox, patch: pytest.MonkeyPatch) -> None:
    """Publishing writes into the repository: here into a copy, with the sandbox's records."""
    from benchmark.commands import tables
    from benchmark.reporting.publish import adopt

    copy = sandbox.root / "leaderboards"
    if not copy.exists():
        shutil.copytree(CHECKOUT / "leaderboards", copy)
        adopt(sandbox.root / "results", copy / "records", copy, profile="toy")
    patch.setattr(tables, "LEADERBOARDS", copy)


def _made(targets: list[str]) -> Done:
    """What `make` would do. CI runs the targets themselves."""
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", *targets],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return Done(done.returncode, done.stdout + done.stderr)


def _installed(words: list[str]) -> Done:
    """Nothing is installed; the extras that are named must be there."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = set(project["optional-dependencies"])
    named = {
        extra
        for word in words
        for extra in word.partition("[")[2].rstrip("]").split(",")
        if "[" in word
    }
    files = [words[place + 1] for place, word in enumerate(words) if word == "-r"]
    lost = [name for name in files if not (CHECKOUT / name).is_file()]
    wrong = sorted(named - known) + lost
    return Done(1 if wrong else 0, f"not in the project: {wrong}; extras: {sorted(known)}")


def _python(words: list[str], sandbox: Sandbox) -> Done:
    """Python in a process of its own; of tests only whether any is found, since CI runs them."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"}
    folder = sandbox.root
    if words[:2] == ["-m", "pytest"]:
        words, folder = [*words, "--collect-only", "-q", "-p", "no:cacheprovider"], CHECKOUT
    (folder / "docs").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return Done(done.returncode, done.stdout + done.stderr)
