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


@dataclass(frozen=True)
class WarmupLinear:
    """A straight line from the peak to 0, times a linear warm-up.

    mmsegmentation's polynomial policy of power 1: step `t` has the rate `peak * (1 - t / steps)`,
    in the warm-up times `(t + 1) / warmup_steps`, so that no step has the rate 0.

    Attributes:
        peak: Absolute; reached nearly, since the line falls during the warm-up already.
        steps: In all, warm-up included.
        warmup_steps: May be 0.
    """

    peak: float
    steps: int
    warmup_steps: int = 0

    def __call__(self, step: int) -> float:
        """Rate of a step, counted from 0."""
        warm = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        return self.peak * warm * (1.0 - step / max(1, self.steps))


@dataclass(frozen=True)
class WarmupConstant:
    """A linear warm-up, then the peak."""

    peak: float
    warmup_steps: int = 0

    def __call__(self, step: int) -> float:
        """Rate of a step, counted from 0."""
        if step < self.warmup_steps:
            return self.peak * (step + 1) / self.warmup_steps
        return self.peak


Rate = Callable[[int], float]
"""Step, from 0, to rate."""
