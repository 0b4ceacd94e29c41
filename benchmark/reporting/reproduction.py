"""Was a paper's number reproduced? One rule, the same for every cell of every table.

Let d be measured minus printed, u the half-width of the measured 95 % interval (patients and,
with several pre-training seeds, runs), r half a unit of the last printed digit, and m the
metric's margin: how far apart two values may be and still mean the same
(`leaderboards/published/join.toml`).

- `not measured`: no value.
- `not comparable`: phantom data, a smaller profile, other data, another rule of selection, or a
  split that leaks. Nothing else is said then, whatever the numbers are.
- `differs`: |d| > max(u, m) + r. The interval excludes the printed number, and by more than what
  counts as the same.
- `reproduced`: |d| + u <= m + r. The whole interval lies within the margin.
- `unresolved`: anything else. The measurement is too coarse to say; more patients or more
  pre-training seeds would tell.

Weights that were pre-trained here with one seed show one checkpoint of the method, and its
interval holds no spread between runs: `reproduced` then becomes `unresolved`. Released weights are
the paper's own checkpoint, of which the interval speaks.

A count that no data and no seed enter (multiply-adds of a model) is exact: u is 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmark.reporting.cells import Measured
    from benchmark.reporting.model import Reproduction

NO_INTERVAL = "the measured value has no interval"
NO_MARGIN = "no margin is stated for this metric"
TOO_WIDE = "the measured interval is wider than the margin"
NEAR_EDGE = "the measured interval reaches beyond the margin"
ONE_RUN = "one pre-training seed: the spread between runs is not known"


def reproduction(
    cell: Measured,
    printed: float,
    rounding: float,
    margin: float | None,
    *,
    trained_here: bool,
    incomparable: str = "",
    exact: bool = False,
) -> tuple[Reproduction, str]:
    """Verdict on one printed number, and the reason where it is not plain.

    Args:
        cell: What was measured.
        printed: The paper's number in our unit.
        rounding: Half a unit of its last digit, in our unit.
        margin: Of the metric, in our unit; None gives no verdict but `unresolved`.
        trained_here: The weights were pre-trained here, not released by the authors.
        incomparable: Why the two must not be compared; empty if they may be.
        exact: A count that depends on no data and no seed.
    """
    if cell.value is None:
        return "not measured", ""
    if incomparable:
        return "not comparable", incomparable
    if margin is None:
        return "unresolved", NO_MARGIN
    low, high = (cell.value, cell.value) if exact else cell.interval or (None, None)
    if low is None or high is None:
        return "unresolved", NO_INTERVAL
    distance = abs(cell.value - printed)
    half = (high - low) / 2
    if distance > max(half, margin) + rounding:
        return "differs", ""
    if distance + half > margin + rounding:
        return "unresolved", TOO_WIDE if half > margin else NEAR_EDGE
    if trained_here and not exact and cell.pretraining_seeds == 1:
        return "unresolved", ONE_RUN
    return "reproduced", ""


def rounding_of(text: str, scale: float) -> float:
    """Half a unit of the last printed digit, on the scale of our metric."""
    _, _, decimals = text.partition(".")
    return float(0.5 * 10.0 ** -len(decimals) * scale)
