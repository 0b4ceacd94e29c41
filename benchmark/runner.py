"""One cell in, one record out. A failed cell leaves its trace and never stops the others."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark import records, registry
from benchmark.cells import Resolved, resolve
from benchmark.errors import MacoBenchError, MissingDataError, NotApplicable
from benchmark.fingerprint import key_of
from benchmark.interfaces import Outcome, Progress, Scores
from benchmark.provenance import peak_memory_mib, provenance
from benchmark.recipes import PretrainRecipe
from benchmark.recording import make_record, storable
from benchmark.seeds import seed_from
from benchmark.specs import Cell, State
from benchmark.states import PlannedCell, stale_folders
from benchmark.training.log import FOLDER as LOGS
from benchmark.training.log import logging_to
from benchmark.workshop import Workshop

if TYPE_CHECKING:
    from benchmark.protocols.context import CellContext

log = logging.getLogger(__name__)


def attempt_cell(planned: PlannedCell, workshop: Workshop, progress: Progress) -> tuple[State, str]:
    """Run a cell and keep whatever goes wrong inside it.

    Returns:
        `done`; `blocked` with the missing data; `not_applicable` with what only the data could
        tell; or `failed` with the last line of the trace, which is stored whole in `failed.json`.
    """
    folder = workshop.settings.results / planned.cell.folder
    try:
        run_cell(planned, workshop, progress)
    except MissingDataError as error:
        return "blocked", str(error)
    except NotApplicable as error:
        return "not_applicable", str(error)
    except Exception as error:
        cause = str(error) if isinstance(error, MacoBenchError) else _last_line(error)
        corpus = workshop.settings.corpus
        write_failure(folder, planned.cell, corpus, cause, traceback.format_exc())
        return "failed", cause
    return "done", ""


def _last_line(error: Exception) -> str:
    return traceback.format_exception_only(error)[-1].strip()


def write_failure(folder: Path, cell: Cell, corpus: str, cause: str, trace: str) -> None:
    """Store why a cell failed; its next record removes the file."""
    content = {
        "schema": 1,
        "cell": cell.name,
        "key": cell.key,
        # Of weights that were trained here; others have none, or one that nobody knows.
        "corpus": corpus if cell.weights == "trained" else "",
        "cause": cause,
        "trace": trace,
    }
    text = json.dumps(content, indent=1)
    records.write_atomically(folder / records.FAILED_FILE, text.encode() + b"\n")


def run_cell(planned: PlannedCell, workshop: Workshop, progress: Progress) -> records.Record:
    """Run one cell from specs to stored record.

    Args:
        planned: The cell with the key of its data.
        workshop: The worker's stores and model.
        progress: Told how far it is.

    Raises:
        MissingDataError: Data went away since the plan was made.
    """
    started = time.perf_counter()
    cell, settings = planned.cell, workshop.settings
    resolved = resolve(cell.task, cell.variant, cell.baseline, settings)
    folder = settings.results / cell.folder
    folder.mkdir(parents=True, exist_ok=True)
    device = _device(resolved, settings.device)
    context = make_context(planned, resolved, workshop, progress, device)
    protocol = registry.protocol_module(resolved.task.protocol)
    with logging_to(settings.log, settings.results / LOGS / cell.folder):
        outcome: Outcome = protocol.run(context)
    scores = _scores(cell, resolved, outcome)
    record = make_record(planned, resolved, context, outcome, scores, workshop)
    timing = {
        **storable(outcome.timing),
        "wall_seconds": round(time.perf_counter() - started, 3),
        "peak_memory_mib": peak_memory_mib(),
    }
    made_with = provenance(device, resolved.profile.threads)
    record = dataclasses.replace(record, provenance=made_with, timing=timing)
    older = stale_folders(cell, settings, planned.pretraining_data)
    record = records.write_record(folder, record, outcome.predictions, scores.per_sample)
    for stale in older:
        (stale / records.RECORD_FILE).replace(stale / records.OLD_RECORD_FILE)
    return record


def _device(resolved: Resolved, wish: str) -> str:
    if resolved.baseline.kind == "sentinel" or wish == "cpu":
        return "cpu"
    from benchmark.training.device import choose_device

    return str(choose_device(wish))


def make_context(
    planned: PlannedCell,
    resolved: Resolved,
    workshop: Workshop,
    progress: Progress,
    device: str,
) -> CellContext:
    """Everything a protocol gets; the store and the model open when they are first used."""
    from benchmark.protocols.context import CellContext

    cell, settings = planned.cell, workshop.settings
    pretraining = cell.kind == "pretrain"
    dataset = settings.corpus if pretraining else resolved.task.dataset
    corpus = _corpus(resolved, workshop) if pretraining else None
    module = registry.baseline_module(cell.baseline)

    def representation() -> Any:
        if corpus is None:
            return workshop.trained_model(cell, resolved, device)
        return workshop.initial_model(cell, resolved, lambda: corpus.texts, device)

    return CellContext(
        cell=cell,
        task=resolved.task,
        recipe=resolved.recipe,
        baseline=resolved.baseline,
        profile=resolved.profile,
        folder=settings.results / cell.folder,
        manifest=workshop.catalogue.manifest(dataset),
        rows=_rows(cell, resolved, corpus, workshop),
        store=lambda: workshop.store(dataset, resolved.store_side, progress),
        representation=representation,
        predict=module.predict if resolved.baseline.kind == "sentinel" else None,
        corpus=corpus,
        hash_patients=lambda patients: hashed_patients(patients, planned.data_key),
        progress=progress,
        device=device,
        threads=resolved.profile.threads,
    )


def _corpus(resolved: Resolved, workshop: Workshop) -> Any:
    from benchmark.data.corpus import read_corpus

    assert isinstance(resolved.recipe, PretrainRecipe)
    excluded = workshop.catalogue.exclusions(resolved.recipe)
    manifest = workshop.catalogue.manifest(workshop.settings.corpus)
    return read_corpus(manifest, resolved.recipe, excluded.by_task, excluded.unread_splits)


def _rows(cell: Cell, resolved: Resolved, corpus: Any, workshop: Workshop) -> Any:
    if corpus is not None:
        import numpy as np

        from benchmark.data.splits import SplitRows

        none = np.zeros(0, dtype=np.int64)
        return SplitRows(np.asarray(corpus.rows), none, none, source="corpus")
    return workshop.catalogue.rows(
        resolved.task.dataset, resolved.recipe, cell.label_percent, cell.seeds.subset or 0
    )


def hashed_patients(patients: Any, data_key: str) -> Any:
    """Salted hashes of patient names, fixed-width text.

    The salt is the key of the data set as it lies on the disk: equal for all baselines and all
    runs on the same data (so that paired tests can join), different between data sets, and not
    to be had without the credentialed files themselves.
    """
    import numpy as np

    return np.array([key_of([data_key, str(name)])[:16] for name in patients], dtype="U16")


def _scores(cell: Cell, resolved: Resolved, outcome: Outcome) -> Scores:
    task = resolved.task
    if not task.metrics:
        return Scores(metrics={})
    module = registry.metrics_module(task.metrics)
    seed = seed_from("score", cell.task, cell.variant)
    scores: Scores = module.score(
        outcome.predictions, resolved.recipe, seed, resolved.profile.bootstrap_replicates
    )
    return scores
