"""How many different reports a batch can hold, and how well retrieval could do at best.

Two studies with the same true state are false negatives of each other in contrastive learning:
no model can tell which of their reports belongs to which picture.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom.words import degree_index

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from benchmark.phantom.truth import Study


@dataclass(frozen=True)
class BatchStates:
    """Means over drawn batches.

    Attributes:
        batch: Studies in a batch.
        distinct: Distinct states in a batch.
        ceiling: Best possible top-1 accuracy of image-to-report retrieval in a batch.
    """

    batch: int
    distinct: float
    ceiling: float


def report_state(study: Study, *, with_devices: bool = True) -> Hashable:
    """What a report can say of a study: findings, side, zone, degree, size; devices and views.

    Args:
        study: The truth.
        with_devices: Also count devices and the set of views.
    """
    findings = tuple(
        sorted(
            (
                item.name,
                item.side,
                item.zone,
                degree_index(item),
                _size_step(item.name, item.size_cm),
            )
            for item in study.findings
        )
    )
    if not with_devices:
        return findings
    devices = tuple(sorted({device for view in study.views for device in view.devices}))
    return findings, devices, tuple(view.name for view in study.views)


def _size_step(name: str, size_cm: float) -> float:
    """Reports give the size of a mass or nodule to the millimetre."""
    return round(size_cm, 1) if name in ("Mass", "Nodule") else 0.0


def retrieval_ceiling(states: Sequence[Hashable]) -> float:
    """Best expected top-1 accuracy where equal states cannot be told apart: distinct / all."""
    return len(Counter(states)) / len(states) if states else float("nan")


def count_states(
    studies: Sequence[Study],
    batch: int,
    generator: np.random.Generator,
    *,
    batches: int = 50,
    with_devices: bool = True,
) -> BatchStates:
    """Distinct states and the retrieval ceiling in random batches of a set of studies.

    Args:
        studies: From which batches are drawn without repetition inside a batch.
        batch: Studies in a batch; at most all of them.
        generator: Draws the batches.
        batches: How many are averaged.
        with_devices: See `report_state`.
    """
    states = [report_state(study, with_devices=with_devices) for study in studies]
    size = min(batch, len(states))
    counts = [
        len({states[row] for row in generator.choice(len(states), size, replace=False)})
        for _ in range(batches)
    ]
    mean = float(np.mean(counts))
    return BatchStates(size, mean, mean / size)
