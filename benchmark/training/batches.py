"""Which samples stand in which batch: a pure function of seed, epoch and step.

Nothing is consumed, so training continues at any step without replaying random numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmark.errors import UsageError
from benchmark.seeds import generator_from, seed_from

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True)
class BatchPlan:
    """Micro batches of a training run.

    The micro batches of all epochs form one stream, of which each optimiser step takes exactly
    `accumulation`. A step may therefore straddle two epochs; no leftover makes an extra step.

    Attributes:
        samples: Size of the training set.
        batch_size: Samples a micro batch.
        seed_axes: Named axes of the order; never the baseline's name.
        accumulation: Micro batches an optimiser step.
        drop_last: Leave out the incomplete batch at the end of an epoch. Pre-training does,
            because the contrastive loss depends on the batch size; other samples are left out
            in the next epoch. Fine-tuning keeps it.
    """

    samples: int
    batch_size: int
    seed_axes: tuple[object, ...]
    accumulation: int = 1
    drop_last: bool = False
    _orders: dict[int, np.ndarray] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.accumulation < 1:
            raise UsageError("Batch size and accumulation must be at least 1.")
        if self.batches_per_epoch < 1:
            raise UsageError(
                f"{self.samples} samples do not fill one batch of {self.batch_size}.",
                remedy="Use a smaller batch or more data.",
            )

    @property
    def batches_per_epoch(self) -> int:
        """Micro batches in one pass over the set."""
        if self.drop_last:
            return self.samples // self.batch_size
        return -(-self.samples // self.batch_size)

    def steps_for(self, epochs: float) -> int:
        """Whole optimiser steps in so many epochs; at least one, unless `epochs` is 0."""
        if epochs <= 0:
            return 0
        return max(1, int(epochs * self.batches_per_epoch / self.accumulation + 1e-9))

    def rows(self, step: int, micro_step: int = 0) -> np.ndarray:
        """Positions in the training set, (B,) int64, of one micro batch."""
        if not 0 <= micro_step < self.accumulation:
            raise IndexError(f"micro step {micro_step} of {self.accumulation}")
        stream = step * self.accumulation + micro_step
        epoch, position = divmod(stream, self.batches_per_epoch)
        start = position * self.batch_size
        return self._order(epoch)[start : start + self.batch_size]

    def numpy_generator(self, purpose: str, step: int, micro_step: int = 0) -> np.random.Generator:
        """The generator of one micro batch for a named purpose, such as `sentences`."""
        return generator_from(*self.seed_axes, purpose, step, micro_step)

    def torch_generator(self, purpose: str, step: int, micro_step: int = 0) -> torch.Generator:
        """The same as a CPU `torch.Generator`."""
        import torch

        seed = seed_from(*self.seed_axes, purpose, step, micro_step)
        return torch.Generator().manual_seed(seed)

    def _order(self, epoch: int) -> np.ndarray:
        if epoch not in self._orders:
            while len(self._orders) > 1:
                self._orders.pop(min(self._orders))
            self._orders[epoch] = generator_from(*self.seed_axes, "order", epoch).permutation(
                self.samples
            )
        return self._orders[epoch]
