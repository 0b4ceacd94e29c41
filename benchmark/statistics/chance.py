"""Do the sentinels stand where they must? A table whose sentinels fail is broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

FAMILY_LEVEL = 0.001
SMALLEST_LIMIT = 4.0
EXACT = 1e-9


@dataclass(frozen=True)
class SentinelResult:
    """One sentinel's score of one metric.

    Attributes:
        name: Shown in the message, such as `rsna_zero_shot/chance/auc`.
        kind: `chance` must lie near `expected`; `oracle` must equal it.
        value: The score, or None where undefined.
        expected: Chance level, or best value.
        standard_error: Of the mean over draws; for `chance` only.
        draws: Draws behind the standard error.
    """

    name: str
    kind: Literal["chance", "oracle"]
    value: float | None
    expected: float
    standard_error: float | None = None
    draws: int = 200


@dataclass(frozen=True)
class SentinelVerdict:
    """Whether a family of sentinel results holds, and what does not."""

    holds: bool
    failures: tuple[str, ...]
    limit_standard_errors: float


def limit_standard_errors(
    results: int, draws: int = 200, family_level: float = FAMILY_LEVEL
) -> float:
    """Allowed distance from chance in standard errors.

    Four, or more where a family of `results` two-sided tests at `family_level` altogether
    (Bonferroni, Student's t with draws - 1 degrees) asks for more. Intervals of 95 % would break
    one sound table in twenty.
    """
    if results < 1:
        return SMALLEST_LIMIT
    needed = float(stats.t.isf(family_level / (2 * results), max(1, draws - 1)))
    return max(SMALLEST_LIMIT, needed)


def examine_sentinels(
    results: Sequence[SentinelResult], family_level: float = FAMILY_LEVEL
) -> SentinelVerdict:
    """Test all sentinel results of a table as one family."""
    tests = [item for item in results if item.kind == "chance"]
    widest = SMALLEST_LIMIT
    failures = []
    for item in results:
        limit = limit_standard_errors(len(tests), item.draws, family_level)
        if item.kind == "chance":
            widest = max(widest, limit)
        failure = _failure(item, limit)
        if failure:
            failures.append(failure)
    return SentinelVerdict(not failures, tuple(failures), widest)


def _failure(item: SentinelResult, limit: float) -> str:
    if item.value is None:
        return f"{item.name}: undefined"
    distance = abs(item.value - item.expected)
    if item.kind == "oracle":
        return "" if distance <= EXACT else f"{item.name}: {item.value:.6g}, not {item.expected:g}"
    if item.standard_error is None:
        return f"{item.name}: no standard error"
    if distance <= max(limit * item.standard_error, EXACT):
        return ""
    return (
        f"{item.name}: {item.value:.6g} is more than {limit:.1f} standard errors "
        f"({item.standard_error:.2g}) from {item.expected:g}"
    )
