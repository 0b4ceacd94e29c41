"""Hand-made pages and records for the report: small, with every kind of cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.fingerprint import key_of, plain
from benchmark.interfaces import Metric
from benchmark.metrics.ranking import rank_auc
from benchmark.records import Record, to_dict, write_record
from benchmark.reporting.cells import Measured
from benchmark.reporting.model import Beside, Head, Line, Sheet, TableCell, TablePage
from benchmark.reporting.select import Result
from benchmark.specs import Cell, Seeds

if TYPE_CHECKING:
    from pathlib import Path

CASES = 120
CLASSES = ("Effusion", "Pneumonia")
DATA_ID = "rsna_pneumonia-real-aaaaaaaa"
PHANTOM_ID = "rsna_pneumonia-phantom-v1-bbbbbbbb"


def value(number: float, low: float = 0.0, high: float = 1.0, **more: Any) -> Measured:
    """A measured value with an interval and one pre-training seed."""
    return Measured("value", number, (low, high), seeds={"pretrain": (0,)}, **more)


def head(title: str = "AUC", **more: Any) -> Head:
    """A column of percents of one task."""
    named = {"task": "rsna_zero_shot", "variant": "maco", "data_id": DATA_ID, "labels": "all"}
    return Head(title, "percent_1", **{**named, "metric": "auc", **more})


def line(title: str, *cells: TableCell, role: Any = "method", baseline: str = "maco") -> Line:
    """A row with its name and its seeds."""
    return Line((title, "p0"), cells, role, baseline)


def sheet(*lines: Line, heads: tuple[Head, ...] = (), **more: Any) -> Sheet:
    """A sheet of methods; one AUC column where no heads are given."""
    return Sheet("", ("Method", "Seeds"), heads or (head(),), lines, **more)


def page(*sheets: Sheet, name: str = "small", **more: Any) -> TablePage:
    """A page of real data."""
    fields = {
        "name": name,
        "title": "zero-shot classification, AUC",
        "paper": "Paper",
        "paper_table": "Table 1",
        "suite": "small",
        "profile": "paper",
        "command": "maco-bench tables --suite small",
        "phantom": False,
        "header": (f"Data: `{DATA_ID}`",),
    }
    return TablePage(sheets=sheets, **{**fields, **more})  # type: ignore[arg-type]


def compared_sheet(reason: str = "") -> Sheet:
    """Four published cells: reproduced, differs, not comparable and not measured."""
    sides = (
        Beside("91.5", "printed", 0.915, 0.002, "reproduced"),
        Beside("80.4", "text", 0.804, -0.104, "differs"),
        Beside("70.0", "copied", 0.7, None, "not comparable", reason or "other images"),
        Beside("60.0", "printed", 0.6, None, "not measured"),
    )
    cells = (value(0.917), value(0.7), value(0.72), Measured("not_run"))
    titles = ("MaCo", "MRM", "CLIP", "M3AE")
    return sheet(
        *(
            line(title, TableCell(cell, side, keys=(title,) if cell.value else ()))
            for title, cell, side in zip(titles, cells, sides, strict=True)
        )
    )


class Results:
    """Writes records of single-sample scores into a results folder."""

    def __init__(self, root: Path, profile: str = "paper") -> None:
        self.root, self.profile = root, profile

    def classification(
        self, baseline: str, quality: float, seed: int = 0, data_id: str = DATA_ID, **more: Any
    ) -> Result:
        """A zero-shot record whose scores follow the truth by `quality`."""
        shared = np.random.default_rng(7)
        truth = (shared.random((CASES, 2)) < 0.5).astype(float)
        noise = np.random.default_rng([seed, *baseline.encode()]).normal(size=truth.shape)
        scores = quality * truth + noise
        by_class = {
            name: float(rank_auc(truth[:, column], scores[:, column]))
            for column, name in enumerate(CLASSES)
        }
        mean = float(np.mean(list(by_class.values())))
        metrics = {
            "auc": Metric(
                mean,
                interval=(mean - 0.05, mean + 0.05),
                per_class=by_class,
                interval_per_class={name: None for name in CLASSES},
                best=1.0,
                chance=0.5,
                n=2,
            ),
            "average_precision": Metric(None, why="no positive case", per_class={}, best=1.0),
        }
        samples = {
            "ids": np.array([f"image-{row:03d}" for row in range(CASES)]),
            "patients": np.array([f"{row // 2:016x}" for row in range(CASES)]),
            "truth": truth,
            "scores": scores,
        }
        fields = {"samples": samples, "selection": {"class_names": list(CLASSES)}, **more}
        return self.add("rsna_zero_shot", baseline, metrics, seed=seed, data_id=data_id, **fields)

    def add(
        self,
        task: str,
        baseline: str,
        metrics: dict[str, Metric],
        *,
        seed: int = 0,
        kind: Any = "evaluate",
        data_id: str = DATA_ID,
        depends_on: str = "",
        recipe: dict[str, Any] | None = None,
        samples: dict[str, np.ndarray] | None = None,
        percent: float | None = None,
        **fields: Any,
    ) -> Result:
        """Any record."""
        sentinel = baseline in ("chance", "oracle", "static_prior")
        cell = Cell(
            kind=kind,
            task=task,
            variant="maco",
            baseline=baseline,
            profile=self.profile,
            data_id=data_id,
            weights="none" if sentinel else "trained",
            seeds=Seeds() if sentinel else Seeds(pretrain=seed),
            label_percent=percent,
            depends_on=depends_on,
        )
        cell = Cell(**{**cell.__dict__, "key": key_of([plain(cell)])})
        phantom: dict[str, Any] = {"phantom_version": 1} if "phantom" in data_id else {}
        record = Record(
            cell=cell,
            versions={"task": 1, "metrics": 2},
            recipe=recipe or {"kind": "ZeroShotRecipe", "split": "maco_lists", "source": "Paper"},
            data={
                "id": data_id,
                "dataset": "rsna_pneumonia",
                "release": "stage 2",
                "phantom": phantom or None,
                "redistributable": False,
                "partial": 0,
            },
            weights={"source": "trained", "checksum": "c" * 64},
            metrics=metrics,
            **{
                "options": {"mask_ratio": 0.5},
                "provenance": {
                    "commit": "0123456789abcdef",
                    "dirty": False,
                    "device": "cpu",
                    "libraries": {"numpy": "2.0"},
                    "command": "run_all.py --suite small",
                },
                "timing": {"wall_seconds": 1.5},
                **fields,
            },
        )
        folder = self.root / cell.folder
        record = write_record(folder, record, {"ids": np.array(["a"])}, samples)
        return Result(folder, to_dict(record))


def keyed(*results: Result) -> tuple[str, ...]:
    """Keys of some records' cells, sorted."""
    return tuple(sorted(str(item.cell["key"]) for item in results))
