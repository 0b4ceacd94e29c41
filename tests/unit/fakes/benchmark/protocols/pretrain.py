"""Writes weights that depend on the cell alone."""

from __future__ import annotations

from benchmark.protocols._behaviour import behave

from benchmark.interfaces import Outcome
from benchmark.protocols.context import CellContext

VERSION: int = 1


def run(context: CellContext) -> Outcome:
    """Behave, then write `weights.pt`."""
    behave(context.manifest.root, context.cell.name)
    assert context.corpus is not None
    context.progress("training", 1, 1)
    (context.folder / "weights.pt").write_text(context.cell.key)
    return Outcome(predictions={}, facts={"pairs": len(context.corpus.rows)})
