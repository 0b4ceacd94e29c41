"""Which rows and columns a table has: `leaderboards/tables/*.toml`, plain data without expressions.

A file names the paper's table, the published CSVs beside it, rows and columns. A new table is one
new file and its name in `leaderboards/suites/NAME.toml`. Baselines with records but without a row
are added by `select.rows_for`.
"""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from benchmark.errors import BadDataError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Format = Literal["percent_1", "decimal_1", "decimal_3", "signed_3"]
Role = Literal["method", "from scratch", "floor", "prior", "sentinel"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Form:
    """One way to read the same predictions, such as `product` or `map_only`; a row each."""

    name: str
    title: str


@dataclass(frozen=True)
class Row:
    """One baseline.

    Attributes:
        baseline: Empty for a published row without a baseline in this version.
        published: The method's name in the published CSVs; empty for none.
        role: Methods first, then the same methods without start weights (a block with a heading
            of its own), floors (`random_init`), priors and sentinels.
        forms: Names of the forms that are shown; empty for all.
        published_form: The form that the published number speaks of.
        check: What makes the table broken: `best` = differs from the metric's best value,
            `chance` = further than 4 standard errors from its chance level.
    """

    title: str
    baseline: str = ""
    published: str = ""
    role: Role = "method"
    forms: tuple[str, ...] = ()
    published_form: str = ""
    check: Literal["", "best", "chance"] = ""


@dataclass(frozen=True)
class Column:
    """One number per row.

    Attributes:
        metrics: Our metric by form name; the key `""` serves a table without forms. In the file
            `metric`, one name for all forms or a name by form. `timing/NAME` is an entry of the
            record's `timing`, which depends on the machine.
        labels: As in cell names: `1`, `10`, `100`, or `all` where no labels are used. A list in
            the file stands for one column each.
        variants: The task's variants that this column may show, the first preferred; each gets
            a table of its own. Empty for all. In the file `variant`, a name or a list; the
            columns of one task name the same.
        section: Columns with one section stand in one table under that heading.
        published: `metric`, `dataset`, `labels` (and `class`, `task`) in the CSVs; empty for
            none. Without `labels` the column's own, or `0` where no labels are used.
        paper_recipe: Recipe fields and the values they need to be comparable with the paper.
        data_free: The number comes from the model at the paper's size alone, so that it may be
            compared with the paper's on any data, a phantom too.
        excess_over: Baseline whose paired difference is shown instead of the value itself; then
            `metrics` names per-sample arrays.
    """

    title: str
    task: str
    metrics: Mapping[str, str]
    format: Format
    labels: str = "all"
    variants: tuple[str, ...] = ()
    section: str = ""
    published: Mapping[str, str] = field(default_factory=dict)
    paper_recipe: Mapping[str, Any] = field(default_factory=dict)
    data_free: bool = False
    excess_over: str = ""


@dataclass(frozen=True)
class Extra:
    """A further table from the same records.

    Attributes:
        kind: `per_class`: one line a class of `metric`. `metrics`: one line for each of
            `metrics`. `sweep`: one line for each entry of the list `selection` in the records.
        labels: As in `Column`; a list in the file stands for one table each.
        place: `page` = below the main table, `details` = in `NAME_details.md`.
        published: For `per_class`: as in `Column`, without `class`; the paper's methods are
            columns too, and the mean over classes is the first line.
        paper_recipe: As in `Column`.
        metrics: Title to metric name; for a sweep, title to field of an entry.
        chosen: For a sweep: the selection's field that equals `chosen_field` of the chosen entry.
    """

    kind: Literal["per_class", "metrics", "sweep"]
    title: str
    task: str
    format: Format
    labels: str = "all"
    first_column: str = "Class"
    metric: str = ""
    metrics: Mapping[str, str] = field(default_factory=dict)
    place: Literal["details", "page"] = "details"
    published: Mapping[str, str] = field(default_factory=dict)
    paper_recipe: Mapping[str, Any] = field(default_factory=dict)
    selection: str = ""
    chosen: str = ""
    chosen_field: str = ""


@dataclass(frozen=True)
class TableLayout:
    """One table.

    Attributes:
        name: Stem of its file, and of the Markdown made from it.
        suite: The paper's own suite; other suites may show the table too.
        extras: Further tables from the same records.
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

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks of the columns, in order, each once."""
        return tuple(dict.fromkeys(column.task for column in self.columns))


def _checked(kind: type, entry: Mapping[str, Any], path: Path) -> dict[str, Any]:
    known = {item.name for item in dataclasses.fields(kind)}
    for key in entry:
        if key not in known:
            error = unknown_name(f"field of a table's {kind.__name__.lower()}", key, known)
            raise BadDataError(error.problem, looked_in=[path], remedy=error.remedy)
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


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
    return [Extra(**_checked(Extra, one, path)) for one in _by_fraction(entry)]


def read_layout(path: Path) -> TableLayout:
    """The layout in one TOML file.

    Raises:
        BadDataError: A field or a format is unknown, or a required one is missing.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in data.items()
            if key not in ("form", "row", "column", "extra")
        }
        layout = TableLayout(
            name=path.stem,
            forms=tuple(Form(**_checked(Form, item, path)) for item in data.get("form", ())),
            rows=tuple(Row(**_checked(Row, item, path)) for item in data["row"]),
            extras=tuple(one for item in data.get("extra", ()) for one in _extras(item, path)),
            columns=tuple(one for item in data["column"] for one in _columns(item, path)),
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
