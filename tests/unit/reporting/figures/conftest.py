"""Hand-made records with predictions, scored by the real metrics, and a small leaderboards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.fingerprint import key_of, plain
from benchmark.interfaces import Metric, Scores
from benchmark.metrics import classification, detection, grounding, segmentation
from benchmark.metrics.mask_runs import MaskRuns
from benchmark.recipes import (
    DetectRecipe,
    FineTuneRecipe,
    GroundRecipe,
    PretrainRecipe,
    Recipe,
    SegmentRecipe,
    ZeroShotRecipe,
)
from benchmark.records import Record, write_record
from benchmark.reporting.figures import canvas
from benchmark.reporting.figures.make import material_of
from benchmark.reporting.figures.material import Material
from benchmark.reporting.figures.model import Drawing, SkippedFigure
from benchmark.reporting.select import load_results
from benchmark.specs import Cell, Seeds

SENTINELS = ("chance", "oracle", "static_prior", "box_prior", "always_full")
LAYOUT = """
paper = "Paper"
paper_table = "Table 1"
title = "all"

[[row]]
title = "Other"
baseline = "mae"

[[row]]
title = "Ours"
baseline = "maco"

[[row]]
title = "random_init"
baseline = "random_init"
role = "floor"

[[row]]
title = "static prior"
baseline = "static_prior"
role = "prior"

[[row]]
title = "box prior"
baseline = "box_prior"
role = "prior"

[[row]]
title = "always full"
baseline = "always_full"
role = "prior"

[[row]]
title = "chance"
baseline = "chance"
role = "sentinel"

[[row]]
title = "oracle"
baseline = "oracle"
role = "sentinel"

[[column]]
title = "excess"
task = "ms_cxr_grounding"
metric = "cnr"
excess_over = "static_prior"
format = "signed_3"
"""
FRAME, GRID = 32, (4, 4)


class Shelf:
    """A results folder that tests fill, with the predictions that were put in."""

    def __init__(self, root: Path, boards: Path) -> None:
        self.root, self.boards = root, boards
        self.generator = np.random.default_rng(7)

    def put(
        self,
        task: str,
        baseline: str,
        recipe: Recipe,
        predictions: dict[str, np.ndarray],
        scores: Any = None,
        *,
        seeds: Seeds | None = None,
        percent: float | None = None,
        variant: str = "maco",
        dataset: str = "ms_cxr",
        data_id: str = "",
        phantom: bool = True,
        redistributable: bool = False,
        kind: str = "evaluate",
        pretrained_by: str = "",
        facts: dict[str, Any] | None = None,
    ) -> Path:
        """Write one record; gives its folder."""
        sentinel = baseline in SENTINELS
        cell = Cell(
            kind=kind,
            task=task,
            variant=variant,
            baseline=baseline,
            profile="demo",
            data_id=data_id or f"{dataset}-{'phantom-v1-' if phantom else ''}aaaaaaaa",
            weights="none" if sentinel else "trained",
            seeds=Seeds() if sentinel else seeds or Seeds(pretrain=0),
            label_percent=percent,
        )
        cell = Cell(**{**cell.__dict__, "key": key_of([plain(cell), plain(recipe)])})
        record = Record(
            cell=cell,
            versions={"task": 1},
            recipe={"kind": type(recipe).__name__, **plain(recipe)},
            data={
                "id": cell.data_id,
                "dataset": dataset,
                "phantom": {"phantom_version": 1} if phantom else None,
                "redistributable": redistributable,
            },
            weights={},
            options={},
            metrics=scores.metrics if scores is not None else {},
            selection=plain(scores.selection) if scores is not None else {},
            pretraining={"key": pretrained_by} if pretrained_by else {},
            facts=facts or {},
        )
        folder = self.root / cell.folder
        samples = dict(scores.per_sample) if scores is not None else {}
        write_record(folder, record, predictions, samples)
        return folder

    def plain_score(
        self, task: str, baseline: str, recipe: Recipe, metric: str, value: float, **more: Any
    ) -> Path:
        """A record of one number with an interval of plus and minus `width`."""
        width = more.pop("width", 0.02)
        scores = Scores({metric: Metric(value, interval=(value - width, value + width), best=1.0)})
        return self.put(task, baseline, recipe, {"ids": np.array(["a"])}, scores, **more)

    def classified(
        self, baseline: str, signal: float, classes: int = 2, change: Any = None, **more: Any
    ) -> dict[str, Any]:
        """Zero-shot scores of 40 validation and 60 test images, and what was made of them."""
        names = np.array(["Mass", "Pleural_Thickening", "Hernia", *map(str, range(40))])[:classes]
        truth = self.generator.integers(0, 2, (100, classes)).astype(float)
        truth[-1] = np.nan
        noise = self.generator.normal(size=truth.shape)
        predictions = {
            "ids": np.array([f"i{number:03d}" for number in range(100)]),
            "patients": np.array([f"p{number // 2}" for number in range(100)]),
            "split": np.array(["validation"] * 40 + ["test"] * 60),
            "classes": names,
            "truth": truth,
            "scores": (signal * np.nan_to_num(truth) + noise).astype(np.float32),
        }
        if change is not None:
            change(predictions)
        recipe = ZeroShotRecipe(source="test")
        scored = classification.score(predictions, recipe, 0, 0)
        more = {"dataset": "nih_cxr14", **more}
        self.put("nih_zero_shot", baseline, recipe, predictions, scored, **more)
        return {**predictions, "scored": scored}

    def grounded(self, baseline: str, gain: float, *, weighted: bool = False, **more: Any) -> Path:
        """Maps of 4 validation and 6 test pairs; `gain` is what the boxes add to noise."""
        ids, boxes = _pairs()
        cells = np.array([_coverage(box) for box in boxes])
        noise = np.random.default_rng(len(baseline)).normal(size=cells.shape)
        predictions = {
            "ids": ids,
            "patients": np.array([f"p{number}" for number in range(10)]),
            "split": np.array(["validation"] * 4 + ["test"] * 6),
            "category": np.array(["Pneumonia", "Lung_Opacity"] * 5),
            "grid": np.array(GRID),
            "frame": np.array([FRAME]),
            "boxes": boxes,
            "box_pair": np.arange(10),
            "similarities": (gain * cells + 0.5 * noise + 1).astype(np.float32),
            "weights": (np.linspace(-0.01, 0.01, 16) if weighted else np.zeros(0)).astype(
                np.float32
            ),
        }
        recipe = more.pop("recipe", GroundRecipe(source="test", frame=FRAME, sentinel_grid=GRID[0]))
        scored = grounding.score(predictions, recipe, 0, 0)
        return self.put("ms_cxr_grounding", baseline, recipe, predictions, scored, **more)

    def segmented(self, baseline: str, shifts: list[int], **more: Any) -> Path:
        """A square of 16 px and one moved to the right, an image for each shift; one is empty."""
        count = len(shifts) + 1
        truth = np.zeros((count, 40, 60), dtype=bool)
        predicted = np.zeros_like(truth)
        for number, shift in enumerate(shifts):
            truth[number, 10:26, 10:26] = True
            predicted[number, 10:26, 10 + shift : 26 + shift] = True
        masks = {"truth": MaskRuns.of(truth), "prediction": MaskRuns.of(predicted)}
        predictions = {
            "ids": np.array([f"s{number}" for number in range(count)]),
            "patients": np.array([f"p{number}" for number in range(count)]),
            "split": np.array(["test"] * count),
            "height": np.full(count, 40),
            "width": np.full(count, 60),
            **{f"{name}_runs": one.runs for name, one in masks.items()},
            **{f"{name}_offsets": one.offsets for name, one in masks.items()},
        }
        recipe = SegmentRecipe(source="test")
        scored = segmentation.score(predictions, recipe, 0, 0)
        more = {"dataset": "siim_acr", "percent": 100.0, **more}
        return self.put("siim_segmentation", baseline, recipe, predictions, scored, **more)

    def detected(self, baseline: str, **more: Any) -> Path:
        """Test: a found box, a found one with a false one, a missed one. Validation: 2 found."""
        truth = np.tile(np.array([[10.0, 20.0, 30.0, 20.0]], dtype=np.float32), (5, 1))
        away = np.array([60.0, 60.0, 10.0, 10.0], dtype=np.float32)
        boxes = np.stack([truth[0], truth[1], truth[2], truth[3], away, away, away])
        predictions = {
            "ids": np.array(["v0", "v1", "t0", "t1", "t2"]),
            "patients": np.array(["a", "b", "c", "d", "e"]),
            "split": np.array(["validation"] * 2 + ["test"] * 3),
            "classes": np.array(["Opacity"]),
            "frames": np.tile([80, 100], (5, 1)),
            "truth_boxes": truth,
            "truth_image": np.arange(5),
            "truth_class": np.zeros(5, dtype=np.int64),
            "boxes": boxes,
            "box_scores": np.array([0.9, 0.4, 0.8, 0.7, 0.6, 0.5, 0.1], dtype=np.float32),
            "box_image": np.array([0, 1, 2, 3, 3, 4, 0]),
            "box_class": np.zeros(7, dtype=np.int64),
        }
        recipe = DetectRecipe(source="test")
        scored = detection.score(predictions, recipe, 0, 0)
        more = {"dataset": "rsna_pneumonia", "percent": 100.0, **more}
        return self.put("rsna_detection", baseline, recipe, predictions, scored, **more)

    def labelled(self, baseline: str, values: dict[float, float], **more: Any) -> None:
        """The AUC of a fine-tuned classifier at several label percents."""
        for percent, value in values.items():
            seeds = more.pop("seeds", Seeds(pretrain=0, subset=0, head=0))
            self.plain_score(
                "rsna_classification", baseline, FineTuneRecipe(source="test"), "auc", value,
                percent=percent, seeds=seeds, dataset="rsna_pneumonia", **more,
            )  # fmt: skip

    def pretrained(self, baseline: str, history: dict[str, np.ndarray], **more: Any) -> Path:
        """A pre-training of 4 epochs in 200 steps, with its history."""
        folder = self.put(
            "pretraining", baseline, PretrainRecipe(source="test"), {}, kind="pretrain",
            dataset="mimic_cxr", facts={"steps": 200, "epochs": 4}, **more,
        )  # fmt: skip
        np.savez(folder / "history.npz", **history)
        return folder

    def material(self, own: str = "maco", **more: Any) -> Material:
        """What figures of this folder are made from."""
        results = load_results(self.root, "demo")
        return material_of(results, self.root, "demo", own=own, leaderboards=self.boards, **more)


def _pairs() -> tuple[np.ndarray, np.ndarray]:
    ids = np.array([f"i{number}#0" for number in range(10)])
    corners = np.array([[(number * 5) % 20, (number * 7) % 20] for number in range(10)])
    sides = np.full((10, 2), 10)
    return ids, np.concatenate([corners, sides], axis=1).astype(np.float32)


def _coverage(box: np.ndarray) -> np.ndarray:
    x, y, w, h = box.astype(int)
    inside = np.zeros((FRAME, FRAME))
    inside[y : y + h, x : x + w] = 1
    return inside.reshape(4, 8, 4, 8).mean(axis=(1, 3)).ravel()


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An empty results folder and leaderboards with one table."""
    boards = tmp_path / "boards"
    (boards / "tables").mkdir(parents=True)
    (boards / "suites").mkdir()
    (boards / "tables" / "small.toml").write_text(LAYOUT, encoding="utf-8")
    (boards / "suites" / "small.toml").write_text('tables = ["small"]', encoding="utf-8")
    return Shelf(tmp_path / "results", boards)


@pytest.fixture
def drawn() -> Iterator[Callable[[Any, Material], list[Any]]]:
    """Draws the figures of one kind: pairs of drawing and matplotlib figure, or what is skipped."""

    def draw(module: Any, material: Material) -> list[Any]:
        found: list[Any] = []
        for item in module.drawings(material):
            if isinstance(item, SkippedFigure):
                found.append(item)
            else:
                assert isinstance(item, Drawing)
                found.append((item, item.draw()))
        return found

    with canvas.style():
        yield draw
