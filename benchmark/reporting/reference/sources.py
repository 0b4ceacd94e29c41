"""The facts of a data set that its reader states, as a table for its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark import registry
from benchmark.reporting.markdown import bullets, document, table

if TYPE_CHECKING:
    from benchmark.data.manifest import SourceSpec

COMMAND = "maco-bench list datasets --markdown"


def sources_overview() -> str:
    """All data sets in one table: title, whether it may be shown to others, its tasks."""
    rows = []
    for name in registry.source_names():
        spec = registry.load_source(name)
        images = spec.expected.get("images")
        count = f"{images:,}" if images else "–"
        shown = _yes(spec.redistributable)
        rows.append([f"[`{name}`](#{name})", spec.title, count, shown, _tasks(name)])
    return table(["name", "data set", "images", "may be shown", "tasks"], rows, 5)


def source_facts(spec: SourceSpec) -> str:
    """One data set: where it is looked for, its licence, its counts, its tasks."""
    lines = [
        f"Folder below a data root, the first that is there: "
        f"{', '.join(f'`{folder}`' for folder in spec.folders)}",
        f"From: {spec.obtain}",
        f"Licence: {spec.licence}",
        f"Images and texts may be shown to others: {_yes(spec.redistributable)}",
    ]
    if spec.expected:
        lines.append(f"Counts of the full release: {_counts(spec)}")
    return bullets([*lines, f"Used by: {_tasks(spec.name)}"])


def sources_page() -> str:
    """The overview and the facts of every data set."""
    specs = [registry.load_source(name) for name in registry.source_names()]
    return document(
        [sources_overview(), *(f"## {spec.name}\n\n{source_facts(spec)}" for spec in specs)]
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _counts(spec: SourceSpec) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in spec.expected.items())


def _tasks(dataset: str) -> str:
    names = [name for name in registry.task_names() if registry.load_task(name).dataset == dataset]
    linked = [f"[`{name}`](protocols.md#{name})" for name in names]
    corpora = [
        f"`{name}`"
        for name in registry.suite_names()
        if registry.load_suite(name).corpus == dataset
    ]
    if corpora:
        linked.append(f"pre-training in the suite{'s' if corpora[1:] else ''} {', '.join(corpora)}")
    return ", ".join(linked) or "–"
