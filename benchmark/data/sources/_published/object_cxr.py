"""Published splits of object-CXR."""

from __future__ import annotations

from benchmark.data.list_facts import SplitRule

SPLITS = {
    "g2d": SplitRule(
        counts={"train": 6_400, "validation": 1_600, "test": 1_000},
        source="G2D (Liu et al. 2024); LoVT (Müller et al. 2022)",
        whole={"test": "validation"},
        note="The dev part is the test part; which fifth of the training images is for validation "
        "is not published.",
    ),
    "mgca": SplitRule(
        counts={"train": 7_200, "validation": 800, "test": 1_000},
        source="MGCA (Wang et al. 2022), official preprocessing",
        whole={"test": "validation"},
        note="The dev part is the test part; a tenth of the training images is for validation.",
    ),
}
