"""The project's own Table 6 on hand-made records: forms, paired excess, sweep."""

from __future__ import annotations

import re

import numpy as np
import pytest

from benchmark.interfaces import Metric
from benchmark.recipes import GroundRecipe
from benchmark.registry import CHECKOUT
from benchmark.reporting.comparison import metrics_of
from benchmark.reporting.layout import read_layout
from benchmark.reporting.tables import write_tables

NAMES = ("cnr", "cnr_absolute", "miou", "pointing_game")
FORMS = ("", "/map_only", "/phrase_swapped")
TABLES = CHECKOUT / "leaderboards" / "tables"
DATA = "ms_cxr-phantom-v1-aaaaaaaa"


def samples(shift, count=60):
    rng = np.random.default_rng(0)
    base = rng.normal(size=count)
    ids = np.array([f"pair{number:03d}" for number in range(count)])
    patients = np.array([f"patient{number // 2:03d}" for number in range(count)])
    own = 0.1 * np.random.default_rng(int(10 * shift)).normal(size=count) if shift else 0.0
    arrays = {name: base + shift + own for name in ("cnr", "iou", "pointing_game")}
    return {"ids": ids, "patients": patients, **arrays}


def metrics(value, weights=True):
    found = {
        name + form: Metric(value, interval=(value - 0.1, value + 0.1))
        for name in NAMES
        for form in FORMS
    }
    why = "" if weights else "the method has no patch weights"
    for name in NAMES:
        found[f"{name}/weights_only"] = Metric(0.1 if weights else None, why)
    return found


@pytest.fixture
def text(records, tmp_path):
    noise = np.random.default_rng(1).normal(size=60)
    clip = samples(0.0)
    clip["cnr"] = clip["cnr"] + noise - noise.mean() + 0.001
    task = "ms_cxr_grounding"
    sweep = [
        {"multiple": 1.0, "temperature": 0.3, "validation_cnr": 0.5},
        {"multiple": 2.0, "temperature": 0.6, "validation_cnr": 0.4},
    ]
    chosen = {"weight_temperature": 0.3, "weight_temperature_sweep": sweep}
    records.add(task, "maco", metrics(-0.25), data_id=DATA, samples=samples(0.5), selection=chosen)
    records.add(task, "mae_hr_clip", metrics(0.5, False), data_id=DATA, samples=clip)
    prior = {name: Metric(0.4) for name in NAMES}
    records.add(task, "static_prior", prior, data_id=DATA, samples=samples(0.0))
    pages = write_tables("maco", records.root, tmp_path, "demo", tables=["maco_table6"])
    assert [path.name for path in pages] == ["maco_table6.md", "maco_table6_details.md"]
    return "\n".join(path.read_text(encoding="utf-8") for path in pages)


def split(line):
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip("|"))]


def rows(text, start):
    """Cells by title of the column, one for each line of the first table."""
    lines = text.splitlines()
    titles = next(split(line) for line in lines if line.startswith("| Method "))
    found = [split(line) for line in lines if line.startswith(f"| {start} ")]
    return [dict(zip(titles, row, strict=False)) for row in found]


def test_each_method_stands_in_every_form(text):
    forms = [row["Form"] for row in rows(text, "MaCo")]
    assert forms[:4] == ["weights x map", "map only", "weights only", "phrase swapped"]


def test_cnr_is_signed_and_never_scaled(text):
    row = rows(text, "MaCo")[0]
    assert row["CNR"] == "−0.250 [−0.350, −0.150]"
    assert row["CNR, published"].startswith("+1.144 (text)")


def test_percent_in_the_paper_becomes_our_fraction(text):
    assert rows(text, "MaCo")[0]["mIoU, paper's rule, published"].startswith("0.255 (text)")


def test_paired_excess_and_its_verdict(text):
    title = "CNR over static_prior"
    own = 0.1 * np.random.default_rng(5).normal(size=60)
    told = re.match(r"\+(0\.\d{3}) \[\+0\.4\d+, \+0\.5\d+\] higher", rows(text, "MaCo")[0][title])
    assert float(told[1]) == pytest.approx(0.5 + own.mean(), abs=6e-4)
    assert rows(text, "MAE + HR + CLIP")[0][title].endswith("unresolved")
    assert rows(text, "*static_prior* (prior)")[0][title] == "–"


def test_form_without_weights_says_why(text):
    row = next(row for row in rows(text, "MAE + HR + CLIP") if row["Form"] == "weights only")
    assert row["CNR"].startswith("undefined [")
    assert "the method has no patch weights" in text


def test_sweep_marks_the_chosen_temperature(text):
    section = text.split("CNR on validation")[1]
    marks = ["yes" in line for line in section.splitlines() if "p0" in line]
    assert marks == [True, False]


def test_layouts_ask_for_metrics_that_the_metrics_modules_give():
    from benchmark.metrics.grounding import score

    ids = np.array([f"pair{number}" for number in range(8)])
    predictions = {
        "ids": ids,
        "patients": ids,
        "split": np.array(["validation"] * 2 + ["test"] * 6),
        "category": np.array(["Edema", "Pneumonia"] * 4),
        "grid": np.array([4, 4]),
        "frame": np.array([32]),
        "boxes": np.tile([4.0, 4.0, 12.0, 12.0], (8, 1)),
        "box_pair": np.arange(8),
        "similarities": np.random.default_rng(0).normal(size=(8, 16)),
        "similarities_swapped": np.random.default_rng(1).normal(size=(8, 16)),
        "weights": np.random.default_rng(2).normal(size=16),
    }
    scores = score(predictions, GroundRecipe(source="test", frame=32), 0, 10)
    for layout in (read_layout(path) for path in sorted(TABLES.glob("*.toml"))):
        for column in layout.columns:
            if column.task == "ms_cxr_grounding":
                given = metrics_of(column.task) if column.excess_over else scores.metrics
                assert set(column.metrics.values()) <= set(given), layout.name
        for extra in layout.extras:
            if extra.task == "ms_cxr_grounding" and extra.kind != "sweep":
                assert {extra.metric, *extra.metrics.values()} - {""} <= set(scores.metrics)
            elif extra.task == "ms_cxr_grounding":
                (first, *_) = scores.selection[extra.selection]
                assert {*extra.metrics.values(), extra.chosen_field} <= set(first)
                assert extra.chosen in scores.selection
