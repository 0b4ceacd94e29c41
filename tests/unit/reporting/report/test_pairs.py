import pytest

from benchmark.reporting.comparison import Comparer, Comparison
from benchmark.reporting.model import Head, Line, TableCell
from benchmark.reporting.report.pairs import comparisons, pair_blocks
from benchmark.statistics.difference import PairedDifference
from tests.unit.reporting.report.handmade import (
    CASES,
    DATA_ID,
    Results,
    head,
    keyed,
    line,
    page,
    sheet,
    value,
)


def comparer():
    return Comparer(replicates=200).compare


@pytest.fixture
def made(tmp_path):
    return Results(tmp_path / "results")


@pytest.fixture
def results(made):
    listed = [
        made.classification("maco", 2.0, seed=0),
        made.classification("maco", 2.0, seed=1),
        made.classification("mrm", 0.2),
        made.classification("oracle", 50.0),
        made.classification("static_prior", 0.0),
    ]
    return listed


def board(results):
    by_name = {}
    for item in results:
        by_name.setdefault(item.cell["baseline"], []).append(item)
    roles = {"maco": "method", "mrm": "method", "oracle": "sentinel", "static_prior": "prior"}
    return page(
        sheet(
            *(
                line(
                    name.upper(),
                    TableCell(value(0.5), keys=keyed(*items)),
                    role=roles[name],
                    baseline=name,
                )
                for name, items in by_name.items()
            )
        )
    )


def test_methods_of_a_column_are_a_block(results):
    (block,), (members,) = zip(*pair_blocks([board(results)]).items(), strict=True)
    assert (block.task, block.variant, block.data_id, block.labels, block.metric) == (
        "rsna_zero_shot", "maco", DATA_ID, "all", "auc",
    )  # fmt: skip
    assert [(one.title, len(one.keys)) for one in members.listed.values()] == [
        ("MACO", 2), ("MRM", 1), ("ORACLE", 1), ("STATIC_PRIOR", 1),
    ]  # fmt: skip


def test_what_is_no_score_of_a_method_is_no_member():
    cells = [
        line("no record", TableCell(value(0.5))),
        line("excess", TableCell(value(0.1, verdict="higher"), keys=("a",))),
        Line(("a class", ""), (TableCell(value(0.5), keys=("b",)),)),
    ]
    assert pair_blocks([page(sheet(*cells))]) == {}


def test_a_metric_that_no_two_records_can_be_compared_by_is_no_block():
    rows = [line(name, TableCell(value(0.5), keys=(name,))) for name in "ab"]
    assert pair_blocks([page(sheet(*rows, heads=(head(metric="auc_cosine"),)))]) == {}
    assert pair_blocks([page(sheet(*rows, heads=(Head("AUC", "percent_1"),)))]) == {}


def test_every_pair_with_a_method_is_compared_and_no_other(results):
    found = comparisons([board(results)], {r.cell["key"]: r for r in results}, comparer)
    (block,) = found.data["blocks"]
    titles = [method["title"] for method in block["methods"]]
    pairs = {(titles[pair["first"]], titles[pair["second"]]) for pair in block["pairs"]}
    assert pairs == {
        ("MACO", "MRM"), ("MACO", "ORACLE"), ("MACO", "STATIC_PRIOR"),
        ("MRM", "ORACLE"), ("MRM", "STATIC_PRIOR"),
    }  # fmt: skip


def test_a_pair_holds_what_the_comparison_says(results):
    by_key = {item.cell["key"]: item for item in results}
    (block,) = comparisons([board(results)], by_key, comparer).data["blocks"]
    pair = block["pairs"][0]
    direct = comparer()(results[:2], results[2:3], "auc")
    assert pair["difference"] == direct.found.difference > 0.2
    assert pair["interval"] == list(direct.found.interval)
    assert pair["p"] == direct.found.p_value
    assert pair["detectable"] == direct.found.smallest_detectable
    assert (pair["verdict"], pair["samples"]) == ("higher", CASES)
    # Those on the smaller side of the rarer class, of 60.
    assert pair["patients"] == direct.found.patients and 30 <= pair["patients"] < 60
    assert pair["samples_to_settle"] == direct.samples_to_settle
    assert pair["one_checkpoint"] and pair["classes"] == 2
    assert block["form"] == "percent_1" and block["higher"]


def test_a_reason_is_a_plain_sentence(results):
    def compare(first, second, metric):
        why = "no interval: every resample of `auc` gives *one* value"
        return Comparison(metric, PairedDifference(0.1, why=why))

    by_key = {item.cell["key"]: item for item in results}
    (block,) = comparisons([board(results)], by_key, lambda: compare).data["blocks"]
    assert {pair["why"] for pair in block["pairs"]} == {
        "No interval: every resample of auc gives one value."
    }


def test_the_same_pairs_stand_in_a_table(results):
    by_key = {item.cell["key"]: item for item in results}
    (grid,) = comparisons([board(results)], by_key, comparer).grids
    first = grid.rows[0].cells
    assert [cell.text for cell in first[:2]] == ["MACO", "MRM"]
    assert first[2].text.startswith("+") and first[2].detail.startswith("[")
    assert "one" not in grid.title and grid.title == "`rsna_zero_shot@maco`: `auc`"
    assert "speaks of that checkpoint" in grid.remark


def test_records_without_single_samples_leave_no_block(made):
    bare = [made.classification(name, 1.0, samples=None) for name in ("maco", "mrm")]
    found = comparisons([board(bare)], {r.cell["key"]: r for r in bare}, comparer)
    assert found.grids == () and "no two methods" in found.absent


def test_comparisons_can_be_left_out(results):
    assert comparisons([board(results)], {}, None).absent == "they were left out"


def test_each_test_set_has_a_comparer_of_its_own(results):
    made = []

    def counted():
        made.append(1)
        return comparer()

    by_key = {item.cell["key"]: item for item in results}
    first = board(results)
    other = page(
        sheet(*first.sheets[0].lines, heads=(head(labels="10"),)), name="other", title="other"
    )
    comparisons([first, other], by_key, counted)
    assert len(made) == 1
