"""Settings, layouts and code that the pages show; the licence, the citation and the changelog."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import benchmark
from benchmark import registry
from benchmark.cli import main
from benchmark.reporting.layout import read_layout
from tests.docs.pages import CHECKOUT, PAGES, Block, blocks
from tests.docs.stand_ins import Sandbox

BLOCKS = [block for page in PAGES for block in blocks(page)]
TOML = [block for block in BLOCKS if block.language == "toml"]
PYTHON = [block for block in BLOCKS if block.language == "python"]
LAYOUT = {"row", "column", "listing"}


def _layout(block: Block) -> bool:
    return bool(LAYOUT & set(tomllib.loads(block.text)))


SETTINGS = [block for block in TOML if not _layout(block)]
LAYOUTS = [block for block in TOML if _layout(block)]


@pytest.mark.parametrize("block", SETTINGS, ids=lambda block: block.place)
def test_settings_that_a_page_shows_are_taken(
    block: Block, drawn: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(drawn.root)
    path = drawn.root / "shown.toml"
    path.write_text(drawn.moved(block.text))
    few = ["--tasks", "rsna_zero_shot", "--baselines", "oracle", "--profile", "toy"]
    assert main(["plan", "--config", str(path), *few]) == 0


@pytest.mark.parametrize("block", LAYOUTS, ids=lambda block: block.place)
def test_a_layout_that_a_page_shows_is_one(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "shown.toml"
    part = 'paper = ""\npaper_table = ""\ntitle = "Shown"\n'
    path.write_text(block.text if "title" in tomllib.loads(block.text) else part + block.text)
    layout = read_layout(path)
    assert layout.columns or layout.listings


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.place)
def test_code_that_a_page_shows_is_python(block: Block) -> None:
    compile(block.text, block.place, "exec")


def test_blocks_of_each_kind_are_found() -> None:
    assert len(SETTINGS) >= 3 and len(LAYOUTS) >= 2 and PYTHON


def test_the_citation_names_this_version_and_its_licence() -> None:
    citation = yaml.safe_load((CHECKOUT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "version", "license"} <= set(citation)
    assert citation["version"] == benchmark.__version__
    assert citation["license"] == "Apache-2.0"
    for reference in citation["references"]:
        assert {"type", "title", "authors"} <= set(reference)


def test_the_licence_is_the_whole_text() -> None:
    text = (CHECKOUT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert all(f"\n   {number}. " in text for number in range(1, 10))
    assert "END OF TERMS AND CONDITIONS" in text


def _versions() -> dict[str, int]:
    """The version of everything that has one, by its name in the changelog."""
    found = {}
    for kind in ("metrics", "protocols"):
        for path in (CHECKOUT / "benchmark" / kind).glob("[!_]*.py"):
            version = registry.module_version(f"benchmark/{kind}", path.stem)
            found[f"{kind.removesuffix('s') if kind == 'protocols' else kind} {path.stem}"] = (
                version
            )
    for name in registry.task_names():
        found[f"task {name}"] = registry.load_task(name).version
    for name in registry.baseline_names():
        found[f"method {name}"] = registry.load_baseline(name).version
    return found


def test_every_raised_version_has_a_line_in_the_changelog() -> None:
    text = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = _versions()
    assert versions["metrics classification"] >= 3
    lost = []
    for label, version in versions.items():
        kind, name = label.split()
        for low in range(1, version):
            if not re.search(rf"- {kind} `{name}` {low} -> {low + 1} \(", text, re.IGNORECASE):
                lost.append(f"{label} {low} -> {low + 1}")
    assert not lost, f"CHANGELOG.md has no line that begins `- Kind `name` a -> b (`: {lost}"


def test_the_changelog_names_no_version_that_was_never_reached() -> None:
    text = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = _versions()
    for kind, name, _, high in re.findall(r"- (\w+) `([\w-]+)` (\d+) -> (\d+)", text):
        label = f"{kind.lower()} {name}"
        assert int(high) <= versions.get(label, 0), f"{label} has no version {high}"
