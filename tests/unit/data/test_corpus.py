from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmark.data.corpus import read_corpus
from benchmark.data.manifest import Manifest
from benchmark.errors import MissingDataError
from benchmark.recipes import PretrainRecipe

Make = Callable[..., Manifest]
RECIPE = PretrainRecipe(source="test")


def manifest(make: Make, **columns: object) -> Manifest:
    reports = {f"s{number}": f" FINDINGS: finding {number}.\n" for number in range(5)}
    reports["s4"] = " HISTORY: only history.\n"
    values = {"view": ["frontal", "lateral", "frontal", "frontal", "frontal", "frontal"]}
    return make(
        [f"t:{number // 2}" for number in range(6)], reports=reports, **{**values, **columns}
    )


def test_views_texts_and_counts(make_manifest: Make) -> None:
    corpus = read_corpus(manifest(make_manifest), RECIPE)
    assert corpus.rows.tolist() == [0, 2, 3]
    assert corpus.texts == ("finding 0.", "finding 2.", "finding 3.")
    assert corpus.views == {"frontal": 5, "lateral": 1}
    assert corpus.empty_reports == 2
    every = read_corpus(manifest(make_manifest), RECIPE.replaced({"views": "all"}))
    assert every.rows.tolist() == [0, 1, 2, 3]


def test_only_the_training_part(make_manifest: Make) -> None:
    split = ["train", "train", "test", "train", "train", "validation"]
    assert read_corpus(manifest(make_manifest, split=split), RECIPE).rows.tolist() == [0, 3]


def test_tested_patients_are_dropped_unless_included(make_manifest: Make) -> None:
    table = manifest(make_manifest)
    for excluded in ({"t:1", "t:9"}, {"grounding": {"t:1"}, "other": {"t:1", "t:8"}}):
        corpus = read_corpus(table, RECIPE, excluded)
        assert corpus.rows.tolist() == [0]
        assert (corpus.dropped_patients, corpus.dropped_images) == (1, 2)
    assert corpus.dropped_by_task == {"grounding": 1, "other": 1}
    assert corpus.unread_splits == ()
    unread = read_corpus(table, RECIPE, {}, ["boxes@official"])
    assert (unread.dropped_patients, unread.unread_splits) == (0, ("boxes@official",))
    kept = read_corpus(table, RECIPE.replaced({"ms_cxr_in_pretraining": "include"}), {"t:1"})
    assert kept.rows.tolist() == [0, 2, 3]
    assert kept.dropped_patients == 0


def test_unknown_views_are_all_kept(make_manifest: Make) -> None:
    assert len(read_corpus(manifest(make_manifest, view="unknown"), RECIPE)) == 4


def test_nothing_left_is_an_error(make_manifest: Make) -> None:
    with pytest.raises(MissingDataError, match="no reports"):
        read_corpus(make_manifest(["t:1"]), RECIPE)
    with pytest.raises(MissingDataError, match="none is left"):
        read_corpus(manifest(make_manifest), RECIPE, {"t:0", "t:1", "t:2"})
