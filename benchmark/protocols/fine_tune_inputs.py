"""What fine-tuning reads: squares to cut training crops from, and the images that are scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.protocols.classification import training_truth
from benchmark.protocols.features import evaluation_reader
from benchmark.protocols.inputs import InputReader

if TYPE_CHECKING:
    from contextlib import ExitStack

    from benchmark.interfaces import Representation
    from benchmark.protocols.context import CellContext
    from benchmark.protocols.selection import SelectionSet


@dataclass(frozen=True)
class FineTuneInputs:
    """What every candidate of a search trains on.

    Attributes:
        crops: Reader of the squares that training crops are cut from.
        reader: Reader of the images that are scored.
        truth: Training labels, (n, k).
        chosen_by: The selection set.
    """

    crops: InputReader
    reader: InputReader
    truth: np.ndarray
    chosen_by: SelectionSet


def open_inputs(
    context: CellContext,
    representation: Representation,
    chosen_by: SelectionSet,
    stack: ExitStack,
) -> FineTuneInputs:
    """Readers that keep in memory what is read again and again.

    Args:
        context: Of the cell.
        representation: Whose input size is used where the recipe names none.
        chosen_by: Its images are kept, since each evaluation scores them.
        stack: Closes the readers.
    """
    rows = np.asarray(context.rows.train, dtype=np.int64)
    reader = evaluation_reader(context, representation, context.recipe.image_size)
    stack.enter_context(reader)
    reader.preload(chosen_by.rows, context.progress)
    crops = InputReader(
        context.store(),
        max(reader.size, min(context.profile.store_size, 2 * reader.size)),
        context.recipe.geometry,
        context.baseline.image_profile,
        device=context.device,
        threads=context.threads,
    )
    stack.enter_context(crops)
    crops.preload(rows, context.progress)
    return FineTuneInputs(crops, reader, training_truth(context, rows), chosen_by)
