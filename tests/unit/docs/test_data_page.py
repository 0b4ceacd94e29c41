"""docs/data.md: every data set has a section, and it says what the reader says."""

from __future__ import annotations

import re
import tomllib

import pytest

from benchmark import registry
from benchmark.reporting.reference.sources import (
    COMMAND,
    source_facts,
    sources_overview,
    sources_page,
)
from benchmark.settings import Settings

PAGE = (registry.CHECKOUT / "docs" / "data.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_the_table_on_top_is_that_of_the_readers() -> None:
    assert sources_overview() in PAGE, COMMAND


@pytest.mark.parametrize("name", registry.source_names())
def test_every_reader_has_its_section(name: str) -> None:
    spec, text = registry.load_source(name), SECTIONS[name]
    assert source_facts(spec) in text, f"{COMMAND} prints the list"
    assert f"- Licence: {spec.licence}\n" in text
    shown = "yes" if spec.redistributable else "no"
    assert f"- Images and texts may be shown to others: {shown}\n" in text
    assert spec.obtain in text
    trees = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    assert trees, "the folders that the reader expects"
    assert spec.folders[0].split("/")[0] in trees[0]
    for count in spec.expected.values():
        assert f"{count:,}" in text
    assert source_facts(spec) in sources_page()


@pytest.mark.parametrize(
    "name", [name for name in registry.task_names() if registry.load_task(name).dataset]
)
def test_every_task_is_named_where_its_data_are(name: str) -> None:
    assert f"(protocols.md#{name})" in SECTIONS[registry.load_task(name).dataset]


def test_every_file_that_a_reader_names_is_one_of_its_tree() -> None:
    """Official file names are those of the readers' own text."""
    for name, text in SECTIONS.items():
        if name not in registry.source_names() or name == "csv_pairs":
            continue
        tree = "\n".join(re.findall(r"```text\n(.*?)```", text, re.DOTALL))
        folder = registry.CHECKOUT / "benchmark" / "data" / "sources"
        code = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
        for file in re.findall(r"[\w.-]+\.(?:csv|json|txt|tgz|zip)\b(?!\.)", tree):
            known = file in code or _in_pieces(file, code)
            assert known, f"{name}: no reader knows `{file}`"


def _in_pieces(file: str, code: str) -> bool:
    """Names that a reader composes: MIMIC's tables, MS-CXR's, MRM's and COVIDx's lists."""
    composed = (
        r"mimic-cxr-2\.0\.0-(metadata|split)\.csv",
        r"MS_CXR_Local_Alignment_v[\d.]+\.json",
        r"iscovid_train\.txt",
        r"(train|test)_COVIDx9A\.txt",
        r"(train|test)\.txt",
        r"(dev|test)\.csv",
    )
    return any(re.fullmatch(pattern, file) for pattern in composed)


def test_the_configuration_in_the_page_is_one_that_is_read() -> None:
    for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL):
        content = tomllib.loads(text)
        assert set(content) <= set(Settings.__dataclass_fields__)
        assert set(content["data_roots"]) | set(content["sources"]) <= set(registry.source_names())
