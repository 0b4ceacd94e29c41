"""Published numbers: the parser, the join file, and that every table finds its numbers."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import BadDataError, MissingDataError
from benchmark.registry import CHECKOUT, load_task
from benchmark.reporting.layout import read_layout
from benchmark.reporting.published import (
    COLUMNS,
    SHOWN,
    STATUSES,
    WITH_VALUE,
    find,
    read_csv,
    read_files,
    read_join,
)

BOARDS = CHECKOUT / "leaderboards"
FILES = sorted((BOARDS / "published").glob("*.csv"))
LAYOUTS = [read_layout(path) for path in sorted((BOARDS / "tables").glob("*.toml"))]
UNBOUNDED = ("CNR", "GFLOPS")
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20)
VALUES = st.decimals(-999, 9999, places=2, allow_nan=False).map(str)


def write(path, rows):
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([[row[name] for name in COLUMNS] for row in rows])
    path.write_text(stream.getvalue(), encoding="utf-8")
    return path


@st.composite
def lines(draw):
    status = draw(st.sampled_from(STATUSES))
    row = {name: draw(WORDS) for name in COLUMNS}
    row |= {"status": status, "unit": draw(st.sampled_from(["percent", "fraction"]))}
    row["value"] = draw(VALUES) if status in WITH_VALUE else ""
    return row


@given(st.lists(lines(), max_size=6))
def test_what_is_written_is_read(tmp_path_factory, rows):
    path = write(tmp_path_factory.mktemp("csv") / "some.csv", rows)
    numbers = read_csv(path)
    assert [item.text for item in numbers] == [row["value"] for row in rows]
    assert [item.method for item in numbers] == [row["method"] for row in rows]
    assert all((item.value is not None) == (item.status in WITH_VALUE) for item in numbers)


@given(
    st.sampled_from(
        [
            {"status": "guessed"},
            {"unit": "points"},
            {"value": "about 80"},
            {"value": "nan"},
            {"value": "inf"},
            {"value": ""},
            {"status": "not_found"},
        ]
    )
)
def test_a_faulty_line_is_refused(tmp_path_factory, fault):
    row = dict.fromkeys(COLUMNS, "x") | {"value": "1.5", "unit": "percent", "status": "printed"}
    path = write(tmp_path_factory.mktemp("csv") / "some.csv", [row | fault])
    with pytest.raises(BadDataError, match="line 2"):
        read_csv(path)


def test_other_columns_and_missing_files_are_refused(tmp_path):
    path = tmp_path / "some.csv"
    path.write_text("paper,note\na,b\n")
    with pytest.raises(BadDataError, match="columns"):
        read_csv(path)
    with pytest.raises(MissingDataError):
        read_csv(tmp_path / "none.csv")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_parses_and_names_where_its_numbers_are_from(path):
    for item in read_csv(path):
        assert bool(item.source) == (item.status in WITH_VALUE)
        assert len(item.source) < 70


def test_no_cnr_is_a_percentage():
    for path in FILES:
        assert all(item.unit == "fraction" for item in read_csv(path) if item.metric == "CNR")


def cells():
    """Every published cell that a table or a table by class names, with our metric."""
    for layout in LAYOUTS:
        numbers = [n for s in layout.published for n in read_csv(BOARDS / "published" / f"{s}.csv")]
        for row in layout.rows:
            for column in layout.columns if row.published else ():
                ours = column.metrics.get(row.published_form) or column.metrics.get("")
                yield layout, row, column.title, column.published, ours, numbers
            for extra in layout.extras if row.published else ():
                yield layout, row, extra.title, extra.published, extra.metric, numbers


# A detector takes the encoder alone, so our G2D is no measurement of that row.
UNMEASURED = {("g2d_table1_detection", "G2D (encoder-decoder)")}


def test_join_covers_every_method_and_metric_of_every_table():
    join = read_join(BOARDS / "published" / "join.toml")
    count = 0
    for layout, row, title, named, ours, numbers in cells():
        if not named:
            continue
        place = f"{layout.name}, {row.title}, {title}"
        item = find(
            numbers,
            method=row.published,
            dataset=named["dataset"],
            metric=named["metric"],
            labels_percent=named["labels"],
            task=named.get("task", ""),
        )
        assert item is not None, place
        measured = (layout.name, row.title) not in UNMEASURED
        assert row.baseline == (join.baseline(item) if measured else ""), place
        if ours is None:
            # Published alone: no record holds this form (tau_w 0.01).
            assert not row.baseline, place
        else:
            assert ours in join.metrics[item.metric], place
        if item.value is not None:
            assert item.status in SHOWN, place
            value = join.in_our_unit(item)
            assert value == item.value if item.metric in UNBOUNDED else 0 < value < 1, place
            count += 1
    assert count > 300


def test_join_names_existing_baselines():
    from benchmark.registry import load_baseline

    join = read_join(BOARDS / "published" / "join.toml")
    used = {name for names in join.methods.values() for name in names.values() if name}
    # A name may hold options: `g2d+heads=1`.
    assert {load_baseline(name).name for name in used} == used


def test_a_table_of_a_paper_shows_all_its_methods():
    for layout in LAYOUTS:
        shown = {row.published for row in layout.rows} - {""}
        numbers = [n for s in layout.published for n in read_csv(BOARDS / "published" / f"{s}.csv")]
        assert shown <= {item.method for item in numbers}, layout.name
        # A name without a single number stands for comparators that no source at hand names.
        # A number without a method is of a data set.
        printed = {item.method for item in numbers if item.status in SHOWN}
        assert printed - {""} <= shown, layout.name


def test_a_table_by_class_has_the_papers_classes():
    layout = next(item for item in LAYOUTS if item.name == "g2d_table3")
    assert len(layout.extras) == 3
    numbers = read_csv(BOARDS / "published" / "g2d_table3.csv")
    for extra in layout.extras:
        of_it = [n for n in numbers if n.labels_percent == extra.published["labels"]]
        assert {n.class_name for n in of_it} - {""} == set(load_task(extra.task).classes)


def test_a_table_reads_the_published_fraction_that_it_shows():
    for layout in LAYOUTS:
        for column in layout.columns:
            if column.published:
                wanted = "0" if column.labels == "all" else column.labels
                # A cost has no label fraction.
                named = column.published["labels"] or "0"
                assert named == wanted, f"{layout.name}, {column.title}"


def test_every_column_names_a_task_a_variant_and_a_fraction_that_exist():
    for layout in LAYOUTS:
        for column in layout.columns:
            task = load_task(column.task)
            place = f"{layout.name}, {column.title}"
            assert set(column.variants) <= set(task.variants), place
            offered = {f"{percent:g}" for percent in task.label_percents}
            assert column.labels in (offered or {"all"}), place


def test_what_makes_a_paper_comparable_are_fields_of_the_recipe():
    for layout in LAYOUTS:
        for item in [*layout.columns, *layout.extras]:
            recipes = load_task(item.task).variants.values()
            for name in item.paper_recipe:
                assert all(hasattr(recipe, name) for recipe in recipes), layout.name


def test_scale_that_is_missing_is_named(leaderboards):
    join = read_join(leaderboards / "published" / "join.toml")
    (number, *_) = read_csv(leaderboards / "published" / "paper_table1.csv")
    assert join.in_our_unit(number) == pytest.approx(0.905)
    import dataclasses

    with pytest.raises(BadDataError, match="fraction"):
        join.in_our_unit(dataclasses.replace(number, unit="fraction"))


def test_margins_are_in_our_unit_and_every_metric_of_a_table_has_one():
    join = read_join(BOARDS / "published" / "join.toml")
    assert dict(join.margins) == {
        "AUC": 0.01,
        "F1": 0.02,
        "ACC": 0.02,
        "mAP": 0.02,
        "mIoU": 0.02,
        "PG": 0.03,
        "Recall": 0.02,
        "IoU": 0.02,
        "Dice": 0.02,
        "GFLOPS": 0.1,
        "CNR": 0.05,
    }
    shown = {
        item.published["metric"]
        for layout in LAYOUTS
        for item in (*layout.columns, *layout.extras)
        if item.published
    }
    assert shown <= set(join.margins)


def test_less_is_better_for_a_cost_alone():
    join = read_join(BOARDS / "published" / "join.toml")
    assert [name for name, higher in join.higher_is_better.items() if not higher] == ["GFLOPS"]
    assert set(join.higher_is_better) == set(join.metrics)


@pytest.mark.parametrize("margin", ["0", "-0.01", "nan", "inf", "true", '"0.01"'])
def test_a_margin_that_is_none_is_refused(leaderboards, margin):
    path = leaderboards / "published" / "join.toml"
    text = path.read_text(encoding="utf-8")
    assert not read_join(path).margins
    path.write_text(text + f"margin = {margin}\n", encoding="utf-8")
    with pytest.raises(BadDataError, match="margin of `AUC`"):
        read_join(path)


def test_a_metric_without_a_margin_gets_no_verdict_and_more_of_it_is_better(leaderboards):
    path = leaderboards / "published" / "join.toml"
    assert read_join(path).margins == {}
    assert read_join(path).higher_is_better == {"AUC": True}
    more = "margin = 0.01\nhigher_is_better = false\n"
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    assert read_join(path).margins == {"AUC": 0.01}
    assert read_join(path).higher_is_better == {"AUC": False}


def test_files_are_read_in_the_order_asked_for(leaderboards):
    folder = leaderboards / "published"
    text = (folder / "paper_table1.csv").read_text(encoding="utf-8")
    (folder / "another.csv").write_text(text, encoding="utf-8")
    numbers = read_files(folder, ["paper_table1", "another"])
    assert [item.file for item in numbers] == ["paper_table1"] * 2 + ["another"] * 2
    assert read_files(folder, []) == []
    with pytest.raises(MissingDataError):
        read_files(folder, ["none"])
