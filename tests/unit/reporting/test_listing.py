"""Published numbers as a table of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import BadDataError
from benchmark.reporting.layout import Listing
from benchmark.reporting.listing import listing_sheet
from benchmark.reporting.published import STATUSES, WITH_VALUE, PublishedNumber

NUMBER = PublishedNumber(
    file="paper_text",
    paper="Paper",
    table="Table 1",
    task="classification",
    dataset="NIH",
    method="OURS",
    labels_percent="10",
    class_name="",
    metric="AUC",
    text="80.10",
    unit="percent",
    status="printed",
    source="table",
)
LISTING = Listing("Numbers", "paper_text", {"Data set": "dataset", "Method": "method"})


def texts(listing, numbers):
    return [line.texts for line in listing_sheet(listing, numbers).lines]


@pytest.mark.parametrize(
    ("unit", "text", "shown"),
    [
        ("percent", "80.10", "80.10 %"),
        ("fraction", "1.144", "1.144"),
        ("count", "377110", "377110"),
        ("gflops", "16.9", "16.9 GFLOPS"),
        ("rank", "2.00", "2.00"),
    ],
)
def test_a_number_stands_as_printed_with_its_unit(unit, text, shown):
    sheet = listing_sheet(LISTING, [replace(NUMBER, unit=unit, text=text)])
    assert sheet.text_heads == ("Data set", "Method", "Published", "Status")
    assert sheet.heads == () and sheet.title == "Numbers" and sheet.place == "details"
    (line,) = sheet.lines
    assert line.texts == ("NIH", "OURS", shown, "printed")
    assert line.cells == ()


@pytest.mark.parametrize("status", ["not_found", "not_reported", "not_applicable"])
def test_a_number_that_is_not_there_is_named_and_never_0(status):
    (line,) = texts(LISTING, [replace(NUMBER, text="", status=status)])
    assert line[2:] == (status.replace("_", " "),) * 2


def test_the_values_of_a_field_are_columns():
    numbers = [
        replace(NUMBER, labels_percent="0", metric="CNR", unit="fraction", text="1.1"),
        NUMBER,
        replace(NUMBER, method="OTHER", text="", status="not_found"),
    ]
    listing = replace(LISTING, across="labels_percent")
    sheet = listing_sheet(listing, numbers)
    assert sheet.text_heads == ("Data set", "Method", "zero-shot", "10 %", "Status")
    assert [line.texts for line in sheet.lines] == [
        ("NIH", "OURS", "1.1", "80.10 %", "printed"),
        ("NIH", "OTHER", "", "not found", "not found"),
    ]


def test_the_status_of_a_line_is_of_its_numbers():
    numbers = [
        NUMBER,
        replace(NUMBER, labels_percent="100", status="text"),
        replace(NUMBER, labels_percent="1", text="", status="not_found"),
    ]
    ((*_, status),) = texts(replace(LISTING, across="labels_percent"), numbers)
    assert status == "printed, text"


def test_an_average_is_the_mean_of_its_classes():
    numbers = [NUMBER, replace(NUMBER, class_name="Edema", text="85.0")]
    sheet = listing_sheet(replace(LISTING, across="class"), numbers)
    assert sheet.text_heads[2:] == ("Mean", "Edema", "Status")


def test_lines_of_one_first_field_stand_together():
    numbers = [
        replace(NUMBER, dataset=dataset, method=method)
        for method in ("B", "A")
        for dataset in ("SIIM", "NIH")
    ]
    assert [line[:2] for line in texts(LISTING, numbers)] == [
        ("SIIM", "B"),
        ("SIIM", "A"),
        ("NIH", "B"),
        ("NIH", "A"),
    ]


def test_only_the_file_and_what_is_asked_for_is_listed():
    numbers = [
        NUMBER,
        replace(NUMBER, file="other", method="OTHER FILE"),
        replace(NUMBER, dataset="RSNA"),
        replace(NUMBER, class_name="Edema", method="BY CLASS"),
    ]
    where = {"dataset": ("NIH", "SIIM"), "class": ("",)}
    assert [line[1] for line in texts(replace(LISTING, where=where), numbers)] == ["OURS"]


def test_the_remark_names_paper_and_table_first():
    numbers = [NUMBER, replace(NUMBER, method="OTHER", table="Table 2")]
    sheet = listing_sheet(replace(LISTING, remark="Of one run."), numbers)
    assert sheet.remark == "Paper, Table 1; Paper, Table 2. Of one run."


def test_a_listing_of_nothing_is_refused():
    with pytest.raises(BadDataError, match="lists no number"):
        listing_sheet(replace(LISTING, where={"dataset": ("SIIM",)}), [NUMBER])


def test_two_numbers_in_one_place_are_refused():
    with pytest.raises(BadDataError, match="two numbers for `NIH / OURS`"):
        listing_sheet(LISTING, [NUMBER, replace(NUMBER, metric="F1")])


@given(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=8))
def test_every_number_but_candidates_stands_with_its_status(statuses):
    numbers = [
        replace(
            NUMBER,
            method=f"method {place}",
            status=status,
            text=f"{place}.5" if status in WITH_VALUE else "",
        )
        for place, status in enumerate(statuses)
    ]
    kept = [item for item in numbers if item.status != "candidate"]
    if not kept:
        return
    shown = {line[1]: line[2:] for line in texts(LISTING, numbers)}
    assert list(shown) == [item.method for item in kept]
    for item in kept:
        words = item.status.replace("_", " ")
        assert shown[item.method] == (f"{item.text} %" if item.text else words, words)
