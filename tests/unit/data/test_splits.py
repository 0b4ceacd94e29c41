from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark.data.manifest import BOX_COLUMNS, Manifest
from benchmark.data.splits import overlaps, sample_rows, split_rows, subset_rows
from benchmark.errors import LeakError, MissingDataError, UsageError

Make = Callable[..., Manifest]
PARTS = ("train", "validation", "test")


def clinic(make: Make, patients: int = 300, seed: int = 0) -> Manifest:
    """Patients with one to four images and three findings of falling frequency."""
    generator = np.random.default_rng(seed)
    names = [f"t:{patient}" for patient in range(patients) for _ in range(generator.integers(1, 5))]
    labels = {
        name: (generator.random(len(names)) < share).astype(float)
        for name, share in (("common", 0.4), ("seldom", 0.1), ("rare", 0.02))
    }
    return make(names, labels)


def owners(manifest: Manifest, rows: np.ndarray) -> set[str]:
    return set(manifest.images["patient"].iloc[rows])


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(patients=st.integers(10, 120), seed=st.integers(0, 99))
def test_clean_is_by_patient_and_whole(make_manifest: Make, patients: int, seed: int) -> None:
    manifest = clinic(make_manifest, patients, seed)
    rows = split_rows(manifest, "clean", seed)
    everything = np.concatenate([rows.train, rows.validation, rows.test])
    assert np.array_equal(np.sort(everything), np.arange(len(manifest)))
    sizes = [len(owners(manifest, getattr(rows, part))) for part in PARTS]
    assert sum(sizes) == patients
    for size, share in zip(sizes, (0.7, 0.1, 0.2)):
        assert abs(size - share * patients) <= 3


def test_clean_shares_are_stratified(make_manifest: Make) -> None:
    manifest = clinic(make_manifest, 3000)
    rows = split_rows(manifest, "clean")
    assert len(rows.test) / len(manifest) == pytest.approx(0.2, abs=0.01)
    assert len(rows.validation) / len(manifest) == pytest.approx(0.1, abs=0.01)
    for name in manifest.classes:
        whole = manifest.labels[name].mean()
        assert manifest.labels[name].iloc[rows.test].mean() == pytest.approx(whole, rel=0.2)


def test_clean_does_not_depend_on_the_order_of_rows(make_manifest: Make) -> None:
    manifest = clinic(make_manifest)
    order = np.random.default_rng(1).permutation(len(manifest))
    shuffled = manifest.take(order)
    for part in PARTS:
        first = getattr(split_rows(manifest, "clean", 3), part)
        second = getattr(split_rows(shuffled, "clean", 3), part)
        assert set(manifest.images["image"].iloc[first]) == set(
            shuffled.images["image"].iloc[second]
        )
        few = [
            set(table.images["image"].iloc[sample_rows(table, rows, 10, 0)])
            for table, rows in ((manifest, first), (shuffled, second))
        ]
        assert few[0] == few[1]


def test_other_seeds_give_other_splits(make_manifest: Make) -> None:
    manifest = clinic(make_manifest)
    tests = [split_rows(manifest, "clean", seed).test.tolist() for seed in (0, 1)]
    assert tests[0] != tests[1]


def test_unlabelled_rows_are_left_out_of_clean(make_manifest: Make) -> None:
    labels = {"a": [1.0, 0.0] * 20 + [np.nan] * 10}
    rows = split_rows(make_manifest([f"t:{n}" for n in range(50)], labels), "clean")
    assert len(rows.train) + len(rows.validation) + len(rows.test) == 40
    assert rows.overlaps["unlabelled"] == 10


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 99), data_seed=st.integers(0, 99))
def test_subsets_are_nested_by_patient_and_cover(
    make_manifest: Make, seed: int, data_seed: int
) -> None:
    manifest = clinic(make_manifest, 400, data_seed)
    rows = split_rows(manifest, "clean")
    subsets = [subset_rows(manifest, rows, percent, seed) for percent in (1, 5, 10, 50, 100)]
    for smaller, larger in pairwise(subsets):
        assert set(smaller) <= set(larger)
    for percent, subset in zip((1, 5, 10, 50, 100), subsets):
        wanted = len(rows.train) * percent / 100
        assert wanted - 1 <= len(subset) <= wanted + 5
        rest = np.setdiff1d(rows.train, subset)
        assert not owners(manifest, subset) & owners(manifest, rest)
    tenth = manifest.labels.iloc[subsets[2]]
    available = manifest.labels.iloc[rows.train]
    for name in manifest.classes:
        for value in (0, 1):
            assert (tenth[name] == value).any() or not (available[name] == value).any()


def test_official_split_and_carved_validation(make_manifest: Make) -> None:
    names = [f"t:{number}" for number in range(200)]
    manifest = make_manifest(names, {"a": [0.0] * 200}, split=["train"] * 150 + ["test"] * 50)
    rows = split_rows(manifest, "official")
    assert rows.test.tolist() == list(range(150, 200))
    assert 13 <= len(rows.validation) <= 17
    assert "carved" in rows.source
    whole = make_manifest(names[:3], split=["train", "validation", "test"])
    assert split_rows(whole, "official").source == "official"


def test_a_patient_in_two_official_parts_is_an_error(make_manifest: Make) -> None:
    parts = ["train", "validation", "test"]
    manifest = make_manifest(["t:1", "t:2", "t:1"], split=parts)
    with pytest.raises(LeakError, match="train and test"):
        split_rows(manifest, "official")
    with pytest.raises(LeakError, match="validation and test"):
        split_rows(make_manifest(["t:1", "t:2", "t:2"], split=parts), "official")


def test_phrases_without_a_split_are_cut_in_validation_and_test(make_manifest: Make) -> None:
    boxes = pd.DataFrame([["i0", "a", "some phrase", 0, 0, 1, 1, 9, 9, ""]], columns=BOX_COLUMNS)
    manifest = make_manifest([f"t:{number}" for number in range(100)], boxes=boxes)
    rows = split_rows(manifest, "official")
    assert len(rows.train) == 0
    assert len(rows.validation) == pytest.approx(30, abs=1)
    assert len(rows.validation) + len(rows.test) == 100


def test_official_without_a_split_says_so(make_manifest: Make) -> None:
    with pytest.raises(MissingDataError, match="official split"):
        split_rows(make_manifest(["t:1"]), "official")


def published(**changes: object) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "image": ["i0", "i1", "i2", "i3", "i0"],
            "split": ["train", "train", "validation", "test", "test"],
            "subset": [1, 10, 100, 100, 100],
            "in_1": [True, False, False, False, False],
            "in_10": [False, True, False, False, False],
            "in_100": [True, True, False, False, False],
            "a": [1.0, 0.0, 1.0, 1.0, 1.0],
        }
    ).assign(**changes)


def test_a_published_list_is_used_as_published(make_manifest: Make) -> None:
    labels = {"a": [0.0, 0.0, 0.0, np.nan, 0.0]}
    manifest = make_manifest(
        ["t:0", "t:1", "t:1", "t:3", "t:4"], labels, lists={"maco_lists": published()}
    )
    rows = split_rows(manifest, "maco_lists")
    assert rows.train.tolist() == [0, 1]
    assert rows.test.tolist() == [0, 3]
    assert rows.overlaps["train-test"] == {"images": 1, "patients": 1}
    assert rows.overlaps["train-validation"] == {"images": 0, "patients": 1}
    assert rows.labels is not None
    assert rows.labels["a"].tolist() == [1.0, 0.0, 1.0, 1.0, 0.0]
    assert subset_rows(manifest, rows, 1, 7).tolist() == [0]
    assert subset_rows(manifest, rows, 10, 7).tolist() == [1]
    assert subset_rows(manifest, rows, 100, 7).tolist() == [0, 1]
    assert overlaps(manifest, rows.train, rows.test) == {"images": 1, "patients": 1}


def test_lists_that_are_absent_incomplete_or_misspelt(make_manifest: Make) -> None:
    patients = ["t:0", "t:1", "t:2"]
    with pytest.raises(MissingDataError, match="splits_maco"):
        split_rows(make_manifest(patients), "maco_lists")
    lists = {"maco_lists": published()}
    with pytest.raises(UsageError, match="maco_lists"):
        split_rows(make_manifest(patients, lists=lists), "maco_list")
    with pytest.raises(MissingDataError, match="`i3`"):
        split_rows(make_manifest(patients, lists=lists), "maco_lists")
    rows = split_rows(make_manifest(patients, lists=lists, partial=1), "maco_lists")
    assert rows.overlaps["absent"] == 1
    without = {"maco_lists": published(in_100=False)}
    manifest = make_manifest([f"t:{number}" for number in range(4)], lists=without)
    with pytest.raises(MissingDataError, match="100 %"):
        subset_rows(manifest, split_rows(manifest, "maco_lists"), 100, 0)
