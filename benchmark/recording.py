"""Turns what a protocol and a metric gave into a record."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark import records, registry
from benchmark.cells import Resolved, recipe_content, resolve, start_of
from benchmark.fingerprint import file_checksum, plain
from benchmark.interfaces import Outcome, Scores
from benchmark.specs import Cell
from benchmark.states import PlannedCell
from benchmark.workshop import Workshop, pretrained_weights

if TYPE_CHECKING:
    from benchmark.protocols.context import CellContext


def make_record(
    planned: PlannedCell,
    resolved: Resolved,
    context: CellContext,
    outcome: Outcome,
    scores: Scores,
    workshop: Workshop,
) -> records.Record:
    """A record without provenance and timing: a function of the cell and its outcome alone."""
    cell, manifest = planned.cell, context.manifest
    recipe = recipe_content(resolved.recipe)
    weights, pretraining = _weights(cell, context.folder, workshop)
    batch = ("batch_size", "accumulation", "contrastive_batch")
    return records.Record(
        cell=cell,
        versions=resolved.versions,
        recipe=recipe,
        data={
            "id": cell.data_id,
            "key": planned.data_key,
            "dataset": manifest.dataset,
            "release": manifest.release,
            "phantom": plain(manifest.phantom),
            "partial": manifest.partial,
            "redistributable": manifest.redistributable,
            "corpus": workshop.settings.corpus if cell.kind == "pretrain" else "",
        },
        weights=weights,
        options=plain(resolved.options),
        metrics=scores.metrics,
        pretraining=pretraining,
        selection=storable({**outcome.selection, **scores.selection}),
        batch={name: recipe[name] for name in batch if name in recipe},
        leaks=_leaks(context),
        facts=storable(outcome.facts),
    )


def _weights(cell: Cell, folder: Path, workshop: Workshop) -> tuple[dict[str, Any], dict[str, Any]]:
    """Source and checksum of the weights, and the pre-training that they come from."""
    if cell.weights == "none":
        return {"source": "none", "checksum": ""}, {}
    if cell.kind == "pretrain":
        checksum = file_checksum(folder / records.WEIGHTS_FILE)
        return {"source": "initial", "checksum": checksum, **_start(cell, workshop)}, {}
    if cell.weights == "trained":
        _, record = pretrained_weights(cell.baseline, cell, workshop.settings)
        origin = {
            "key": record.cell.key,
            "data_id": record.cell.data_id,
            "leaks": plain(record.leaks),
        }
        at_percent = registry.load_baseline(cell.baseline).at_percent
        checksum = records.kept_checksum(record, at_percent)
        return {"source": "trained", "at_percent": at_percent, "checksum": checksum}, origin
    checksum = cell.depends_on.removeprefix("file:")
    note = "may have seen the test"
    read = workshop.read_facts(cell)
    return {"source": cell.weights, "checksum": checksum, "note": note, "read": read}, {}


def _start(cell: Cell, workshop: Workshop) -> dict[str, Any]:
    """What a pre-training began with, where that was another's weights."""
    if not cell.depends_on:
        return {}
    start = start_of(resolve(cell.task, cell.variant, cell.baseline, workshop.settings))
    _, record = pretrained_weights(start, cell, workshop.settings)
    checksum = record.weights["checksum"]
    return {"start": {"baseline": start, "key": cell.depends_on, "checksum": checksum}}


def _leaks(context: CellContext) -> dict[str, Any]:
    """What splits share; for pre-training: what the corpus left out."""
    if context.corpus is None:
        return dict(storable(context.rows.overlaps))
    fields = dataclasses.fields(context.corpus)
    counts = {item.name: getattr(context.corpus, item.name) for item in fields}
    return {name: plain(counts[name]) for name in counts if name not in ("rows", "texts")}


def storable(value: Any) -> Any:
    """A plain value in which a number that is none (NaN, infinite) has become null."""
    value = plain(value)
    if isinstance(value, Mapping):
        return {key: storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
