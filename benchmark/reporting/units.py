"""What repeats a measurement: the pre-training seed, or the other seeds where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from benchmark.reporting.select import Result


def unit_of(item: Result, all_runs: Sequence[Result]) -> Hashable:
    """The run that a record belongs to; records of one unit are averaged before anything else.

    With several pre-training seeds a unit is one of them: runs of one checkpoint with other
    subset or head seeds repeat the head, not the method. With one pre-training seed every set of
    seeds is a unit.
    """
    seeds = item.cell["seeds"]
    several = len({one.cell["seeds"].get("pretrain") for one in all_runs} - {None}) > 1
    return seeds.get("pretrain") if several else tuple(sorted(seeds.items(), key=str))
