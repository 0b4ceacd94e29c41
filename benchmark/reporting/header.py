"""Where a table comes from: its data, what was pre-trained on, commit and command."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from benchmark import registry
from benchmark.data.leaks import leak_sentence
from benchmark.reporting.protocol import known_baseline
from benchmark.reporting.select import newest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmark.reporting.layout import TableLayout
    from benchmark.reporting.select import Block, Group, Result
    from benchmark.reporting.source import Source


def header_lines(
    source: Source, current: Mapping[str, Block], used: Sequence[Result], command: str
) -> list[str]:
    """Profile, data, corpora, commits, records and command.

    Args:
        source: Of the table.
        current: The current block by task.
        used: Its records.
        command: How to make the table again.
    """
    lines = [f"Profile: `{source.profile}`"]
    lines += [data_line(block) for block in current.values()]
    for task in source.layout.tasks:
        if task not in current:
            lines.append(f"Data of `{task}`: no record")
    lines += _corpus_lines(source, current, used)
    commits = sorted({_commit(item) for item in used})
    lines.append("Commit: " + (", ".join(commits) or "no record"))
    lines.append(f"Records: {len(used)}")
    older = sorted({text for item in newest(used) for text in _older_versions(item)})
    if older:
        lines.append("Made with older versions (CHANGELOG.md): " + ", ".join(older))
    lines.append(f"Command: `{command}`")
    return lines


def _older_versions(item: Result) -> list[str]:
    """What has been changed since a record was made, such as `metrics detection 2 (now 3)`."""
    cell = item.cell
    if cell["task"] not in registry.task_names():
        return []
    task = registry.load_task(cell["task"])
    now = {"task": (cell["task"], task.version)}
    now["protocol"] = (task.protocol, registry.module_version("benchmark/protocols", task.protocol))
    if task.metrics:
        now["metrics"] = (task.metrics, registry.module_version("benchmark/metrics", task.metrics))
    baseline = known_baseline(cell["baseline"])
    if baseline is not None:
        now["method"] = (cell["baseline"], baseline.version)
    made = item.record.get("versions") or {}
    return [
        f"{kind} {name} {made[kind]} (now {version})"
        for kind, (name, version) in now.items()
        if kind in made and made[kind] != version
    ]


def _corpus_lines(
    source: Source, current: Mapping[str, Block], used: Sequence[Result]
) -> list[str]:
    """What the weights were pre-trained on, and what is not shown for that reason."""
    ids = {str((item.record.get("pretraining") or {}).get("data_id", "")) for item in used} - {""}
    lines = ["Pre-trained on: " + ", ".join(f"`{name}`" for name in sorted(ids))] if ids else []
    others = Counter(item.corpus for item in source.left_out if item.block in current.values())
    lines += [
        f"Not shown: {count} records of weights that were pre-trained on `{corpus}`"
        for corpus, count in sorted(others.items())
    ]
    return lines


def data_line(block: Block) -> str:
    """The data of one block."""
    kind = " (phantom: synthetic radiographs)" if block.phantom else ""
    return f"Data of `{block.task}@{block.variant}`: `{block.data_id}`{kind}"


def leak_lines(current: Iterable[Block], results: Sequence[Result]) -> list[str]:
    """What the splits of some blocks share, by block; none for clean splits."""
    lines = []
    for block in current:
        found = _results_of(block, results)
        sentences = {leak_sentence(item.record.get("leaks") or {}) for item in found} - {""}
        lines += [f"`{block.task}@{block.variant}`: {text}" for text in sorted(sentences)]
    return lines


def mixed_lines(layout: TableLayout, used: Iterable[Result]) -> list[str]:
    """Rows whose columns rest on different pre-trainings of one seed.

    So it is where one task was run anew after its pre-training had changed, and another was not.

    Args:
        layout: Gives the rows their titles.
        used: Records of the table.
    """
    keys: dict[tuple[Group, Any], set[str]] = {}
    for item in used:
        if item.pretraining_key:
            place = (item.group, item.cell["seeds"].get("pretrain"))
            keys.setdefault(place, set()).add(item.pretraining_key[:8])
    titles = {row.baseline: row.title for row in layout.rows}
    return [
        f"{titles.get(group.baseline, group.baseline)}, pre-training seed {seed}: columns of this "
        f"row rest on different pre-trainings ({', '.join(sorted(found))}). Run the older cells "
        "with --refresh."
        for (group, seed), found in sorted(keys.items(), key=str)
        if len(found) > 1
    ]


def _results_of(block: Block, results: Sequence[Result]) -> list[Result]:
    return [item for item in results if item.block == block]


def _commit(result: Result) -> str:
    provenance = result.record.get("provenance") or {}
    commit = str(provenance.get("commit") or "unknown")[:12]
    return f"`{commit}`" + (" with uncommitted changes" if provenance.get("dirty") else "")
