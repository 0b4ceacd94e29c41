"""Progress without a terminal: one line a step, none when quiet."""

from __future__ import annotations

import io

import pytest

from benchmark import progress
from benchmark.execution.messages import Advance, Finished
from benchmark.specs import Cell, Seeds

CELL = Cell("evaluate", "t", "v", "b", "toy", "d", "none", Seeds(), key="k")


def lines(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


def test_lines_are_few_and_say_what_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    stream = io.StringIO()
    with progress.Display(1, stream=stream) as display:
        display.started(CELL)
        for done in range(1, 101):
            now += 0.1
            display.advanced(CELL, Advance("k", "training", done, 100, "loss 1"))
        display.advanced(CELL, Advance("k", "scoring", 1, 2))
        display.finished(CELL, Finished("k", "failed", "ValueError: x"))
    found = lines(stream)
    assert found[0] == "start t@v/b/all-none"
    steps = [line for line in found if "training" in line]
    assert 2 <= len(steps) <= 4
    assert "10.0/s" in steps[-1] and "s left" in steps[-1] and "loss 1" in steps[-1]
    assert any("scoring 1/2" in line for line in found)
    assert found[-1] == "[1/1] failed t@v/b/all-none (10.0 s): ValueError: x"


def test_quiet_is_silent() -> None:
    stream = io.StringIO()
    with progress.Display(1, quiet=True, stream=stream) as display:
        display.started(CELL)
        display.callable("phantom")("drawing", 1, 2)
        display.finished(CELL, Finished("k", "done"))
    assert lines(stream) == []


def test_bars_on_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    with progress.Display(1, stream=Terminal()) as display:
        display.started(CELL)
        display.advanced(CELL, Advance("k", "training", 1, 2, "note [x]"))
        display.finished(CELL, Finished("k", "done"))
