from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark import registry
from benchmark.data import list_facts, splits
from benchmark.data.cutting import cut_by_count
from benchmark.data.list_facts import SplitRule, described_datasets, facts_of, rules_of
from benchmark.data.manifest import Manifest
from benchmark.data.splits import split_rows
from benchmark.errors import LeakError, MissingDataError, UsageError

Make = Callable[..., Manifest]
PARTS = ("train", "validation", "test")


def clinic(make: Make, images: list[int], seed: int = 0, **columns: object) -> Manifest:
    """One patient an entry, with so many images and a finding of one in four."""
    generator = np.random.default_rng(seed)
    names = [f"t:{patient}" for patient, count in enumerate(images) for _ in range(count)]
    labels = {"a": (generator.random(len(names)) < 0.25).astype(float)}
    return make(names, labels, **columns)


def sizes(manifest: Manifest, split: str, seed: int = 0) -> dict[str, int]:
    rows = split_rows(manifest, split, seed)
    return {part: len(getattr(rows, part)) for part in PARTS}


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> dict[str, SplitRule]:
    """Rules of the data set `toy`, to be filled by a test."""
    found: dict[str, SplitRule] = {}
    monkeypatch.setattr(splits, "rules_of", lambda dataset: found)
    return found


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    images=st.lists(st.integers(1, 9), min_size=3, max_size=60),
    test=st.integers(1, 40),
    validation=st.integers(1, 40),
    seed=st.integers(0, 9),
)
def test_counts_are_filled_by_whole_patients(
    make_manifest: Make, images: list[int], test: int, validation: int, seed: int
) -> None:
    manifest = clinic(make_manifest, images)
    rows = np.arange(len(manifest))
    parts = cut_by_count(manifest, rows, {"test": test, "validation": validation}, (seed,))
    assert np.array_equal(np.sort(np.concatenate(list(parts.values()))), rows)
    people = [set(manifest.images["patient"].iloc[parts[part]]) for part in PARTS]
    assert sum(len(part) for part in people) == len(images)
    for part, wanted in (("test", test), ("validation", validation)):
        one_patient = len(people[PARTS.index(part)]) == 1
        assert len(parts[part]) <= wanted or one_patient
        assert people[PARTS.index(part)] or len(people[0]) <= 1


def test_a_count_is_reached_exactly_where_patients_of_one_image_are_left(
    make_manifest: Make,
) -> None:
    manifest = clinic(make_manifest, [1] * 100 + [7] * 50)
    parts = cut_by_count(manifest, np.arange(450), {"test": 123, "validation": 61}, ("x",))
    assert [len(parts[part]) for part in PARTS] == [266, 61, 123]


def test_a_cut_does_not_depend_on_the_order_of_rows(make_manifest: Make) -> None:
    manifest = clinic(make_manifest, [1, 2, 3, 4] * 25)
    shuffled = manifest.take(np.random.default_rng(0).permutation(len(manifest)))
    named = []
    for table in (manifest, shuffled):
        parts = cut_by_count(table, np.arange(len(table)), {"test": 60}, ("x", 1))
        named.append(set(table.images["image"].iloc[parts["test"]]))
    assert named[0] == named[1]


def test_a_rule_takes_official_parts_whole(
    make_manifest: Make, rules: dict[str, SplitRule]
) -> None:
    split = ["train"] * 900 + ["test"] * 100
    manifest = clinic(make_manifest, [1] * 1000, split=split)
    rules["paper"] = SplitRule(
        counts={"train": 810, "validation": 90, "test": 100}, source="P", whole={"test": "test"}
    )
    rows = split_rows(manifest, "paper")
    assert rows.test.tolist() == list(range(900, 1000))
    assert sizes(manifest, "paper") == {"train": 810, "validation": 90, "test": 100}
    assert "P" in rows.source and not rows.leaks
    assert rows.overlaps["left_out"] == 0
    share = manifest.labels["a"].iloc[rows.validation].mean()
    assert share == pytest.approx(manifest.labels["a"].iloc[:900].mean(), abs=0.02)
    assert split_rows(manifest, "paper", 1).validation.tolist() != rows.validation.tolist()


def test_a_part_of_the_set_is_cut_in_proportion(
    make_manifest: Make, rules: dict[str, SplitRule]
) -> None:
    manifest = clinic(make_manifest, [1] * 50, split="train")
    rules["paper"] = SplitRule(counts={"train": 600, "validation": 200, "test": 200}, source="P")
    assert sizes(manifest, "paper") == {"train": 30, "validation": 10, "test": 10}
    narrow = SplitRule(counts={"train": 980, "validation": 20}, source="P")
    assert [narrow.wanted(pool)["validation"] for pool in (1000, 500, 100, 3)] == [20, 20, 10, 1]
    few = clinic(make_manifest, [1] * 3, split="train")
    assert sizes(few, "paper") == {"train": 1, "validation": 1, "test": 1}


def test_view_label_study_and_column_of_a_rule(
    make_manifest: Make, rules: dict[str, SplitRule]
) -> None:
    manifest = make_manifest(
        ["t:0", "t:0", "t:1", "t:1", "t:2", "t:3"],
        {"a": [1.0, 0.0, np.nan, 0.0, 1.0, 0.0]},
        view=["frontal", "lateral", "frontal", "frontal", "frontal", "frontal"],
        study=["s0", "s0", "s1", "s1", "s2", "s3"],
        part=["test", "test", "test", "test", "train", "train"],
    )
    rules["zero_shot"] = SplitRule(
        counts={"test": 2}, source="P", whole={"test": "test"}, column="part",
        view="frontal", one_a_study=True,
    )  # fmt: skip
    assert split_rows(manifest, "zero_shot").test.tolist() == [0, 2]
    assert sizes(manifest, "zero_shot")["train"] == 0
    rules["labelled"] = SplitRule(
        counts={"train": 3, "test": 2}, source="P", pool="all", labelled="a"
    )
    rows = split_rows(manifest, "labelled")
    assert 2 not in {*rows.train.tolist(), *rows.test.tolist()}
    assert rows.overlaps["left_out"] == 1


def test_a_rule_says_what_is_missing_or_leaks(
    make_manifest: Make, rules: dict[str, SplitRule]
) -> None:
    whole = SplitRule(counts={"train": 2, "test": 1}, source="P", whole={"test": "test"})
    rules["paper"] = whole
    with pytest.raises(MissingDataError, match="official part `test`"):
        split_rows(make_manifest(["t:0", "t:1"], split="train"), "paper")
    with pytest.raises(LeakError, match="train and test"):
        split_rows(make_manifest(["t:0", "t:1", "t:0"], split=["train", "train", "test"]), "paper")
    with pytest.raises(MissingDataError, match="clean, official, paper"):
        split_rows(make_manifest(["t:0"]), "papr")


def test_a_misspelt_rule_gets_a_near_name_where_lists_are_there(
    make_manifest: Make, rules: dict[str, SplitRule]
) -> None:
    rules["paper"] = SplitRule(counts={"train": 1}, source="P")
    table = make_manifest(["t:0"]).images[["image"]].assign(split="train")
    with pytest.raises(UsageError, match="`paper`"):
        split_rows(make_manifest(["t:0"], lists={"maco_lists": table}), "papers")


def test_what_is_published_belongs_to_a_reader_and_adds_up() -> None:
    printed = {
        ("nih_cxr14", "kad"): (77_872, 8_652, 25_596),
        ("nih_cxr14", "medklip"): (89_696, 11_212, 11_212),
        ("rsna_pneumonia", "mgca"): (16_010, 5_337, 5_337),
        ("chexpert", "maco"): (218_414, 5_000, 234),
        ("chexpert", "g2d"): (186_027, 5_000, 202),
        ("siim_acr", "g2d"): (8_433, 1_807, 1_807),
        ("covidx", "g2d"): (23_988, 5_998, 400),
    }
    for (dataset, name), counts in printed.items():
        assert tuple(rules_of(dataset)[name].counts.values()) == counts
    full = {
        ("nih_cxr14", "kad"): 86_524,
        ("nih_cxr14", "medklip"): 112_120,
        ("rsna_pneumonia", "mgca"): 26_684,
        ("rsna_pneumonia", "gloria"): 26_684,
        ("chexpert", "maco"): 223_414,
        ("chexpert", "g2d"): 191_027,
        ("siim_acr", "g2d"): 12_047,
    }
    for (dataset, name), pool in full.items():
        rule = rules_of(dataset)[name]
        assert sum(rule.drawn.values()) == pool
        assert rule.wanted(pool) == {
            part: rule.counts[part] for part in ("test", "validation") if part in rule.drawn
        }
    assert set(described_datasets()) <= set(registry.source_names())
    for dataset in described_datasets():
        assert Counter(rules_of(dataset))["clean"] == Counter(rules_of(dataset))["official"] == 0
        for rule in rules_of(dataset).values():
            assert rule.source and set(rule.counts) <= set(PARTS)
        origin = facts_of(dataset).origin
        assert origin is None or origin.dataset in registry.source_names()


def test_a_data_set_without_a_module_has_nothing_published() -> None:
    assert rules_of("toy") == {} and facts_of("toy").folder == ""
    assert list_facts.published_module("__init__") is None
