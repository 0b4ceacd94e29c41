"""Published splits of COVID Rural."""

from __future__ import annotations

from benchmark.data.list_facts import SplitRule

SPLITS = {
    "lovt": SplitRule(
        counts={"train": 133, "validation": 44, "test": 44},
        source="LoVT (Müller et al. 2022)",
        pool="",
        note="LoVT's lists are by patient, too (63, 23 and 18 of them), but other ones. MaCo "
        "publishes neither lists nor counts.",
    ),
}
