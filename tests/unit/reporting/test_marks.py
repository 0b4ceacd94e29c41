"""The best of a column and its ties, on data that are no phantom."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.interfaces import Metric
from benchmark.reporting.tables import table_pages
from benchmark.specs import Seeds

REAL = {"data_id": "rsna_pneumonia-dddddddd"}
LAYOUT = """
paper = "Paper"
paper_table = "Table 3"
title = "one task"
published = ["paper_table1"]
ablation = ABLATION

[[row]]
title = "Ours"
baseline = "maco"
published = "OURS"
[row.facts]
Epochs = "30"

[[row]]
title = "Other"
baseline = "mae_clip"

[[row]]
title = "random_init"
baseline = "random_init"
role = "floor"

[[column]]
title = "RSNA"
task = "rsna_zero_shot"
metric = "auc"
format = "percent_1"
"""


def samples(strength, count=300):
    rng = np.random.default_rng(0)
    truth = (rng.random((count, 1)) < 0.4).astype(float)
    noise = rng.normal(size=(count, 1))
    own = np.random.default_rng(int(100 * strength)).normal(size=(count, 1))
    return {
        "ids": np.array([f"i{number:03d}" for number in range(count)]),
        "patients": np.array([f"p{number:03d}" for number in range(count)]),
        "truth": truth,
        "scores": truth * strength + noise + 0.2 * own,
    }


@pytest.fixture
def page(records, leaderboards, monkeypatch):
    from benchmark.reporting import states

    monkeypatch.setattr(states, "why_absent", lambda task, baseline: None)

    def make(ablation="false", layout=LAYOUT):
        text = layout.replace("ABLATION", ablation)
        (leaderboards / "tables" / "small.toml").write_text(text, encoding="utf-8")
        (found,) = table_pages("small", records.root, "demo", leaderboards=leaderboards)
        return found

    return make


def add(records, baseline, strength, auc, **more):
    more = {**REAL, **more}
    records.add("rsna_zero_shot", baseline, {"auc": Metric(auc)}, samples=samples(strength), **more)


def marks(page):
    return {line.baseline: line.cells[0].mark for line in page.sheets[0].lines}


def test_the_best_and_what_cannot_be_told_from_it(records, page):
    add(records, "maco", 1.5, 0.86)
    add(records, "mae_clip", 1.48, 0.858)
    add(records, "clip_vit", 0.3, 0.58)
    records.add("rsna_zero_shot", "random_init", {"auc": Metric(0.99)}, **REAL)
    found = page()
    # A floor is not ranked, however high it stands.
    assert marks(found) == {"maco": "best", "mae_clip": "tie", "clip_vit": "", "random_init": ""}
    lines = {line.baseline: line.cells[0] for line in found.sheets[0].lines}
    assert lines["maco"].to_best is None
    assert lines["clip_vit"].to_best.found.verdict == "higher"
    assert any("cannot be told from it" in note for note in found.notes)


def test_phantom_data_have_no_marks(records, page):
    add(records, "maco", 1.5, 0.86, data_id="rsna_pneumonia-phantom-v1-aaaaaaaa")
    add(records, "mae_clip", 0.3, 0.6, data_id="rsna_pneumonia-phantom-v1-aaaaaaaa")
    found = page()
    assert set(marks(found).values()) == {""}
    assert found.phantom


def test_a_method_without_single_samples_has_no_mark_and_says_why(records, page):
    add(records, "maco", 1.5, 0.86)
    add(records, "clip_vit", 1.48, 0.858)
    records.add("rsna_zero_shot", "mae_clip", {"auc": Metric(0.5)}, **REAL)
    found = page()
    assert marks(found)["clip_vit"] == "tie" and marks(found)["mae_clip"] == ""
    cells = {line.baseline: line.cells[0] for line in found.sheets[0].lines}
    assert "not compared with the best: no values" in cells["mae_clip"].measured.reason


def test_nothing_is_marked_where_nothing_could_be_compared(records, page):
    add(records, "maco", 1.5, 0.86)
    records.add("rsna_zero_shot", "mae_clip", {"auc": Metric(0.5)}, **REAL)
    assert set(marks(page()).values()) == {""}


def test_few_patients_mark_nothing(records, page):
    for baseline, strength in (("maco", 4.0), ("mae_clip", 0.0)):
        arrays = samples(strength, count=29)
        records.add(
            "rsna_zero_shot", baseline, {"auc": Metric(strength / 5)}, samples=arrays, **REAL
        )
    assert set(marks(page()).values()) == {""}


def test_a_mean_over_fewer_classes_is_not_ranked(records, page):
    partial = Metric(0.99, per_class={"a": 0.99, "b": None}, why_per_class={"b": "no scores"})
    add(records, "maco", 1.5, 0.86)
    add(records, "clip_vit", 1.48, 0.858)
    records.add("rsna_zero_shot", "mae_clip", {"auc": partial}, samples=samples(3.0), **REAL)
    found = marks(page())
    assert (found["maco"], found["mae_clip"]) == ("best", "")


def test_one_method_is_not_the_best_of_anything(records, page):
    add(records, "maco", 1.5, 0.86)
    assert set(marks(page()).values()) == {""}


def test_facts_stand_after_the_method(records, page):
    add(records, "maco", 1.5, 0.86)
    sheet = page().sheets[0]
    assert sheet.text_heads == ("Method", "Epochs", "Seeds")
    assert [line.texts[1] for line in sheet.lines] == ["30", "", ""]


def test_an_ablation_shows_its_steps(records, page):
    """Of the layout's methods, over the row above; an option over the method without it."""
    for seed in (0, 1):
        add(records, "maco", 0.5, 0.65, seeds=Seeds(pretrain=seed))
    add(records, "mae_clip", 1.5, 0.86)
    add(records, "clip_vit", 0.3, 0.58)
    (_, steps) = page("true").sheets
    assert steps.title == "Steps"
    assert [line.texts for line in steps.lines] == [("Other", "Ours")]
    cell = steps.lines[0].cells[0].measured
    assert cell.verdict == "higher" and cell.value > 0.1
    assert cell.interval[0] < cell.value < cell.interval[1]
    assert steps.heads[0].form == "signed_percent_1"
    assert len(steps.lines[0].cells[0].keys) == 3


def test_steps_of_options_are_over_the_method_itself(records, page):
    text = LAYOUT.replace("mae_clip", "maco+weighting=v1")
    add(records, "maco", 1.5, 0.86)
    add(records, "maco+weighting=v1", 1.49, 0.86)
    (_, steps) = page("true", text).sheets
    assert [line.texts for line in steps.lines] == [("Other", "Ours")]
    assert steps.lines[0].cells[0].measured.verdict == "unresolved"


def test_steps_without_two_measured_rows_are_no_sheet(records, page):
    add(records, "maco", 1.5, 0.86)
    assert [sheet.title for sheet in page("true").sheets] == [""]


def test_an_ablation_says_how_many_seeds_it_has(records, page):
    for seed in range(2):
        add(records, "maco", 1.5, 0.86, seeds=Seeds(pretrain=seed))
    notes = page("true").notes
    assert any("at least 5 pre-training seeds" in note and "2 and more" in note for note in notes)
    for seed in range(2, 5):
        add(records, "maco", 1.5, 0.86, seeds=Seeds(pretrain=seed))
    assert not any("at least 5" in note for note in page("true").notes)
