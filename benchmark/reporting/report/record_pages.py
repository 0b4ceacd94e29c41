"""A record as a page: what was done, with what, what came out, and where it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmark.data.leaks import leak_sentence
from benchmark.records import read_arrays
from benchmark.reporting.cells import AXES
from benchmark.reporting.report.facts import decimal_text, fact, facts, number_text, value_text
from benchmark.reporting.report.grids import Column, ColumnGroup, Grid, GridCell, GridRow, Link
from benchmark.reporting.report.markup import literal
from benchmark.reporting.report.metrics import metric_grids
from benchmark.reporting.report.model import Fact, FactSection, RecordView, WorstCases
from benchmark.reporting.report.worst import Worst, worst_samples

if TYPE_CHECKING:
    from benchmark.reporting.select import Result


@dataclass(frozen=True)
class Places:
    """Where records and tables stand in the report.

    Attributes:
        anchors: Id of a record's page, by key.
        tables: Tables that show a record, by key.
        figures: Figures that show a record, by key.
        headlines: Name of a task's first metric, by task.
        seeds: Of a record, such as `p0 s0 h0`, by key.
    """

    anchors: Mapping[str, str]
    tables: Mapping[str, tuple[Link, ...]] = field(default_factory=dict)
    figures: Mapping[str, tuple[Link, ...]] = field(default_factory=dict)
    headlines: Mapping[str, str] = field(default_factory=dict)
    seeds: Mapping[str, str] = field(default_factory=dict)

    def link(self, key: str) -> Link | None:
        """The page of the record with a key, named by its seeds or by the key's first letters."""
        anchor = self.anchors.get(key)
        return Link(self.seeds.get(key) or key[:8], anchor) if anchor else None


_SECTIONS = (
    ("Selection", "selection", "What chose a threshold, a rate or a checkpoint."),
    ("Options of the method", "options", ""),
    ("Pre-training", "pretraining", ""),
    ("Weights", "weights", ""),
    ("Batch", "batch", ""),
    ("Patients in two parts of the split", "leaks", ""),
    ("Measured facts", "facts", ""),
    ("Data", "data", ""),
    ("Versions", "versions", "Raised by hand whenever a score can move."),
    ("Provenance", "provenance", ""),
    ("Timing", "timing", "Depends on the machine and the hour."),
    ("Files", "files", ""),
)


def record_view(result: Result, places: Places) -> RecordView:
    """The page of one record."""
    record, cell = result.record, result.cell
    anchor = places.anchors[cell["key"]]
    return RecordView(
        anchor=anchor,
        key=cell["key"],
        task=cell["task"],
        variant=cell["variant"],
        baseline=cell["baseline"],
        setting=setting_text(result),
        kind=cell["kind"],
        phantom=is_phantom(record),
        leak=leak_sentence(record.get("leaks") or {}),
        tables=places.tables.get(cell["key"], ()),
        figures=places.figures.get(cell["key"], ()),
        summary=_summary(result, places),
        metrics=metric_grids(record["metrics"], anchor, places.headlines.get(cell["task"], "")),
        sections=_sections(record, anchor),
        worst=_worst(result, anchor) if cell["kind"] == "evaluate" else None,
    )


def is_phantom(record: Mapping[str, Any]) -> bool:
    """Whether a record's data are synthetic."""
    data = record.get("data") or {}
    return bool(data.get("phantom")) or "phantom" in str(record["cell"]["data_id"])


def seeds_of_one(result: Result) -> str:
    """Such as `p0 s0 h0`; empty for a predictor without seeds."""
    seeds = result.cell["seeds"]
    return " ".join(
        f"{letter}{seeds[axis]}" for axis, letter in AXES if seeds.get(axis) is not None
    )


def setting_text(result: Result) -> str:
    """Such as `10 % of the labels, seeds p0 s0 h0`."""
    named = seeds_of_one(result)
    labels = "" if result.labels == "all" else f"{result.labels} % of the labels"
    return ", ".join(part for part in (labels, f"seeds {named}" if named else "no seeds") if part)


def _summary(result: Result, places: Places) -> tuple[Fact, ...]:
    cell = result.cell
    listed = [
        Fact("cell", cell["key"]),
        Fact("data", cell["data_id"]),
        Fact("profile", cell["profile"]),
        Fact("labels", result.labels if result.labels == "all" else f"{result.labels} %"),
        Fact("weights", result.weights),
        Fact("seeds", value_text({k: v for k, v in cell["seeds"].items() if v is not None})),
    ]
    if cell.get("options"):
        listed.append(Fact("changed options", value_text(cell["options"])))
    source = str(
        (result.record.get("pretraining") or {}).get("key") or cell.get("depends_on") or ""
    )
    if source:
        listed.append(Fact("pre-trained by", source[:8], link=places.link(source)))
    return tuple(listed)


def _sections(record: Mapping[str, Any], anchor: str) -> tuple[FactSection, ...]:
    recipe = {name: value for name, value in record["recipe"].items() if name != "source"}
    protocol = facts(recipe, f"{anchor}-recipe")
    source = str(record["recipe"].get("source") or "")
    found = [FactSection("Protocol", protocol, f"Source: {source}." if source else "")]
    files = {name: record[name] for name in ("predictions", "samples") if record.get(name)}
    for title, name, remark in _SECTIONS:
        values = files if name == "files" else record.get(name)
        if values:
            listed = tuple(
                fact(str(key), value, f"{anchor}-{name}-{place}")
                for place, (key, value) in enumerate(values.items())
            )
            found.append(FactSection(title, listed, remark))
    return tuple(found)


def _worst(result: Result, anchor: str) -> WorstCases:
    arrays = read_arrays(result.folder, result.record.get("samples") or {})
    worst = worst_samples(arrays, _classes(result) if "scores" in arrays else ())
    if worst.why:
        return WorstCases("", why=worst.why)
    ids = [str(arrays["ids"][row]) for row in worst.rows]
    grid = _worst_grid(worst, ids, f"{anchor}-worst")
    return WorstCases(worst.rule, tuple(dict.fromkeys(ids)), grid)


def _classes(result: Result) -> tuple[str, ...]:
    """Names of the columns of the scores; an older record has them in its predictions alone."""
    names = result.record["selection"].get("class_names")
    if not isinstance(names, list):
        predictions = read_arrays(result.folder, result.record.get("predictions") or {})
        names = [str(name) for name in predictions.get("classes", ())]
    return tuple(names)


def _worst_grid(worst: Worst, ids: list[str], anchor: str) -> Grid:
    groups = [ColumnGroup((Column("sample"),))]
    columns = [[GridCell(f"`{literal(name)}`") for name in ids]]
    for title, values in (worst.columns or {}).items():
        numbers = [value for value in values if isinstance(value, float)]
        groups.append(ColumnGroup((Column(title, "number" if numbers else "text"),)))
        show = number_text if all(map(float.is_integer, numbers)) else decimal_text
        columns.append(
            [
                GridCell(show(value), sort=value)
                if isinstance(value, float)
                else GridCell(literal(value))
                for value in values
            ]
        )
    rows = tuple(GridRow(cells) for cells in zip(*columns, strict=True))
    return Grid(anchor, "", tuple(groups), rows)
