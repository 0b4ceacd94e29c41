"""Which records stand in which cell of a table: grouping by baseline, task, variant and data.

Two variants of a task, or two states of its data, never share a column: each pair is a `Block`
and gets a table of its own. The seeds of one baseline are averaged, its options, weights and
pre-training corpora are not: they make rows.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from benchmark import registry
from benchmark.fingerprint import plain
from benchmark.outside_names import short_name
from benchmark.records import all_records, to_dict
from benchmark.reporting.corpora import dataset_of
from benchmark.reporting.layout import ROLES, Role, Row, TableLayout
from benchmark.specs import Seeds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from benchmark.records import Record


@dataclass(frozen=True)
class Result:
    """One record as plain data, and the folder that holds its arrays.

    Attributes:
        pretraining: `task`, `variant` and `recipe` of the cell that made the weights, where its
            record lies in the same results; else empty.
    """

    folder: Path
    record: Mapping[str, Any]
    pretraining: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cell(self) -> Mapping[str, Any]:
        """The fields of `benchmark.specs.Cell`."""
        cell: Mapping[str, Any] = self.record["cell"]
        return cell

    @property
    def labels(self) -> str:
        """As in cell names: `1`, `10`, `100` or `all`."""
        percent = self.cell.get("label_percent")
        return "all" if percent is None else f"{percent:g}"

    @property
    def name(self) -> str:
        """As `Cell.name`: `task@variant/baseline/labels-seeds`."""
        seeds = Seeds(**self.cell["seeds"])
        place = f"{self.cell['task']}@{self.cell['variant']}/{self.cell['baseline']}"
        return f"{place}/{self.labels}-{seeds}"

    @property
    def pretraining_key(self) -> str:
        """Key of the pre-training cell that made the weights; empty where there is none."""
        return str((self.record.get("pretraining") or {}).get("key", ""))

    @property
    def block(self) -> Block:
        """Variant and data that the result belongs to."""
        return Block(self.cell["task"], self.cell["variant"], self.cell["data_id"])

    @property
    def weights(self) -> str:
        """`trained`, `none`, `official`, or a file by the first letters of its checksum."""
        kind, _, checksum = str(self.cell["weights"]).partition(":")
        return f"{kind}:{checksum[:8]}" if checksum else kind

    @property
    def corpus(self) -> str:
        """Data set that the weights were pre-trained on; empty for a sentinel and for a file."""
        return dataset_of(str((self.record.get("pretraining") or {}).get("data_id", "")))

    @property
    def group(self) -> Group:
        """What may be averaged: equal in all but the seeds and the label fraction."""
        options = json.dumps(plain(self.cell.get("options") or {}), sort_keys=True)
        return Group(self.cell["baseline"], self.weights, options, self.corpus)


@dataclass(frozen=True, order=True)
class Block:
    """One variant of a task on one state of its data."""

    task: str
    variant: str
    data_id: str

    @property
    def phantom(self) -> bool:
        """Whether the data are synthetic; the data id says so."""
        return "phantom" in self.data_id


@dataclass(frozen=True, order=True)
class Group:
    """A baseline with its weights, options (JSON) and the data set it was pre-trained on."""

    baseline: str
    weights: str = ""
    options: str = "{}"
    corpus: str = ""


@dataclass(frozen=True)
class TableRow:
    """A row of the layout together with the group whose results it shows."""

    row: Row
    group: Group


def load_results(results: Path, profile: str = "") -> list[Result]:
    """Every valid evaluation record of one profile, sorted by folder."""
    found = results_of(all_records(results, profile))
    return [item for item in found if item.cell["kind"] == "evaluate"]


def results_of(records: Iterable[tuple[Path, Record]]) -> list[Result]:
    """Records with what is known of the pre-trainings behind them, in the order given."""
    found = [(folder, to_dict(record)) for folder, record in records]
    made = {
        record["cell"]["key"]: {
            "task": record["cell"]["task"],
            "variant": record["cell"]["variant"],
            "recipe": record["recipe"],
        }
        for _, record in found
        if record["cell"]["kind"] == "pretrain"
    }
    return [
        Result(folder, record, made.get((record.get("pretraining") or {}).get("key", ""), {}))
        for folder, record in found
    ]


def blocks(
    layout: TableLayout, results: Iterable[Result], planned: Sequence[Any] = ()
) -> dict[str, list[Block]]:
    """By task of the table: its blocks, the current one first.

    Blocks of the plan come first; then those of the variant that the columns name first; then
    those with more records; then by name, so that the order never depends on the clock.
    """
    count = Counter(result.block for result in results)
    wanted = Counter(
        Block(item.cell.task, item.cell.variant, item.cell.data_id)
        for item in planned
        if item.cell.kind == "evaluate" and item.cell.data_id
    )
    by_task: dict[str, list[Block]] = {}
    for task in layout.tasks:
        ranks = _variant_ranks(layout, task)
        known = [
            block
            for block in {*count, *wanted}
            if block.task == task and (not ranks or block.variant in ranks)
        ]
        order = {
            block: (-(block in wanted), ranks.get(block.variant, 0), -count[block], block)
            for block in known
        }
        by_task[task] = sorted(known, key=order.__getitem__)
    return by_task


def _variant_ranks(layout: TableLayout, task: str) -> dict[str, int]:
    """Place of each variant that a table shows; empty where it takes any."""
    named = [
        variant for column in layout.columns if column.task == task for variant in column.variants
    ]
    return {variant: rank for rank, variant in enumerate(dict.fromkeys(named))}


def rows_for(layout: TableLayout, results: Iterable[Result]) -> list[TableRow]:
    """The layout's rows, one for each group found, then rows for baselines it does not name.

    Roles keep their order: methods, those from scratch, floors, priors, sentinels.
    """
    ranks = {task: _variant_ranks(layout, task) for task in layout.tasks}
    groups = sorted(
        {
            result.group
            for result in results
            if result.block.task in ranks
            and (not ranks[result.block.task] or result.block.variant in ranks[result.block.task])
        }
    )
    several = len({group.corpus for group in groups} - {""}) > 1
    rows: list[TableRow] = []
    for row in layout.rows:
        mine = [group for group in groups if row.baseline and group.baseline == row.baseline]
        if not any(group.options == "{}" for group in mine):
            mine.append(Group(row.baseline))
        for group in sorted(mine, key=lambda item: (item.options != "{}", item)):
            # A changed option is not the paper's method: its row has no published number.
            shown = row if group.options == "{}" else replace(row, published="")
            rows.append(TableRow(replace(shown, title=_title(row, group, several)), group))
    named = {row.baseline for row in layout.rows}
    for group in groups:
        if group.baseline not in named:
            rows.append(TableRow(_guest(layout, group, several), group))
    return sorted(rows, key=lambda item: ROLES.index(item.row.role))


def _guest(layout: TableLayout, group: Group, several_corpora: bool) -> Row:
    """The row of a baseline that the layout does not name."""
    role: Role = "method"
    if group.weights == "none":
        role = "sentinel" if group.baseline.startswith(("oracle", "chance")) else "prior"
    title = f"`{short_name(group.baseline)}`"
    base, *changes = group.baseline.split(registry.OPTION_MARK)
    if registry.FROM_SCRATCH in changes:
        role = "from scratch"
        # Alone in its block a method has the title that it has among the methods.
        known = {row.baseline: row.title for row in layout.rows}
        if changes == [registry.FROM_SCRATCH] and base in known:
            title = known[base]
    row = Row(title=title, baseline=group.baseline, role=role)
    return replace(row, title=_title(row, group, several_corpora))


def _title(row: Row, group: Group, several_corpora: bool) -> str:
    changed = [f"{key}={value}" for key, value in json.loads(group.options).items()]
    weights = [] if group.weights in ("", "trained", "none") else [group.weights]
    corpus = [f"pre-trained on {group.corpus}"] if group.corpus and several_corpora else []
    extra = ", ".join(_extra_annotation(group.baseline) + weights + changed + corpus)
    return f"{row.title} ({extra})" if extra else row.title


def _extra_annotation(baseline: str) -> list[str]:
    """A mark for a method that needs more than images and reports, wherever it appears."""
    if baseline.partition("+")[0] not in registry.baseline_names():
        return []
    return ["extra annotation"] if registry.load_baseline(baseline).extra_annotation else []


def picked(results: Iterable[Result], group: Group, block: Block, labels: str) -> list[Result]:
    """The results behind one table cell: one for each set of seeds.

    A sentinel has one record without a label fraction; it stands for all of them. Of records
    that differ in versions alone, the newest versions are kept.
    """
    mine = [item for item in results if item.group == group and item.block == block]
    exact = [item for item in mine if item.labels == labels]
    if not exact and group.weights == "none":
        exact = [item for item in mine if item.labels == "all"]
    return newest(exact)


def newest(results: Iterable[Result]) -> list[Result]:
    """Of records that differ in versions alone those of the newest, in the order of their seeds."""
    found: dict[tuple[Any, ...], list[Result]] = {}
    for item in results:
        seeds = json.dumps(item.cell["seeds"], sort_keys=True)
        place = (seeds, item.block, item.group, item.labels)
        kept = found.setdefault(place, [])
        if not kept or _versions(item) == _versions(kept[0]):
            kept.append(item)
        elif _versions(item) > _versions(kept[0]):
            found[place] = [item]
    return [item for place in sorted(found, key=lambda one: one[0]) for item in found[place]]


def _versions(result: Result) -> tuple[int, ...]:
    versions = result.record.get("versions") or {}
    return tuple(int(versions[name]) for name in sorted(versions))
