"""docs/traps.md: no figure that stands nowhere else."""

from __future__ import annotations

import re

import pytest

from benchmark import registry

ROOT = registry.CHECKOUT
PAGE = (ROOT / "docs" / "traps.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\d+)\. .*?\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w]|\.\d)")


def known_figures() -> set[str]:
    """Of pages whose figures tests repeat, of those tests, of published numbers and layouts."""
    names = ("metrics.md", "audit.md", "phantom.md", "statistics.md", "protocols.md")
    paths = [ROOT / "docs" / name for name in names]
    paths += sorted((ROOT / "tests" / "real_data").glob("*.py"))
    paths += sorted((ROOT / "leaderboards").rglob("*.toml"))
    texts = [path.read_text(encoding="utf-8").replace("_", ",") for path in paths]
    texts += [
        path.read_text(encoding="utf-8").replace(",", " ")
        for path in sorted((ROOT / "leaderboards").rglob("*.csv"))
    ]
    found = (figure for text in texts for figure in NUMBER.findall(text))
    return {figure.replace(",", "") for figure in found}


KNOWN = known_figures()


def test_the_traps_are_numbered() -> None:
    assert list(SECTIONS) == [str(number) for number in range(1, len(SECTIONS) + 1)]
    assert all("*Here:*" in text for text in SECTIONS.values())


@pytest.mark.parametrize("number", list(SECTIONS))
def test_every_figure_has_a_source(number: str) -> None:
    for text in NUMBER.findall(SECTIONS[number]):
        figure = text.replace(",", "")
        if len(figure) > 1:
            assert figure in KNOWN or any(_rounds_to(value, figure) for value in KNOWN), text


def _rounds_to(value: str, figure: str) -> bool:
    """Whether a longer figure is this one with fewer digits."""
    decimals = len(figure.partition(".")[2])
    return bool(decimals) and len(value) > len(figure) and f"{float(value):.{decimals}f}" == figure


@pytest.mark.parametrize("path", ["benchmark", "tasks", "baselines"])
def test_numbers_that_the_code_names_are_those_of_the_page(path: str) -> None:
    """`traps 9` in a docstring speaks of labels and validation, `traps 3` of flips."""
    words = {"3": "flip", "9": "validation"}
    for file in (ROOT / path).rglob("*.py"):
        for found in re.findall(r"\btraps (\d+)", file.read_text(encoding="utf-8")):
            assert words[found] in SECTIONS[found]
