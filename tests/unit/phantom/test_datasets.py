"""Which data sets a phantom holds: found by file name, the core as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmark import registry
from benchmark.errors import UsageError
from benchmark.phantom.datasets import CORE, chosen, dataset_names, further_names

if TYPE_CHECKING:
    from pathlib import Path


def test_writers_are_found_by_file_name(tmp_path: Path) -> None:
    before = further_names()
    for folder in ("phantom/writers", "data/sources"):
        place = tmp_path / "benchmark" / folder
        place.mkdir(parents=True)
        (place / "new_set.py").touch()
    (tmp_path / "benchmark/phantom/writers/shared_parts.py").touch()
    registry.add_search_root(tmp_path)
    try:
        assert further_names() == sorted([*before, "new_set"]), "a writer without reader is none"
        assert dataset_names() == [*CORE, *further_names()]
    finally:
        registry.remove_search_root(tmp_path)
    assert further_names() == before


def test_what_the_writers_share_is_no_data_set() -> None:
    assert set(CORE) <= set(registry.writer_names()) <= set(registry.source_names())
    assert not {"boxes", "common", "images", "lists"} & set(registry.writer_names())
    with pytest.raises(UsageError, match="`rsna_pneumonia`"):
        registry.writer_module("rsna_pneumnia")


def test_one_of_the_core_stands_for_all_of_it(fake_checkout: Path) -> None:
    assert chosen(None) == (True, [])
    assert chosen(CORE) == chosen(["nih_cxr14"]) == (True, [])
    assert chosen(["fake_source", "fake_source"]) == (False, ["fake_source"])
    assert chosen(["fake_source", "ms_cxr"]) == (True, ["fake_source"])
    with pytest.raises(UsageError, match="`fake_source`"):
        chosen(["fake_sorce"])
