"""Published splits of CheXpert."""

from __future__ import annotations

from benchmark.data.list_facts import ListFacts, SplitRule

SPLITS = {
    "maco": SplitRule(
        counts={"train": 218_414, "validation": 5_000, "test": 234},
        source="MaCo and MRM (Zhou et al. 2023), by the sizes of their lists",
        whole={"test": "valid"},
        column="part",
        note="The official validation part is the test part. The published validation list shares "
        "patients with the training lists; here whole patients are held out.",
    ),
    "g2d": SplitRule(
        counts={"train": 186_027, "validation": 5_000, "test": 202},
        source="G2D (Liu et al. 2024), after MGCA and GLoRIA",
        whole={"test": "valid"},
        column="part",
        view="frontal",
        note="Frontal images only; the official validation part is the test part.",
    ),
    "g2d_zero_shot": SplitRule(
        counts={"validation": 200, "test": 500},
        source="G2D (Liu et al. 2024), after CheXzero (Tiu et al. 2022)",
        whole={"train": "train", "validation": "valid", "test": "test"},
        column="part",
        view="frontal",
        one_a_study=True,
        note="The first frontal image of each study of the official test part. The papers take "
        "their threshold from it; here that of the official validation part stands beside.",
    ),
}

FACTS = ListFacts(folder="CheXpert")
