"""What one entry of a layout stands for."""

from __future__ import annotations

import pytest

from benchmark.errors import BadDataError
from benchmark.reporting.layout import read_layout

HEAD = """
paper = "Paper"
paper_table = "Table 1"
title = "one task"

[[row]]
title = "Ours"
baseline = "maco"
"""
COLUMN = """
[[column]]
title = "RSNA"
section = "RSNA Pneumonia"
task = "rsna_classification"
metric = "auc"
format = "percent_1"
variant = ["maco", "clean"]
labels = ["1", "10"]
published = { metric = "AUC", dataset = "RSNA Pneumonia" }
"""


def layout(tmp_path, text):
    path = tmp_path / "some.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return read_layout(path)


def test_a_list_of_label_fractions_is_one_column_each(tmp_path):
    first, second = layout(tmp_path, COLUMN).columns
    assert (first.title, second.title) == ("RSNA, 1 %", "RSNA, 10 %")
    assert (first.labels, second.labels) == ("1", "10")
    assert first.published == {"labels": "1", "metric": "AUC", "dataset": "RSNA Pneumonia"}
    assert second.published["labels"] == "10"
    assert first.variants == ("maco", "clean") and first.section == "RSNA Pneumonia"


def test_a_column_without_labels_is_the_papers_zero_shot(tmp_path):
    text = COLUMN.replace('labels = ["1", "10"]\n', "").replace('["maco", "clean"]', '"maco"')
    (column,) = layout(tmp_path, text).columns
    assert column.labels == "all" and column.published["labels"] == "0"
    assert column.variants == ("maco",)


def test_labels_of_the_published_number_may_be_named(tmp_path):
    text = COLUMN.replace('labels = ["1", "10"]', 'labels = "100"')
    text = text.replace('dataset = "RSNA', 'labels = "10", dataset = "RSNA')
    (column,) = layout(tmp_path, text).columns
    assert column.title == "RSNA"
    assert (column.labels, column.published["labels"]) == ("100", "10")


def test_an_extra_with_several_fractions_is_one_table_each(tmp_path):
    extra = COLUMN.replace("column", "extra").replace('section = "RSNA Pneumonia"\n', "")
    extra = extra.replace('variant = ["maco", "clean"]\n', 'kind = "per_class"\n')
    extras = layout(tmp_path, COLUMN + extra).extras
    assert [item.title for item in extras] == ["RSNA, 1 %", "RSNA, 10 %"]
    assert [item.published["labels"] for item in extras] == ["1", "10"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('format = "percent_1"', 'format = "percent"', "no known format"),
        ("section =", "sektion =", "sektion"),
        ('metric = "auc"\n', "", "metric"),
    ],
)
def test_a_misspelt_column_is_refused(tmp_path, old, new, words):
    with pytest.raises(BadDataError, match=words):
        layout(tmp_path, COLUMN.replace(old, new))


def test_columns_of_one_task_show_one_set_of_variants(tmp_path):
    other = COLUMN.replace('["maco", "clean"]', '"lovt"')
    with pytest.raises(BadDataError, match="`rsna_classification` name different variants"):
        layout(tmp_path, COLUMN + other)
    assert len(layout(tmp_path, COLUMN + COLUMN).columns) == 4
