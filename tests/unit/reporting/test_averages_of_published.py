"""Averages that papers print against the cells that they are averages of."""

from __future__ import annotations

from statistics import fmean

import pytest
from scipy.stats import rankdata

from benchmark.registry import CHECKOUT, load_task
from benchmark.reporting.published import PublishedNumber, read_csv

FOLDER = CHECKOUT / "leaderboards" / "published"
FILES = sorted(path.stem for path in FOLDER.glob("*.csv"))
SETS_OF_CLASSES = {
    "g2d_table3": 24,
    "maco_arxiv_v1_table2": 20,
    "maco_natcomm_table2": 6,
    "mrm_table2": 18,
    "refers_repo_recomputed_nih": 18,
}
"""Complete sets of classes with an average, by file."""
INCOMPLETE = {
    ("maco_arxiv_v1_table2", "MedKLIP"): "its paper prints averages alone",
    ("maco_arxiv_v1_table2", "MaCo"): "one class of the 1 % row is lost",
    ("maco_natcomm_table2", "MedKLIP"): "three classes are in the text",
    ("maco_natcomm_table2", "MaCo"): "its classes are in no source at hand",
    ("maco_natcomm_table2", "MRM"): "its classes are in no source at hand",
    ("maco_natcomm_table2", "ConVIRT"): "its classes are in no source at hand",
    ("maco_natcomm_table2", "GLoRIA"): "its classes are in no source at hand",
    ("maco_natcomm_table2", "BioViL"): "its classes are in no source at hand",
    ("mrm_table2", "MRM"): "its classes are in no source at hand",
}
"""Averages by class that cannot be checked, with the reason."""

MULTI_LABEL = "multi-label classification, average"
BINARY = "binary classification, average"
SEGMENTATION = "segmentation, average"
REPORTS = "report generation"
MADE_OF = {
    MULTI_LABEL: ("benchx_table1", "AUC", 1.0),
    BINARY: ("benchx_table2", "F1", 1.0),
    SEGMENTATION: ("benchx_table3", "mDice", 1.0),
    REPORTS: ("benchx_table4", "BLEU4", 100.0),
}
"""BenchX, Table 7: file, metric and factor of the cells that a column averages. Its text says
100 % of the labels, but the first two columns are means over 1, 10 and 100 %."""
WRONG_IN_PRINT = {
    (MULTI_LABEL, "MedKLIP"): "0.67 above the mean of its cells",
    (BINARY, "ConVIRT"): "0.10 below the mean of its cells",
    (BINARY, "GLoRIA"): "0.56 below the mean of its cells",
    (BINARY, "MedCLIP-R50"): "0.10 above the mean of its cells",
    (BINARY, "MedKLIP"): "0.10 below the mean of its cells",
    (BINARY, "MGCA-R50"): "0.45 above the mean of its cells",
    (SEGMENTATION, "MedCLIP-R50"): "0.50 above the mean of its cells",
    (SEGMENTATION, "M-FLAG"): "0.50 above the mean of its cells",
    (SEGMENTATION, "REFERS"): "0.50 above the mean of its cells",
}
"""Averages of BenchX, Table 7, that its own cells do not give, each with what is wrong."""


def read(stem: str) -> list[PublishedNumber]:
    return read_csv(FOLDER / f"{stem}.csv")


def half_digit(text: str) -> float:
    """Half a unit of the last printed digit."""
    return 0.5 * 10.0 ** -len(text.partition(".")[2])


def value_of(item: PublishedNumber) -> float:
    assert item.value is not None
    return item.value


def distance(average: PublishedNumber, cells: list[PublishedNumber], factor: float = 1.0) -> float:
    """How far the average is from the mean of its cells, beyond what rounding may do."""
    rounding = half_digit(average.text) + factor * max(half_digit(cell.text) for cell in cells)
    mean = factor * fmean(value_of(cell) for cell in cells)
    return abs(value_of(average) - mean) - rounding


def sets_of_classes(stem: str) -> dict[tuple[str, ...], dict[str, PublishedNumber]]:
    """By all but the class: the numbers by class, the average under the empty name."""
    found: dict[tuple[str, ...], dict[str, PublishedNumber]] = {}
    for item in read(stem):
        key = (item.task, item.dataset, item.method, item.labels_percent, item.metric)
        found.setdefault(key, {})[item.class_name] = item
    return {key: items for key, items in found.items() if set(items) - {""}}


@pytest.mark.parametrize("stem", FILES)
def test_the_mean_over_the_classes_is_the_printed_average(stem):
    classes = set(load_task("nih_classification").classes)
    complete = 0
    for key, items in sets_of_classes(stem).items():
        average = items.pop("")
        assert set(items) == classes, key
        if all(item.text for item in items.values()) and average.text:
            assert distance(average, list(items.values())) < 1e-9, key
            complete += 1
        elif average.text:
            assert (stem, average.method) in INCOMPLETE, key
    assert complete == SETS_OF_CLASSES.get(stem, 0)


def test_no_reason_for_an_unchecked_average_is_stale():
    unchecked = {
        (stem, items[""].method)
        for stem in FILES
        for items in sets_of_classes(stem).values()
        if items[""].text and not all(item.text for item in items.values())
    }
    assert unchecked == set(INCOMPLETE)


@pytest.mark.parametrize("task", sorted(MADE_OF))
def test_averages_of_benchx_are_means_of_its_cells_but_for_those_wrong_in_print(task):
    file, metric, factor = MADE_OF[task]
    cells = read(file)
    averages = [item for item in read("benchx_table7") if item.task == task]
    assert len(averages) == 10
    for average in averages:
        mine = [one for one in cells if (one.method, one.metric) == (average.method, metric)]
        far = distance(average, mine, factor) >= 1e-9
        assert far == ((task, average.method) in WRONG_IN_PRINT), average.method


@pytest.mark.parametrize(("task", "method"), sorted(WRONG_IN_PRINT))
def test_what_is_said_of_a_wrong_average_is_so(task, method):
    file, metric, factor = MADE_OF[task]
    mine = [one for one in read(file) if (one.method, one.metric) == (method, metric)]
    (printed,) = (n for n in read("benchx_table7") if (n.task, n.method) == (task, method))
    difference = value_of(printed) - factor * fmean(value_of(one) for one in mine)
    side = "above" if difference > 0 else "below"
    words = f"{abs(difference):.2f} {side} the mean of its cells"
    assert WRONG_IN_PRINT[task, method] == words


def test_average_ranks_of_benchx_are_those_of_its_averages():
    numbers = read("benchx_table7")
    ranks: dict[str, list[float]] = {}
    for task in MADE_OF:
        column = [item for item in numbers if item.task == task]
        for item, rank in zip(column, rankdata([-value_of(n) for n in column]), strict=True):
            ranks.setdefault(item.method, []).append(float(rank))
    printed = [item for item in numbers if item.unit == "rank"]
    assert len(printed) == 10
    for item in printed:
        mean = fmean(ranks[item.method])
        assert abs(value_of(item) - mean) <= half_digit(item.text) + 1e-9, item.method
