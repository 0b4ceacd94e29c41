"""Every command of the documentation is run: quick ones always, the others among the long tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmark.cli import parser
from tests.docs.pages import (
    OTHERS,
    PAGES,
    PROGRAMS,
    Command,
    commands,
    inline_commands,
    shell_lines,
    words_of,
)
from tests.docs.sandbox_run import call_of, is_slow, run, without_redirection
from tests.docs.stand_ins import Sandbox, replaced

COMMANDS = commands()
NOT_RUN = {
    "python -m venv .venv": "makes an environment, which `make` does in CI",
}
"""Commands that are not run, each with its reason."""

EXITS = {
    "python -m benchmark.phantom.acceptance": (0, 1),
}
"""Codes that a command may end with, by how it begins: few cases are no phantom to accept."""

MAKE = {
    "demo": "run_all.py --suite maco-demo --profile demo",
    "test": '-m "not full and not performance"',
    "test-full": '-m "full and not performance"',
    "check": "lint-imports",
    "bench": "-m performance",
    "format": "ruff format .",
}
"""What a target must do, as the pages say it."""

RUN = [item for item in COMMANDS if item.text not in NOT_RUN]
QUICK = [item for item in RUN if not is_slow(item.words)]
SLOW = [item for item in RUN if is_slow(item.words)]


def _check(command: Command, sandbox: Sandbox, patch: pytest.MonkeyPatch) -> None:
    done = run(command, sandbox, patch)
    allowed = next(
        (codes for begins, codes in EXITS.items() if command.text.startswith(begins)), (0,)
    )
    places = ", ".join(command.places)
    assert done.code in allowed, f"{places}: exit {done.code}\n{command.text}\n{done.output}"
    if command.words[0] == "make":
        for target in command.words[1:]:
            assert target in MAKE, f"{places}: say in MAKE what `make {target}` must do"
            assert MAKE[target] in done.output, f"{places}: `make {target}` does\n{done.output}"


@pytest.mark.parametrize("command", QUICK, ids=[item.text for item in QUICK])
def test_a_quick_command_runs(
    command: Command, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    _check(command, sandbox, monkeypatch)


@pytest.mark.full
@pytest.mark.parametrize("command", SLOW, ids=[item.text for item in SLOW])
def test_a_slow_command_runs(
    command: Command, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    _check(command, sandbox, monkeypatch)


@pytest.mark.parametrize("command", COMMANDS, ids=[item.text for item in COMMANDS])
def test_a_command_is_understood(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """Its names and options exist, also those of a command that takes long to run."""
    call = call_of(tuple(replaced(list(command.words))))
    if call is None:
        return
    call, _ = without_redirection(call)
    try:
        parser().parse_args(call)
    except SystemExit as left:
        said = capsys.readouterr()
        assert not left.code, f"{', '.join(command.places)}: {command.text}\n{said.err}"


def test_the_pages_hold_commands_of_every_kind() -> None:
    """What reads the pages would otherwise find nothing, and every test here pass."""
    called = {(call_of(item.words) or [""])[0] for item in COMMANDS}
    assert called >= set(_subcommands())
    assert {item.words[0] for item in COMMANDS} >= {"maco-bench", "python", "make", "pip"}
    assert len(QUICK) > 20 and len(SLOW) > 20
    assert {Path(place.partition(":")[0]).name for item in COMMANDS for place in item.places} >= {
        "README.md", "quick_start.md", "audit.md", "phantom.md", "CONTRIBUTING.md",
    }  # fmt: skip


def test_a_block_without_a_language_holds_commands_alone() -> None:
    """A misspelt program would otherwise count as output and never be run."""
    for page in PAGES:
        for line in shell_lines(page):
            first = (words_of(line.text) or [""])[0]
            assert first in (*PROGRAMS, *OTHERS), (
                f"{line.place}: `{line.text}` is no command that is known; "
                "mark a block of output with ```text"
            )


def test_the_exceptions_are_not_stale() -> None:
    texts = [item.text for item in COMMANDS]
    assert set(NOT_RUN) <= set(texts)
    assert all(any(text.startswith(begins) for text in texts) for begins in EXITS)


def _subcommands() -> dict[str, set[str]]:
    """Options by subcommand, as the parser has them."""
    choices = next(
        action.choices for action in parser()._actions if isinstance(action.choices, dict)
    )
    return {
        name: {option for action in sub._actions for option in action.option_strings}
        for name, sub in choices.items()
    }


def test_a_sentence_names_commands_and_options_that_exist() -> None:
    known = _subcommands()
    for page in PAGES:
        for line in inline_commands(page):
            words = line.text.split()
            if words[0] == "python":
                words = words[1:]
            name = "run-all" if words[0] == "run_all.py" else words[1]
            if not re.fullmatch(r"[a-z-]+", name):
                continue
            assert name in known, f"{line.place}: there is no command `{name}`"
            options = re.findall(r"(?<![\w-])--[a-z][a-z-]+", line.text)
            lost = [option for option in options if option not in known[name]]
            assert not lost, f"{line.place}: `{name}` has no {', '.join(lost)}"
