"""`docs/reading_the_tables.md` explains states, fields, statuses and margins."""

from __future__ import annotations

import re
import typing

from benchmark.reporting.layout_parts import ROLES
from benchmark.reporting.model import Reproduction
from benchmark.reporting.published import SHOWN, read_join
from benchmark.reporting.writers.printed import WITHOUT_VALUE
from benchmark.reporting.writers.rows import FIELDS
from tests.docs.pages import CHECKOUT

TEXT = (CHECKOUT / "docs" / "reading_the_tables.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("|")]
FIRST = "\n".join(line.split(" | ")[0] for line in ROWS)
"""The first column of every table of the page."""


def test_every_field_of_csv_and_json_is_explained_and_no_other() -> None:
    table = TEXT[TEXT.index("| field | holds |") :]
    rows = table[: table.index("\n\n")].splitlines()[2:]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row.split(" | ")[0])]
    assert sorted(named) == sorted(FIELDS)


def test_every_state_of_a_cell_is_explained() -> None:
    for shown in WITHOUT_VALUE.values():
        assert f"| `{shown}`" in FIRST
    for state in WITHOUT_VALUE:
        assert f"`{state}`" in TEXT


def test_every_verdict_status_and_role_is_explained() -> None:
    for verdict in typing.get_args(Reproduction):
        assert f"| `{verdict}`" in FIRST
    for status in SHOWN:
        assert f"| `{status}`" in FIRST
    for role in ROLES:
        assert role in TEXT


def test_the_margins_are_those_of_the_join_file() -> None:
    table = TEXT[TEXT.index("| metric | margin |") :]
    found = {}
    for row in table[: table.index("\n\n")].splitlines()[2:]:
        names, margin = row.strip("| ").split(" | ")
        for name in re.sub(r"\(.*?\)", "", names).split(","):
            found[name.strip()] = float(margin)
    join = read_join(CHECKOUT / "leaderboards" / "published" / "join.toml")
    assert found == dict(join.margins)
