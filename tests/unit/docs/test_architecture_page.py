"""docs/architecture.md names modules and calls that there are; its tables leave none out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from benchmark import registry

ROOT = registry.CHECKOUT
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def place(dotted: str) -> Path | None:
    """File or folder of a module, or of the one that holds the last name."""
    parts = dotted.split(".")
    folder = ROOT.joinpath(*parts)
    file = folder.with_suffix(".py")
    return file if file.is_file() else folder if folder.is_dir() else None


def names_in(path: Path) -> set[str]:
    """Names that a module defines at its top, and the methods of its classes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


@pytest.mark.parametrize("dotted", sorted(set(re.findall(r"`(benchmark(?:\.[\w]+)+)[`(]", PAGE))))
def test_named_modules_and_calls_exist(dotted: str) -> None:
    if dotted.endswith(".NAME"):
        dotted = dotted.removesuffix(".NAME")
    if place(dotted) is None:
        module, _, name = dotted.rpartition(".")
        path = place(module)
        assert path is not None, dotted
        assert name in names_in(path if path.is_file() else path / "__init__.py"), dotted


def table_of(section: str) -> list[tuple[str, str]]:
    """First and second cell of each row of the first table below a heading."""
    text = PAGE[PAGE.index(f"\n## {section}\n") :]
    rows = re.search(r"^\|---.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert rows
    cells = (line.strip("|").split("|", 1) for line in rows[1].splitlines())
    return [(first.strip(), second.strip(" |")) for first, second in cells]


@pytest.mark.parametrize(("section", "package"), [("Statistics", "statistics"),
                                                  ("Reporting", "reporting")])  # fmt: skip
def test_a_package_is_told_whole(section: str, package: str) -> None:
    folder = ROOT / "benchmark" / package
    told = {name for first, _ in table_of(section) for name in re.findall(r"`(\w+)`", first)}
    there = {path.stem for path in folder.glob("*.py")} | {
        path.name for path in folder.iterdir() if (path / "__init__.py").is_file()
    }
    helpers = {"__init__", "tables", "markdown"}
    assert told | helpers >= there, there - told - helpers
    assert told <= there, told - there


@pytest.mark.parametrize(("first", "second"), table_of("Statistics"))
def test_the_calls_of_a_module_are_its_own(first: str, second: str) -> None:
    defined = names_in(ROOT / "benchmark" / "statistics" / f"{first.strip('`')}.py")
    calls = re.findall(r"`(?:\w+\.)?(\w+)(?:\(|`)", second)
    assert calls and set(calls) <= defined | {"PairedDifference"}
