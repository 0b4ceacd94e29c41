"""Hand-made records and a small leaderboards folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmark.fingerprint import key_of, plain
from benchmark.interfaces import Metric
from benchmark.records import Record, write_record
from benchmark.specs import Cell, Seeds

if TYPE_CHECKING:
    from pathlib import Path

LAYOUT = """
paper = "Paper"
paper_table = "Table 1"
title = "two tasks"
published = ["paper_table1"]
notes = ["A note."]

[[row]]
title = "Ours"
baseline = "maco"
published = "OURS"

[[row]]
title = "Other"
published = "OTHER"

[[row]]
title = "chance"
baseline = "chance"
role = "sentinel"
check = "chance"

[[row]]
title = "oracle"
baseline = "oracle"
role = "sentinel"
check = "best"

[[row]]
title = "random_init"
baseline = "random_init"
role = "floor"

[[column]]
title = "RSNA"
task = "rsna_zero_shot"
metric = "auc"
format = "percent_1"
published = { metric = "AUC", dataset = "RSNA Pneumonia", labels = "0" }
paper_recipe = { split = "maco_lists" }

[[column]]
title = "CNR"
task = "ms_cxr_grounding"
metric = "cnr"
format = "signed_3"

[[extra]]
kind = "per_class"
title = "By class"
task = "rsna_zero_shot"
metric = "auc"
format = "percent_1"
"""
PUBLISHED = """\
paper,table,task,dataset,method,labels_percent,class,metric,value,unit,status,source
Paper,Table 1,zero-shot classification,RSNA Pneumonia,OURS,0,,AUC,90.50,percent,text,running text
Paper,Table 1,zero-shot classification,RSNA Pneumonia,OTHER,0,,AUC,80.42,percent,printed,table
"""
JOIN = """
[method.paper]
OURS = "maco"
OTHER = ""

[metric.AUC]
ours = ["auc"]
scale = { percent = 0.01 }
"""


@pytest.fixture
def leaderboards(tmp_path: Path) -> Path:
    """A folder with one layout, one CSV and a join file."""
    root = tmp_path / "boards"
    (root / "tables").mkdir(parents=True)
    (root / "published").mkdir()
    (root / "suites").mkdir()
    (root / "suites" / "small.toml").write_text('tables = ["small"]', encoding="utf-8")
    (root / "tables" / "small.toml").write_text(LAYOUT, encoding="utf-8")
    (root / "published" / "paper_table1.csv").write_text(PUBLISHED, encoding="utf-8")
    (root / "published" / "join.toml").write_text(JOIN, encoding="utf-8")
    return root


class Records:
    """Writes records into a results folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(
        self,
        task: str,
        baseline: str,
        metrics: dict[str, Metric],
        *,
        seeds: Seeds | None = None,
        profile: str = "demo",
        data_id: str = "rsna_pneumonia-phantom-v1-aaaaaaaa",
        percent: float | None = None,
        options: dict[str, Any] | None = None,
        recipe: dict[str, Any] | None = None,
        selection: dict[str, Any] | None = None,
        samples: dict[str, np.ndarray] | None = None,
        variant: str = "maco",
        versions: dict[str, int] | None = None,
        weights: str = "",
        leaks: dict[str, Any] | None = None,
        pretrained_on: str = "",
        pretraining_key: str = "",
    ) -> Path:
        sentinel = baseline in ("chance", "oracle", "static_prior")
        cell = Cell(
            kind="evaluate",
            task=task,
            variant=variant,
            baseline=baseline,
            profile=profile,
            data_id=data_id,
            weights=weights or ("none" if sentinel else "trained"),
            seeds=Seeds() if sentinel else seeds or Seeds(pretrain=0),
            label_percent=percent,
            options=options or {},
        )
        versions = versions or {"task": 1}
        key = key_of([plain(cell), versions, recipe, pretrained_on])
        cell = Cell(**{**cell.__dict__, "key": key})
        record = Record(
            cell=cell,
            versions=versions,
            recipe=recipe or {"split": "maco_lists"},
            data={"id": data_id},
            options=options or {},
            weights={},
            metrics=metrics,
            leaks=leaks or {},
            pretraining={
                name: value
                for name, value in (("data_id", pretrained_on), ("key", pretraining_key))
                if value
            },
            selection=selection or {},
            provenance={"commit": "0123456789abcdef", "dirty": False, "command": "secret"},
        )
        folder = self.root / cell.folder
        write_record(folder, record, {"ids": np.array(["a"])}, samples)
        return folder

    def sentinels(self, task: str = "rsna_zero_shot", **more: Any) -> None:
        """An oracle and a chance that hold."""
        self.add(task, "oracle", {"auc": Metric(1.0, best=1.0, chance=0.5)}, **more)
        self.add(
            task,
            "chance",
            {"auc": Metric(0.501, interval=(0.499, 0.503), best=1.0, chance=0.5)},
            selection={"standard_error": {"auc": 0.001}, "draws": {"auc": 200}},
            **more,
        )


@pytest.fixture
def records(tmp_path: Path) -> Records:
    """An empty results folder to fill."""
    return Records(tmp_path / "results")
