"""What a training run remembers of itself: losses a step, and small arrays now and then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class History:
    """Grows by one entry a step; goes into the checkpoint, so that a resumed run has it all.

    Attributes:
        losses: Every part by name, the mean over the micro batches of a step.
        rates: Learning rate of each step.
        gradient_norms: L2 norm before clipping.
        array_steps: Steps (finished) at which arrays were taken.
        arrays: By name, one array for each of `array_steps`.
        wall_seconds: Time in the loop, over all resumed pieces.
    """

    losses: dict[str, list[float]] = field(default_factory=dict)
    rates: list[float] = field(default_factory=list)
    gradient_norms: list[float] = field(default_factory=list)
    array_steps: list[int] = field(default_factory=list)
    arrays: dict[str, list[np.ndarray]] = field(default_factory=dict)
    wall_seconds: float = 0.0

    def add_step(self, losses: Mapping[str, float], rate: float, gradient_norm: float) -> None:
        """Append one optimiser step."""
        for name, value in losses.items():
            self.losses.setdefault(name, []).append(value)
        self.rates.append(rate)
        self.gradient_norms.append(gradient_norm)

    def add_arrays(self, step: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Append arrays that hold after `step` steps."""
        if not arrays:
            return
        self.array_steps.append(step)
        for name, value in arrays.items():
            self.arrays.setdefault(name, []).append(np.array(value, dtype=np.float32))

    def final_losses(self, window: int = 10) -> dict[str, float]:
        """Mean of each part over the last `window` steps."""
        return {name: float(np.mean(values[-window:])) for name, values in self.losses.items()}

    def scalars(self, step: int) -> dict[str, float]:
        """Everything of one step (from 0) by name: `loss/NAME`, `rate`, `gradient_norm`."""
        content = {f"loss/{name}": values[step] for name, values in self.losses.items()}
        return {**content, "rate": self.rates[step], "gradient_norm": self.gradient_norms[step]}

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Content of `history.npz`.

        `loss_NAME`, `rate` and `gradient_norm` are (steps,); `array_steps` is (m,) and
        `array_NAME` (m, ...).
        """
        content = {f"loss_{name}": np.array(values) for name, values in self.losses.items()}
        content["rate"] = np.array(self.rates)
        content["gradient_norm"] = np.array(self.gradient_norms)
        content["array_steps"] = np.array(self.array_steps, dtype=np.int64)
        content.update({f"array_{name}": np.stack(rows) for name, rows in self.arrays.items()})
        return content

    def state(self) -> dict[str, Any]:
        """Plain content for a checkpoint that is read with `weights_only`."""
        return {
            "losses": {name: list(values) for name, values in self.losses.items()},
            "rates": list(self.rates),
            "gradient_norms": list(self.gradient_norms),
            "array_steps": list(self.array_steps),
            "arrays": {
                name: [torch.from_numpy(row) for row in rows] for name, rows in self.arrays.items()
            },
            "wall_seconds": self.wall_seconds,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> History:
        """The inverse of `state`."""
        content = dict(state)
        content["arrays"] = {
            name: [row.numpy() for row in rows] for name, rows in content["arrays"].items()
        }
        return cls(**content)
