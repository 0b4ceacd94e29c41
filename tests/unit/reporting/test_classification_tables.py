"""Tables over label fractions, sections, variants, and classes beside the paper's."""

from __future__ import annotations

import pytest

from benchmark.interfaces import Metric
from benchmark.reporting.tables import write_tables
from benchmark.specs import Seeds

LAYOUT = """
paper = "Paper"
paper_table = "Table 2"
title = "by class"
published = ["paper_table2"]

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

[[column]]
title = "NIH"
section = "Mean AUC"
task = "nih_classification"
variant = ["maco", "clean"]
metric = "auc"
labels = ["1", "10"]
format = "percent_1"
published = { metric = "AUC", dataset = "NIH" }
paper_recipe = { split = "maco_lists" }

[[column]]
title = "RSNA"
section = "Another data set"
task = "rsna_classification"
metric = "auc"
labels = "1"
format = "percent_1"

[[extra]]
kind = "per_class"
place = "page"
title = "By class"
task = "nih_classification"
metric = "auc"
labels = ["1"]
format = "percent_1"
published = { metric = "AUC", dataset = "NIH" }
paper_recipe = { split = "maco_lists" }
"""
PUBLISHED = """\
paper,table,task,dataset,method,labels_percent,class,metric,value,unit,status,source
Paper,Table 2,fine-tuning,NIH,OURS,1,,AUC,79.4,percent,printed,table
Paper,Table 2,fine-tuning,NIH,OURS,1,Mass,AUC,80.5,percent,printed,table
Paper,Table 2,fine-tuning,NIH,OTHER,1,Mass,AUC,70.5,percent,copied,elsewhere
Paper,Table 2,fine-tuning,NIH,OTHER,1,Hernia,AUC,,percent,not_found,
Paper,Table 2,fine-tuning,NIH,OURS,10,,AUC,83.4,percent,printed,table
"""
NIH = "nih_classification"
TRAINED = {"seeds": Seeds(0, 0, 0), "percent": 1.0}


@pytest.fixture
def page(records, leaderboards, tmp_path, monkeypatch):
    """Writes the tables and gives the page's text."""
    from benchmark.reporting import states

    monkeypatch.setattr(states, "why_absent", lambda task, baseline: None)
    (leaderboards / "tables" / "small.toml").write_text(LAYOUT, encoding="utf-8")
    path = leaderboards / "published" / "paper_table2.csv"
    path.write_text(PUBLISHED, encoding="utf-8")

    def write(profile="demo"):
        out = tmp_path / "out"
        write_tables("small", records.root, out, profile, leaderboards=leaderboards)
        return (out / "small.md").read_text(encoding="utf-8")

    return write


def auc(value, **by_class):
    absent = {name: "no positive case" for name, item in by_class.items() if item is None}
    return {"auc": Metric(value, per_class=by_class, why_per_class=absent, n=1)}


def rows_of(text, heading):
    """Cells by first cell of the table below a heading."""
    below = text.split(heading, 1)[1].split("\n#")[0]
    lines = [item for item in below.splitlines() if item.startswith("| ")]
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in table}


def test_label_fractions_are_columns_of_one_section(records, page):
    records.add(NIH, "maco", auc(0.713), **TRAINED)
    records.add(NIH, "maco", auc(0.75), seeds=Seeds(0, 1, 0), percent=10.0)
    rows = rows_of(page(), "## Mean AUC")
    titles = ["NIH, 1 %", "NIH, 1 %, published", "NIH, 10 %", "NIH, 10 %, published"]
    assert rows["Method"] == ["Seeds", *titles]
    assert rows["Ours"][0] == "p0 s0,1 h0"
    assert [rows["Ours"][place].split(" ")[0] for place in (1, 3)] == ["71.3", "75.0"]
    assert rows["Ours"][2] == "79.4 (printed) [1]"


def test_sections_are_tables_of_their_own(records, page):
    records.add(NIH, "maco", auc(0.713), **TRAINED)
    records.add("rsna_classification", "maco", auc(0.9), seeds=Seeds(3, 0, 0), percent=1.0)
    text = page()
    assert rows_of(text, "## Another data set")["Ours"] == ["p3 s0 h0", "90.0"]
    assert "90.0" not in text.split("## Another data set")[0]


def test_a_variant_that_no_column_names_is_not_shown(records, page):
    records.add(NIH, "maco", auc(0.713), **TRAINED)
    records.add(NIH, "maco", auc(0.999), variant="g2d", **TRAINED)
    records.add(NIH, "guest", auc(0.888), variant="g2d", **TRAINED)
    text = page()
    assert "99.9" not in text and "guest" not in text


def test_the_preferred_variant_stands_first_whatever_has_more_records(records, page):
    records.add(NIH, "maco", auc(0.713), **TRAINED)
    for baseline in ("maco", "mae"):
        records.add(NIH, baseline, auc(0.6), variant="clean", **TRAINED)
    first, second = page().split("## Other data or variant")
    assert "71.3" in first and "60.0" not in first
    assert "60.0" in second and "`nih_classification@clean`" in second


def test_a_failure_of_another_variant_is_not_this_ones(records, page):
    records.add(NIH, "chance", auc(0.5))
    place = records.root / "demo/rsna_pneumonia-phantom-v1-aaaaaaaa"
    folder = place / "nih_classification@clean/maco/1-p0s0h0-12345678"
    folder.mkdir(parents=True)
    (folder / "failed.json").write_text('{"cause": "killed"}', encoding="utf-8")
    assert rows_of(page(), "## Mean AUC")["Ours"][1] == "not run"


def test_classes_stand_beside_the_papers(records, page):
    records.add(NIH, "maco", auc(0.713, Mass=0.713, Hernia=None), **TRAINED)
    rows = rows_of(page(), "## By class, 1 %")
    assert rows["Class"] == ["Ours", "Ours, published", "Other, published"]
    assert rows["Seeds"] == ["p0 s0 h0", "", ""]
    assert rows["Mean"][1].startswith("79.4 (printed) [")
    assert rows["Mass"][0] == "71.3" and rows["Mass"][2] == "70.5 (copied)"
    assert rows["Mass"][1] == rows["Mean"][1].replace("79.4", "80.5")
    assert rows["Hernia"][0].startswith("undefined [") and rows["Hernia"][2] == "not found"


def test_a_paper_stands_alone_where_nothing_was_measured(page):
    rows = rows_of(page(), "## By class, 1 %")
    assert rows["Mass"] == ["80.5 (printed)", "70.5 (copied)"]


def test_difference_by_class_only_where_comparable(records, page):
    real = {"data_id": "nih_cxr14-dddddddd", "profile": "paper", **TRAINED}
    records.add(NIH, "maco", auc(0.8, Mass=0.802, Hernia=0.7), **real)
    rows = rows_of(page("paper"), "## By class, 1 %")
    assert rows["Mass"][1].startswith("80.5 (printed), −0.3, unresolved [")
    assert rows["Mean"][1].startswith("79.4 (printed), +0.6, unresolved [")


def test_reason_by_class_where_the_split_is_another(records, page):
    real = {"data_id": "nih_cxr14-dddddddd", "profile": "paper", **TRAINED}
    records.add(NIH, "maco", auc(0.8, Mass=0.802), recipe={"split": "clean"}, **real)
    text = page("paper")
    rows = rows_of(text, "## By class, 1 %")
    assert rows["Mass"][1].startswith("80.5 (printed) [")
    assert rows["Hernia"][0].startswith("– [")
    assert "`split` is `clean`, the paper's is `maco_lists`" in text.split("## By class")[1]


def test_a_leaking_split_is_named_beside_its_data(records, page):
    shared = {"train-validation": {"images": 0, "patients": 1837}, "absent": 0}
    clean = {"train-validation": {"images": 0, "patients": 0}, "absent": 3}
    records.add(NIH, "maco", auc(0.713), leaks=shared, **TRAINED)
    records.add("rsna_classification", "maco", auc(0.9), leaks=clean, **TRAINED)
    text = page()
    warning = "The split leaks: 1,837 patients stand in both training and validation."
    assert f"- **`{NIH}@maco`: {warning}**" in text.split("## Mean AUC")[0]
    assert text.count("leaks") == 1
