"""Published splits of COVIDx."""

from __future__ import annotations

from benchmark.data.list_facts import SplitRule

SPLITS = {
    "g2d": SplitRule(
        counts={"train": 23_988, "validation": 5_998, "test": 400},
        source="G2D (Liu et al. 2024), after MGCA",
        whole={"test": "test"},
        note="A fifth of the training list is for validation. The source draws images (its rule "
        "is the list `mgca_lists`); here whole patients are held out.",
    ),
}
