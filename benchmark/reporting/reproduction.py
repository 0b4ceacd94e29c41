"""Was a paper's number reproduced? One rule, the same for every cell of every table.

Let d be measured minus printed, [l, h] the measured 95 % interval (patients and, with several
seeds, runs), r half a unit of the last printed digit, and m the metric's margin: how far apart two
values may be and still mean the same (`leaderboards/published/join.toml`).

- `not measured`: no value.
- `not comparable`: phantom data, a smaller profile, other data, another recipe than the
  protocol's, or a split that leaks. Nothing else is said then, whatever the numbers are.
- `differs`: the printed number lies outside [l - r, h + r], and |d| > m + r: by more than what
  counts as the same.
- `reproduced`: [l, h] lies within m + r of the printed number.
- `unresolved`: anything else. The measurement is too coarse to say; more patients or more
  pre-training seeds would tell.

One pre-training run shows one checkpoint of the method, and its interval holds no spread between
runs: `reproduced` and `differs` then become `unresolved`. So they do for a file of weights, unless
`leaderboards/published/join.toml` names its checksum as a release of the authors: then it is the
paper's own checkpoint, of which the interval speaks.

A count that no data and no seed enter (multiply-adds of a model) is exact: l = h.
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
ONE_FILE = "one file of weights that no list of releases names: it may be any run"


def reproduction(
    cell: Measured,
    printed: float,
    rounding: float,
    margin: float | None,
    *,
    single_run: str = "",
    incomparable: str = "",
    exact: bool = False,
) -> tuple[Reproduction, str]:
    """Verdict on one printed number, and the reason where it is not plain.

    Args:
        cell: What was measured.
        printed: The paper's number in our unit.
        rounding: Half a unit of its last digit, in our unit.
        margin: Of the metric, in our unit; None gives no verdict but `unresolved`.
        single_run: Why the weights are those of a single run; empty if they are not, or are the
            authors' own.
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
    allowed = margin + rounding
    outside = printed < low - rounding or printed > high + rounding
    differs = outside and abs(cell.value - printed) > allowed
    within = printed - allowed <= low and high <= printed + allowed
    if not differs and not within:
        return "unresolved", TOO_WIDE if high - low > 2 * allowed else NEAR_EDGE
    if single_run and not exact:
        return "unresolved", single_run
    return "differs" if differs else "reproduced", ""


def rounding_of(text: str, scale: float) -> float:
    """Half a unit of the last printed digit, on the scale of our metric."""
    _, _, decimals = text.partition(".")
    return float(0.5 * 10.0 ** -len(decimals) * scale)
