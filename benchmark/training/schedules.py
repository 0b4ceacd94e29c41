"""Learning rate as a function of the step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class WarmupCosine:
    """Linear warm-up, then half a cosine down to the final rate (MAE, MaCo: by step).

    Step `t` of the warm-up has the rate `peak * (t + 1) / warmup_steps`, so that no step has
    the rate 0 and the last step of the warm-up has the peak.

    Attributes:
        peak: Highest rate, absolute.
        steps: Optimiser steps in all, warm-up included.
        warmup_steps: May be 0.
        final: Rate that the cosine would reach at step `steps`.
    """

    peak: float
    steps: int
    warmup_steps: int = 0
    final: float = 0.0

    def __post_init__(self) -> None:
        if self.warmup_steps < 0 or self.steps < 0:
            raise ValueError("steps and warmup_steps must not be negative")

    def __call__(self, step: int) -> float:
        """Rate of a step, counted from 0."""
        if step < self.warmup_steps:
            return self.peak * (step + 1) / self.warmup_steps
        length = max(1, self.steps - self.warmup_steps)
        done = min(1.0, (step - self.warmup_steps) / length)
        return self.final + (self.peak - self.final) * 0.5 * (1.0 + math.cos(math.pi * done))


Rate = Callable[[int], float]
"""Step, from 0, to rate."""
