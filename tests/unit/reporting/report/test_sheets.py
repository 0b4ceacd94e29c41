from benchmark.reporting.cells import Measured
from benchmark.reporting.model import Beside, Line, Sheet, TableCell
from benchmark.reporting.report.grids import Link
from benchmark.reporting.report.sheets import leading_number, sheet_grid
from tests.unit.reporting.report.handmade import compared_sheet, head, line, sheet, value


def link_of(key):
    return Link(key, f"cell-{key}") if key != "absent" else None


def grid_of(made):
    return sheet_grid(made, "t-s1", link_of)


def column(grid, title):
    """Cells below a head, by its own title or by that of its group and itself."""
    place = [item.title for item in grid.columns].index(title)
    return [row.cells[place] for row in grid.rows]


def test_a_column_without_published_numbers_is_one_column():
    grid = grid_of(sheet(line("MaCo", TableCell(value(0.713, 0.689, 0.736), keys=("k1",)))))
    assert [item.title for item in grid.columns] == ["Method", "Seeds", "AUC"]
    assert len(grid.head_rows) == 1
    cell = grid.rows[0].cells[2]
    assert (cell.text, cell.detail, cell.sort) == ("71.3", "[68.9, 73.6]", 0.713)
    assert cell.links == (Link("k1", "cell-k1"),)


def test_published_numbers_stand_in_columns_of_their_own_below_one_head():
    grid = grid_of(compared_sheet())
    assert [item.title for item in grid.columns] == [
        "Method", "Seeds", "measured", "published", "difference",
    ]  # fmt: skip
    upper, lower = grid.head_rows
    assert [(item.title, item.wide, item.high) for item in upper] == [
        ("Method", 1, 2), ("Seeds", 1, 2), ("AUC", 3, 1),
    ]  # fmt: skip
    assert [(item.title, item.index, item.leads) for item in lower] == [
        ("measured", 2, True), ("published", 3, False), ("difference", 4, False),
    ]  # fmt: skip


def test_each_verdict_has_its_word_its_sign_and_its_tone():
    grid = grid_of(compared_sheet())
    shown = [(cell.text, cell.detail, cell.tone) for cell in column(grid, "difference")]
    assert shown == [
        ("+0.2", "reproduced", "reproduced"),
        ("−10.4", "differs", "differs"),
        ("–", "not comparable", "not-comparable"),
        ("", "", "none"),
    ]
    assert [cell.sort for cell in column(grid, "difference")] == [0.002, -0.104, None, None]


def test_a_published_number_has_its_status_and_sorts_by_its_value():
    cells = column(grid_of(compared_sheet()), "published")
    assert [(cell.text, cell.detail) for cell in cells] == [
        ("91.5", "printed"), ("80.4", "text"), ("70.0", "copied"), ("60.0", "printed"),
    ]  # fmt: skip
    assert [cell.sort for cell in cells] == [0.915, 0.804, 0.7, 0.6]


def test_the_reason_is_a_footnote_and_no_hover():
    grid = grid_of(compared_sheet("part of the data set is absent"))
    assert grid.footnotes == ("Part of the data set is absent.",)
    assert column(grid, "difference")[2].notes == (1,)


def test_a_reason_that_all_share_is_said_once_and_takes_no_column():
    side = Beside("91.5", "printed", 0.915, None, "not comparable", "phantom data")
    cells = [TableCell(value(0.5), side), TableCell(value(0.6), side)]
    grid = grid_of(sheet(line("MaCo", cells[0]), line("MRM", cells[1])))
    assert "difference" not in [item.title for item in grid.columns]
    assert grid.remark == "No difference to a published number is shown: phantom data."
    assert grid.footnotes == ()


def test_equal_reasons_share_a_footnote():
    cells = [
        TableCell(Measured("undefined", reason="no positive case")),
        TableCell(Measured("failed", reason="out of memory")),
        TableCell(Measured("undefined", reason="no positive case")),
    ]
    grid = grid_of(sheet(*(line("m", cell) for cell in cells)))
    shown = [(row.cells[2].text, row.cells[2].notes, row.cells[2].sort) for row in grid.rows]
    assert shown == [("undefined", (1,), None), ("failed", (2,), None), ("undefined", (1,), None)]
    assert grid.footnotes == ("No positive case.", "Out of memory.")


def test_a_value_that_nobody_measured_is_never_a_number():
    states = ("not_run", "failed", "undefined", "not_applicable", "ambiguous")
    grid = grid_of(sheet(*(line(state, TableCell(Measured(state))) for state in states)))
    cells = column(grid, "AUC")
    assert [cell.text for cell in cells] == ["not run", "failed", "undefined", "–", "ambiguous"]
    assert all(cell.sort is None and cell.tone == "none" for cell in cells)


def test_not_found_reads_so_and_is_no_zero():
    grid = grid_of(sheet(line("MaCo", TableCell(value(0.5), Beside("", "not_found")))))
    cell = column(grid, "published")[0]
    assert (cell.text, cell.sort) == ("not found", None)


def test_marks_roles_and_the_first_row_of_a_role():
    lines = [
        line("MaCo", TableCell(value(0.9), mark="best")),
        line("MRM", TableCell(value(0.89), mark="tie")),
        line("random_init", TableCell(value(0.5)), role="floor"),
        line("*oracle* (sentinel)", TableCell(value(1.0)), role="sentinel"),
    ]
    grid = grid_of(sheet(*lines))
    assert [cell.mark for cell in column(grid, "AUC")] == ["best", "tie", "", ""]
    assert grid.roles == ("method", "floor", "sentinel")
    assert [row.begins for row in grid.rows] == [False, False, True, True]
    assert [row.tag for row in grid.rows] == ["", "", "floor", ""]


def test_spread_and_verdict_of_a_paired_excess_stand_in_the_second_line():
    cell = value(0.1, -0.1, 0.3, verdict="unresolved", spread={"pretrain": 0.02})
    grid = grid_of(sheet(line("MaCo", TableCell(cell))))
    assert column(grid, "AUC")[0].detail == "[−10.0, 30.0] sd p 2.0 unresolved"


def test_a_head_of_published_numbers_alone_has_no_measured_column():
    side = Beside("60.0", "printed", 0.6, None, "not measured")
    made = sheet(
        line("Effusion", TableCell(Measured("not_run"), side)),
        heads=(head("M3AE", measured=False),),
    )
    grid = grid_of(made)
    assert [item.title for item in grid.columns] == ["Method", "Seeds", "published"]
    assert grid.head_rows[0][-1].title == "M3AE"


def test_the_seeds_of_a_column_stand_below_its_title():
    made = sheet(line("Effusion", TableCell(value(0.5))), heads=(head("MaCo", seeds="p0,1"),))
    assert grid_of(made).head_rows[0][-1].detail == "p0,1"


def test_several_records_are_several_links_and_an_unknown_key_is_none():
    cell = TableCell(value(0.5), keys=("absent", "k1", "k2"))
    links = column(grid_of(sheet(line("MaCo", cell))), "AUC")[0].links
    assert [item.anchor for item in links] == ["cell-k1", "cell-k2"]


def test_links_of_several_records_are_named_by_the_seeds_in_which_they_differ():
    seeds = {"a": "p0 s10 h0", "b": "p0 s2 h0"}
    made = sheet(line("MaCo", TableCell(value(0.5), keys=("a", "b"))))
    grid = sheet_grid(made, "t", lambda key: Link(seeds[key], f"cell-{key}"))
    assert [link.text for link in column(grid, "AUC")[0].links] == ["s2", "s10"]


def test_a_metric_that_should_be_low_sorts_from_below_first():
    made = sheet(
        line("MaCo", TableCell(value(0.5))), heads=(head("Error", higher_is_better=False),)
    )
    assert not grid_of(made).columns[-1].descending
    assert grid_of(sheet(line("MaCo", TableCell(value(0.5))))).columns[-1].descending


def test_a_sheet_of_texts_sorts_numbers_as_numbers():
    texts = [("CheXpert", "1,218"), ("NIH", "12.7 GFLOPS"), ("RSNA", "−3 %")]
    made = Sheet("", ("Data set", "Number"), (), tuple(Line(text, ()) for text in texts))
    grid = grid_of(made)
    assert [item.kind for item in grid.columns] == ["text", "number"]
    assert [row.cells[1].sort for row in grid.rows] == [1218.0, 12.7, -3.0]


def test_leading_number():
    assert leading_number("p0 s1") is None
    assert leading_number("1,000.5") == 1000.5
    assert leading_number("3 images of 4") is None


def test_details_are_folds():
    made = sheet(line("MaCo", TableCell(value(0.5))), place="details")
    assert grid_of(made).foldable
