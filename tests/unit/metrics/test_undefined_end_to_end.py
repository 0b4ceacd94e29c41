"""An undefined metric is null with its reason, from the predictions to the JSON and the table."""

import json

import numpy as np
import pytest

from benchmark.fingerprint import key_of, plain
from benchmark.metrics import classification
from benchmark.recipes import LinearProbeRecipe
from benchmark.recording import storable
from benchmark.records import Record, read_arrays, read_record, write_record
from benchmark.reporting.tables import write_tables
from benchmark.specs import Cell, Seeds

RECIPE = LinearProbeRecipe(source="test", target="one_of_many")
LAYOUT = """
paper = "Paper"
paper_table = "Table 1"
title = "undefined"
published = []

[[row]]
title = "Ours"
baseline = "maco"

[[column]]
title = "AUC"
task = "covidx_linear"
metric = "auc"
labels = "1"
format = "percent_1"

[[column]]
title = "F1"
task = "covidx_linear"
metric = "f1_validation_threshold"
labels = "1"
format = "percent_1"

[[column]]
title = "Accuracy"
task = "covidx_linear"
metric = "accuracy_argmax"
labels = "1"
format = "percent_1"

[[extra]]
kind = "per_class"
title = "By class"
task = "covidx_linear"
metric = "auc"
labels = "1"
format = "percent_1"
"""


def predictions():
    """Class `never` has no test case, class `unseen` no validation case."""
    rng = np.random.default_rng(0)
    truth = np.zeros((60, 4))
    truth[np.arange(60), rng.integers(0, 2, 60)] = 1
    truth[:5], truth[50:] = np.eye(4)[2], np.eye(4)[3]
    return {
        "ids": np.arange(60).astype(str),
        "patients": np.arange(60).astype(str),
        "split": np.where(np.arange(60) < 20, "validation", "test"),
        "classes": np.array(["a", "b", "never", "unseen"]),
        "truth": truth,
        "scores": rng.random((60, 4)),
    }


@pytest.fixture
def store(tmp_path):
    """Scores predictions and writes them as a record."""

    def write(arrays):
        scores = classification.score(arrays, RECIPE, 0, 50)
        cell = Cell(
            kind="evaluate", task="covidx_linear", variant="g2d", baseline="maco",
            profile="demo", data_id="covidx-phantom-v1-aaaaaaaa", weights="trained",
            seeds=Seeds(0, 0, 0), label_percent=1.0, key=key_of("undefined"),
        )  # fmt: skip
        record = Record(
            cell=cell, versions={"task": 1}, recipe=plain(RECIPE), data={}, weights={},
            options={}, metrics=scores.metrics, selection=storable(scores.selection),
        )  # fmt: skip
        folder = tmp_path / "results" / cell.folder
        write_record(folder, record, arrays, scores.per_sample)
        return folder

    return write


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """Main page and details made from the records."""
    from benchmark.reporting import states

    monkeypatch.setattr(states, "why_absent", lambda task, baseline: None)
    boards = tmp_path / "boards"
    for name in ("tables", "published", "suites"):
        (boards / name).mkdir(parents=True)
    (boards / "suites" / "small.toml").write_text('tables = ["small"]', encoding="utf-8")
    (boards / "tables" / "small.toml").write_text(LAYOUT, encoding="utf-8")
    (boards / "published" / "join.toml").write_text("[method]\n[metric]\n", encoding="utf-8")

    def make():
        out = tmp_path / "out"
        write_tables("small", tmp_path / "results", out, "demo", leaderboards=boards)
        return {path.stem: path.read_text(encoding="utf-8") for path in out.glob("*.md")}

    return make


def test_an_undefined_class_is_null_with_its_reason(store, pages):
    folder = store(predictions())
    text = (folder / "record.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    content = json.loads(text)
    auc = content["metrics"]["auc"]
    assert auc["per_class"]["never"] is None
    assert auc["why_per_class"] == {"never": "no positive case"}
    assert auc["interval_per_class"]["never"] is None
    assert auc["n"] == 3
    f1 = content["metrics"]["f1_validation_threshold"]
    assert f1["why_per_class"] == {
        "never": "no positive case", "unseen": "no positive case in validation",
    }  # fmt: skip
    assert f1["n"] == 2
    assert content["selection"]["f1_thresholds"]["validation"]["unseen"] is None
    assert content["selection"]["f1_thresholds"]["test"]["never"] is None
    balanced = content["metrics"]["balanced_accuracy_argmax"]
    assert (balanced["per_class"]["never"], balanced["n"]) == (None, 3)

    found = pages()
    page, details = found["small"], found["small_details"]
    assert "mean over 3 of 4 classes; undefined: never (no positive case)" in page
    assert (
        "mean over 2 of 4 classes; undefined: never (no positive case), "
        "unseen (no positive case in validation)"
    ) in page
    row = next(line for line in details.splitlines() if line.startswith("| never"))
    assert "undefined" in row
    assert "nan" not in (page + details).lower()


def test_a_metric_without_any_defined_class_is_null_with_its_reason(store, pages):
    arrays = predictions()
    arrays["truth"][:] = 0
    folder = store(arrays)
    record = read_record(folder / "record.json")
    for name, metric in record.metrics.items():
        assert metric.value is None, name
        assert metric.why, name
        assert metric.interval is None
    assert record.metrics["auc"].why == "no positive case"
    assert record.metrics["accuracy_argmax"].why == "no case with exactly one positive class"
    assert json.loads((folder / "record.json").read_text())["metrics"]["auc"]["value"] is None
    assert read_arrays(folder, record.samples)["truth"].shape == (40, 4)
    page = pages()["small"]
    assert page.count("undefined [") == 3
    assert "] no positive case\n" in page
    assert "no case with exactly one positive class" in page
