"""Published numbers: the parser, the join file, and that every table finds its numbers."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import BadDataError, MissingDataError
from benchmark.registry import CHECKOUT
from benchmark.reporting.layout import read_layout
from benchmark.reporting.published import (
    COLUMNS,
    SHOWN,
    STATUSES,
    WITH_VALUE,
    find,
    read_csv,
    read_join,
)

BOARDS = CHECKOUT / "leaderboards"
FILES = sorted((BOARDS / "published").glob("*.csv"))
LAYOUTS = [read_layout(path) for path in sorted((BOARDS / "tables").glob("*.toml"))]
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
    for layout in LAYOUTS:
        numbers = [n for s in layout.published for n in read_csv(BOARDS / "published" / f"{s}.csv")]
        for row in layout.rows:
            for column in layout.columns:
                if row.published and column.published:
                    yield layout, row, column, numbers


def test_join_covers_every_method_and_metric_of_every_table():
    join = read_join(BOARDS / "published" / "join.toml")
    count = 0
    for layout, row, column, numbers in cells():
        place = f"{layout.name}, {row.title}, {column.title}"
        item = find(
            numbers,
            method=row.published,
            dataset=column.published["dataset"],
            metric=column.published["metric"],
            labels_percent=column.published["labels"],
        )
        assert item is not None, place
        assert join.baseline(item) == row.baseline, place
        ours = column.metrics.get(row.published_form) or column.metrics[""]
        assert ours in join.metrics[item.metric], place
        if item.value is not None:
            assert item.status in SHOWN, place
            value = join.in_our_unit(item)
            assert value == item.value if item.metric == "CNR" else 0 < value < 1, place
            count += 1
    assert count > 40


def test_join_names_existing_baselines():
    from benchmark.registry import baseline_names

    join = read_join(BOARDS / "published" / "join.toml")
    used = {name for names in join.methods.values() for name in names.values() if name}
    assert used <= set(baseline_names())


def test_a_table_of_a_paper_shows_all_its_methods():
    for layout in LAYOUTS:
        for stem in layout.published:
            methods = {item.method for item in read_csv(BOARDS / "published" / f"{stem}.csv")}
            assert methods == {row.published for row in layout.rows} - {""}, layout.name


def test_scale_that_is_missing_is_named(leaderboards):
    join = read_join(leaderboards / "published" / "join.toml")
    (number, *_) = read_csv(leaderboards / "published" / "paper_table1.csv")
    assert join.in_our_unit(number) == pytest.approx(0.905)
    import dataclasses

    with pytest.raises(BadDataError, match="fraction"):
        join.in_our_unit(dataclasses.replace(number, unit="fraction"))
