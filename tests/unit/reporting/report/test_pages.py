import dataclasses

from benchmark.reporting.model import DataLevel, TableCell
from benchmark.reporting.report.pages import distinct, table_view, total, verdicts
from tests.unit.reporting.report.handmade import compared_sheet, line, page, sheet, value


def no_link(key):
    return None


def test_verdicts_are_counted_over_all_sheets_and_all_data():
    made = page(compared_sheet(), others=(DataLevel(("h",), (compared_sheet(),)),))
    view = table_view(made, "table-small", ("small",), no_link)
    assert dict(view.counts) == {
        "reproduced": 2, "differs": 2, "unresolved": 0, "not comparable": 2, "not measured": 2,
    }  # fmt: skip
    assert view.measured == 6


def test_a_cell_of_which_the_paper_prints_nothing_counts_nowhere():
    assert sum(verdicts([TableCell(value(0.5))]).values()) == 0


def test_total_adds_counts_of_several_tables():
    assert total([{"differs": 1}, {"differs": 2, "reproduced": 1}])["differs"] == 3


def test_a_failing_sentinel_breaks_the_table_on_any_data():
    whole = page(compared_sheet())
    broken = DataLevel(("h",), (compared_sheet(),), ("oracle is at 0.9",), phantom=True)
    assert not table_view(whole, "t", (), no_link).broken
    view = table_view(dataclasses.replace(whole, others=(broken,)), "t", (), no_link)
    assert view.broken and view.phantom
    assert view.levels[1].faults == ("oracle is at 0.9",)


def test_ids_of_grids_differ_between_sheets_and_data():
    made = page(compared_sheet(), compared_sheet(), others=(DataLevel((), (compared_sheet(),)),))
    view = table_view(made, "table-small", (), no_link)
    anchors = [grid.anchor for level in view.levels for grid in level.grids]
    assert anchors == ["table-small-s1", "table-small-s2", "table-small-2-s1"]


def test_a_page_that_two_suites_show_stands_once():
    one = page(compared_sheet(), command="maco-bench tables --suite a")
    same = page(compared_sheet(), command="maco-bench tables --suite b")
    found = distinct({"a": [one], "b": [same]})
    assert [(anchor, suites) for _, anchor, suites in found] == [("table-small", ("a", "b"))]


def test_a_page_with_other_cells_keeps_its_own_place():
    one, other = page(compared_sheet()), page(sheet(line("MaCo", TableCell(value(0.1)))))
    found = distinct({"a": [one], "b": [other]})
    assert [anchor for _, anchor, _ in found] == ["table-small", "table-b-small"]


def test_a_table_without_a_number_is_named_by_its_title():
    view = table_view(page(compared_sheet(), paper_table="", title="`open` data"), "t", (), no_link)
    assert view.short == "open data"
