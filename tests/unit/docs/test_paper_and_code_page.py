"""docs/paper_and_code.md: every option named there exists, with the default it is given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from benchmark import registry
from benchmark.reporting.reference.values import value_text

PAGE = (registry.CHECKOUT / "docs" / "paper_and_code.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
BASELINES = [name for name in SECTIONS if name in registry.baseline_names()]
TASKS = [name for name in SECTIONS if name in registry.task_names()]
TOKEN = re.compile(r"`(@\w+|[\w.]+=[^`]*)`")


def last_cells(section: str) -> Iterator[list[str]]:
    """The `name=value` and `@variant` of the last column, row by row."""
    for line in SECTIONS[section].splitlines():
        if line.startswith("|") and not re.match(r"\|[\s:-]+\|", line):
            cell = re.split(r"(?<!\\)\|", line.strip().strip("|"))[-1]
            yield TOKEN.findall(cell)


def test_every_section_is_a_baseline_or_a_task() -> None:
    assert set(SECTIONS) - set(BASELINES) - set(TASKS) <= {"Other"}
    assert len(BASELINES) > 15 and len(TASKS) == 5
    for section in SECTIONS:
        tables = re.findall(r"^\|.*here \|$", SECTIONS[section], re.MULTILINE)
        assert tables, f"{section} has no table"


@pytest.mark.parametrize("name", BASELINES)
def test_options_have_the_defaults_that_stand_first(name: str) -> None:
    spec = registry.load_baseline(name)
    seen: dict[str, list[str]] = {}
    for cell in last_cells(name):
        for token in cell:
            option, _, value = token.partition("=")
            seen.setdefault(option, []).append(value)
    assert seen
    for option, values in seen.items():
        expected = _default(spec, option)
        # `maco` names the preprint's form in a row of its own.
        assert values[0] == value_text(expected), f"{name}: {option}"
        assert len(set(values)) == len(values) or option in REPEATED, f"{name}: {option} twice"
        for other in values[1:]:
            assert _accepts(name, option, other), f"{name}: {option}={other}"


REPEATED = {"weighting"}
"""Named again where another row explains a part of the same form."""


def _default(spec: Any, option: str) -> Any:
    if option.startswith("pretrain."):
        assert spec.pretraining is not None, option
        return getattr(spec.pretraining, option.removeprefix("pretrain."))
    assert option in spec.options, f"{spec.name} has no option `{option}`"
    return spec.options[option]


def _accepts(name: str, option: str, value: str) -> bool:
    """Whether the value is one of the option's type; outright wrong ones raise."""
    changed = registry.load_baseline(f"{name}+{option}={value}")
    return value_text(changed.options[option]) == value


@pytest.mark.parametrize("name", TASKS)
def test_settings_are_those_of_the_variants(name: str) -> None:
    variants: Mapping[str, Any] = registry.load_task(name).variants
    checked = 0
    for cell in last_cells(name):
        chosen = list(variants)
        for token in cell:
            if token.startswith("@"):
                chosen = [token[1:]]
                continue
            field, _, value = token.partition("=")
            for variant in chosen:
                assert value_text(getattr(variants[variant], field)) == value, (variant, field)
                checked += 1
    assert checked


@pytest.mark.parametrize("name", BASELINES)
def test_forms_of_an_option_are_known_to_the_method(name: str) -> None:
    """Values in words are read from the text of the method's files, where they must stand."""
    spec = registry.load_baseline(name)
    folder = registry.CHECKOUT / "baselines"
    texts = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    for cell in last_cells(name):
        for token in cell:
            option, _, value = token.partition("=")
            if isinstance(spec.options.get(option), str) and value.isidentifier():
                assert re.search(rf"[\"']{value}[\"']", texts) or value == "none", token


def test_metrics_named_in_the_page_exist() -> None:
    folder = registry.CHECKOUT / "benchmark" / "metrics"
    code = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    named = re.findall(r"`((?:auc|ap|f1|accuracy|dice|miou|pointing|cnr|pretraining)_\w+)`", PAGE)
    assert len(named) > 10
    for metric in named:
        assert metric in code, metric
