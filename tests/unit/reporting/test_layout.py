"""What one entry of a layout stands for."""

from __future__ import annotations

import pytest

from benchmark.errors import BadDataError
from benchmark.registry import CHECKOUT
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


LISTING = """
[[listing]]
title = "Sizes"
file = "paper_text"
fields = { "Data set" = "dataset", "What" = "metric" }
where = { task = "size", status = ["text", "printed"] }
"""
ALONE = """
paper = "Paper"
paper_table = ""
title = "what the text says"
"""


def alone(tmp_path, text):
    path = tmp_path / "alone.toml"
    path.write_text(ALONE + text, encoding="utf-8")
    return read_layout(path)


def test_facts_make_columns_in_order_of_first_appearance(tmp_path):
    text = """
[[row]]
title = "First"
published = "FIRST"
facts = { "Epochs" = "30" }

[[row]]
title = "Second"
[row.facts]
"Corpus" = "MIMIC-CXR"
"Epochs" = "200"

[[row]]
title = "Third"
"""
    found = layout(tmp_path, text + COLUMN)
    assert found.facts == ("Epochs", "Corpus")
    assert [dict(row.facts) for row in found.rows] == [
        {},
        {"Epochs": "30"},
        {"Corpus": "MIMIC-CXR", "Epochs": "200"},
        {},
    ]
    assert layout(tmp_path, COLUMN).facts == ()


def test_a_fact_that_is_no_text_is_refused(tmp_path):
    row = '[[row]]\ntitle = "First"\nfacts = { "Epochs" = 30 }\n'
    with pytest.raises(BadDataError, match="`Epochs` is no text"):
        layout(tmp_path, row + COLUMN)


def test_an_ablation_says_so(tmp_path):
    assert not layout(tmp_path, COLUMN).ablation
    assert alone(tmp_path, "ablation = true\n" + LISTING).ablation


def test_a_page_may_hold_listings_alone(tmp_path):
    found = alone(tmp_path, LISTING)
    assert found.rows == found.columns == found.tasks == ()
    (listing,) = found.listings
    assert listing.where == {"task": ("size",), "status": ("text", "printed")}
    assert listing.place == "details" and not listing.across
    assert found.listed == ("paper_text",)


def test_a_page_of_nothing_is_refused(tmp_path):
    with pytest.raises(BadDataError, match="row"):
        alone(tmp_path, "")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"metric"', '"metrik"', "`metrik`"),
        ("task =", "tasks =", "`tasks`"),
        ("where", 'across = "labels"\nwhere', "`labels`"),
        ("where", 'place = "pages"\nwhere', "`pages`"),
        ("where", 'files = "a"\nwhere', "`files`"),
        ('file = "paper_text"\n', "", "file"),
    ],
)
def test_a_misspelt_listing_is_refused(tmp_path, old, new, words):
    with pytest.raises(BadDataError, match=words):
        alone(tmp_path, LISTING.replace(old, new))


def test_ablations_of_the_papers_are_marked():
    tables = CHECKOUT / "leaderboards" / "tables"
    marked = {path.stem for path in tables.glob("*.toml") if read_layout(path).ablation}
    assert marked == {"maco_table7", "maco_v1_table6", "g2d_table5", "g2d_table8", "mrm_ablation"}


def test_the_preprints_first_table_says_how_its_methods_were_pretrained():
    found = read_layout(CHECKOUT / "leaderboards" / "tables" / "maco_v1_table1.toml")
    assert found.facts == ("Pre-training epochs, published", "Pre-trained on, published")
    published = [row for row in found.rows if row.published]
    assert len(published) == 8
    assert all(set(row.facts) == set(found.facts) for row in published)
    # What was measured here has another training: it is named by the page's origin.
    assert not any(row.facts for row in found.rows if not row.published)
