from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data.published_lists import find_lists, parse_list, read_lists
from benchmark.errors import BadDataError

Write = Callable[[Path, str], Path]


def test_awkward_lines(tmp_path: Path, write_text: Write) -> None:
    rsna = write_text(tmp_path / "a.txt", "stage_2_train_images/00-aa.dcm 1 \nx/00-bb.dcm 0 \n\n")
    table = parse_list(rsna, ["Lung Opacity"])
    assert table["image"].tolist() == ["00-aa", "00-bb"]
    assert table["Lung Opacity"].tolist() == [1.0, 0.0]
    nih = write_text(tmp_path / "b.txt", "00000001_000.png 0 1\r\n00000002_000.png 1 0")
    assert parse_list(nih, ["a", "b"])["b"].tolist() == [1.0, 0.0]
    siim = write_text(tmp_path / "c.txt", "1.2.276.0.7230010.3.1.4.1.2.3.4\n")
    table = parse_list(siim, ["Pneumothorax"])
    assert table["image"].tolist() == ["1.2.276.0.7230010.3.1.4.1.2.3.4"]
    assert np.isnan(table["Pneumothorax"]).all()
    chexpert = write_text(tmp_path / "d.txt", "C/train/patient01/study2/view1_frontal.jpg 0 1\n")
    assert parse_list(chexpert, ["a", "b"])["image"][0] == "C/train/patient01/study2/view1_frontal"


@pytest.mark.parametrize("line", ["a.png 1", "a.png 0 1 0", "a.png 0 2", "a.png 0 x"])
def test_wrong_lines_are_named(tmp_path: Path, write_text: Write, line: str) -> None:
    path = write_text(tmp_path / "train_list.txt", f"b.png 0 1\n{line}\n")
    with pytest.raises(BadDataError, match="line 2"):
        parse_list(path, ["a", "b"])


def test_subsets_that_are_not_nested(tmp_path: Path, write_text: Write) -> None:
    folder = tmp_path / "splits_maco" / "SET"
    write_text(folder / "train_list.txt", "a.png 1\nb.png 0\nc.png 0\nd.png 0\n")
    with gzip.open(folder / "train_10.txt.gz", "wt") as file:
        file.write("b.png 0\nc.png 0\n")
    write_text(folder / "train_1.txt", "a.png 1\n")
    write_text(folder / "val_list.txt", "e.png 0\n")
    write_text(folder / "test_list.txt", "a.png 1\nf.png 0\n")
    table = read_lists(folder, ["x"])
    train = table[table["split"] == "train"].set_index("image")
    assert train["subset"].to_dict() == {"a": 1, "b": 10, "c": 10, "d": 100}
    assert train["in_10"].to_dict() == {"a": False, "b": True, "c": True, "d": False}
    assert train["in_100"].all()
    assert not table.loc[table["split"] == "test", ["in_1", "in_10", "in_100"]].any(axis=None)
    assert table["image"].tolist().count("a") == 2
    for root in (tmp_path, tmp_path / "set", tmp_path / "set" / "2.0"):
        assert list(find_lists(root, "SET", ["x"])) == ["maco_lists"]
    elsewhere = tmp_path / "1" / "2" / "3" / "4"
    assert find_lists(elsewhere, "SET", ["x"]) == {}
    for given_root in (tmp_path, tmp_path / "splits_maco", folder):
        assert find_lists(elsewhere, "SET", ["x"], given_root)


NAMES = st.from_regex(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}", fullmatch=True)


@given(rows=st.lists(st.tuples(NAMES, st.lists(st.booleans(), min_size=3, max_size=3))))
def test_any_list_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, list[bool]]]
) -> None:
    path = tmp_path_factory.mktemp("lists") / "list.txt"
    lines = [f"x/{name}.dcm {' '.join(str(int(v)) for v in values)} " for name, values in rows]
    path.write_text("\n".join(lines))
    table = parse_list(path, ["a", "b", "c"])
    assert table["image"].tolist() == [name for name, _ in rows]
    assert table[["a", "b", "c"]].to_numpy().tolist() == [[float(v) for v in vs] for _, vs in rows]
