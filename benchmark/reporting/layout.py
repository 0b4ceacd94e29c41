"""Which rows and columns a table has: `leaderboards/tables/*.toml`, plain data without expressions.

A file names the paper's table, the published CSVs beside it, rows and columns. A new table is one
new file and its name in `leaderboards/suites/NAME.toml`. Baselines with records but without a row
are added by `select.rows_for`. What a row, a column, an extra and a listing may say is in
`layout_parts`.
"""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from benchmark.errors import BadDataError, unknown_name
from benchmark.reporting.layout_parts import (
    ROLES,
    Column,
    Extra,
    Form,
    Format,
    Listing,
    Place,
    Role,
    Row,
)
from benchmark.reporting.published import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = [
    "ROLES",
    "Column",
    "Extra",
    "Form",
    "Format",
    "Listing",
    "Place",
    "Role",
    "Row",
    "TableLayout",
    "read_layout",
    "read_layouts",
    "suite_tables",
]
PARTS = ("form", "row", "column", "extra", "listing")


@dataclass(frozen=True)
class TableLayout:
    """One table.

    Attributes:
        name: Stem of its file, and of the Markdown made from it.
        published: Stems of the CSVs whose numbers stand beside measured ones; listings name
            theirs themselves.
        rows, columns: Both empty where the page holds listings alone.
        suite: The paper's own suite; other suites may show the table too.
        extras: Further tables from the same records.
        listings: Further tables of published numbers alone.
        ablation: The rows differ by one part of one method each, so that a step between them
            speaks of the part only if it is larger than the spread over pre-training runs.
    """

    name: str
    paper: str
    paper_table: str
    title: str
    published: tuple[str, ...]
    forms: tuple[Form, ...]
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    suite: str = ""
    notes: tuple[str, ...] = ()
    extras: tuple[Extra, ...] = ()
    listings: tuple[Listing, ...] = ()
    ablation: bool = False

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks of the columns, in order, each once."""
        return tuple(dict.fromkeys(column.task for column in self.columns))

    @property
    def facts(self) -> tuple[str, ...]:
        """Titles of the rows' facts, in order of first appearance: a text column each."""
        return tuple(dict.fromkeys(title for row in self.rows for title in row.facts))

    @property
    def listed(self) -> tuple[str, ...]:
        """Stems of the CSVs that listings read, in order, each once."""
        return tuple(dict.fromkeys(listing.file for listing in self.listings))


def _checked(kind: type, entry: Mapping[str, Any], path: Path) -> dict[str, Any]:
    known = {item.name for item in dataclasses.fields(kind)}
    for key in entry:
        _check_name(f"field of a table's {kind.__name__.lower()}", key, known, path)
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


def _rows(entries: Iterable[Mapping[str, Any]], path: Path) -> list[Row]:
    rows = [Row(**_checked(Row, entry, path)) for entry in entries]
    for row in rows:
        wrong = [title for title, text in row.facts.items() if not isinstance(text, str)]
        if wrong:
            raise BadDataError(
                f"Row `{row.title}`: the fact `{wrong[0]}` is no text.",
                looked_in=[path],
                remedy="Facts are printed as they are: put the value in quotation marks.",
            )
    return rows


def _columns(entry: Mapping[str, Any], path: Path) -> list[Column]:
    """The columns of one entry: one for each of its label fractions."""
    fields = {key: value for key, value in entry.items() if key not in ("metric", "variant")}
    metric, variant = entry["metric"], entry.get("variant", ())
    fields["metrics"] = {"": metric} if isinstance(metric, str) else dict(metric)
    fields["variants"] = (variant,) if isinstance(variant, str) else tuple(variant)
    if fields.get("format") not in get_args(Format):
        raise BadDataError(
            f"Column `{entry['title']}` has no known format.",
            looked_in=[path],
            remedy="Known: " + ", ".join(get_args(Format)) + ".",
        )
    return [Column(**_checked(Column, one, path)) for one in _by_fraction(fields)]


def _by_fraction(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """An entry for each label fraction that it names, with the published numbers of the same."""
    labels = entry.get("labels", "all")
    several = [] if isinstance(labels, str) else list(labels)
    found = []
    for label in several or [labels]:
        one = {**entry, "labels": label}
        if several:
            one["title"] = f"{entry['title']}, {label} %".removeprefix(", ")
        if entry.get("published"):
            trained_on = "0" if label == "all" else label
            one["published"] = {"labels": trained_on, **entry["published"]}
        found.append(one)
    return found


def _extras(entry: Mapping[str, Any], path: Path) -> list[Extra]:
    extras = [Extra(**_checked(Extra, one, path)) for one in _by_fraction(entry)]
    for extra in extras:
        _check_name("place of a further table", extra.place, get_args(Place), path)
    return extras


def _listing(entry: Mapping[str, Any], path: Path) -> Listing:
    fields = _checked(Listing, entry, path)
    fields["where"] = {
        key: (value,) if isinstance(value, str) else tuple(value)
        for key, value in entry.get("where", {}).items()
    }
    listing = Listing(**fields)
    for name in (*listing.fields.values(), *listing.where, *filter(None, (listing.across,))):
        _check_name("column of the published numbers", name, COLUMNS, path)
    _check_name("place of a further table", listing.place, get_args(Place), path)
    return listing


def _check_name(what: str, name: str, known: Iterable[str], path: Path) -> None:
    if name not in known:
        error = unknown_name(what, name, known)
        raise BadDataError(error.problem, looked_in=[path], remedy=error.remedy)


def read_layout(path: Path) -> TableLayout:
    """The layout in one TOML file.

    Raises:
        BadDataError: A field or a format is unknown, or a required one is missing.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    if data.get("listing"):
        # A page may hold nothing but listings.
        data = {"row": [], "column": [], **data}
    try:
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in data.items()
            if key not in PARTS
        }
        layout = TableLayout(
            name=path.stem,
            forms=tuple(Form(**_checked(Form, item, path)) for item in data.get("form", ())),
            rows=tuple(_rows(data["row"], path)),
            extras=tuple(one for item in data.get("extra", ()) for one in _extras(item, path)),
            columns=tuple(one for item in data["column"] for one in _columns(item, path)),
            listings=tuple(_listing(item, path) for item in data.get("listing", ())),
            **{"published": (), **fields},
        )
    except (KeyError, TypeError) as fault:
        raise BadDataError(f"Bad table layout: {fault}.", looked_in=[path]) from fault
    _check_variants(layout, path)
    return layout


def _check_variants(layout: TableLayout, path: Path) -> None:
    """One table shows one variant of a task at a time: its columns must agree on which."""
    named: dict[str, tuple[str, ...]] = {}
    for column in layout.columns:
        if named.setdefault(column.task, column.variants) != column.variants:
            raise BadDataError(
                f"The columns of task `{column.task}` name different variants.",
                looked_in=[path],
                remedy="Give each set of variants a table file of its own.",
            )


def suite_tables(leaderboards: Path, suite: str) -> tuple[str, ...]:
    """Names of the layouts that `suites/NAME.toml` lists.

    Raises:
        UsageError: There is no such suite.
    """
    folder = leaderboards / "suites"
    path = folder / f"{suite}.toml"
    if not path.is_file():
        raise unknown_name("suite", suite, [item.stem for item in folder.glob("*.toml")])
    return tuple(tomllib.loads(path.read_text(encoding="utf-8")).get("tables", ()))


def read_layouts(leaderboards: Path, names: Iterable[str]) -> list[TableLayout]:
    """The named layouts of `tables/`, each once, in the order given.

    Raises:
        UsageError: There is no layout of that name.
    """
    known = {path.stem: path for path in sorted((leaderboards / "tables").glob("*.toml"))}
    layouts = []
    for name in dict.fromkeys(names):
        if name not in known:
            raise unknown_name("table", name, known)
        layouts.append(read_layout(known[name]))
    return layouts
