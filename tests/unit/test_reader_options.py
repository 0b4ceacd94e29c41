"""Options of readers: known by name, in the type of their default."""

from __future__ import annotations

import pytest

from benchmark.errors import UsageError
from benchmark.reader_options import reader_options


def test_text_of_the_command_line_is_json_where_the_default_is_no_text():
    assert reader_options("covid_idc", {"views": '["PA"]'}) == {"views": ("PA",)}
    assert reader_options("covid_idc", {"views": ["PA", "AP"]}) == {"views": ("PA", "AP")}
    assert reader_options("csv_pairs", {"file": "pairs.csv"}) == {"file": "pairs.csv"}


@pytest.mark.parametrize(
    ("dataset", "given", "words"),
    [
        ("covid_idc", {"views": "PA"}, "written as JSON"),
        ("covid_idc", {"view": "PA"}, "`views`"),
        ("covid_idc", {"root": "x"}, "root"),
        ("csv_pairs", {"file": 3}, "must be a str"),
    ],
)
def test_mistakes_are_named(dataset, given, words):
    with pytest.raises(UsageError, match=words):
        reader_options(dataset, given)
