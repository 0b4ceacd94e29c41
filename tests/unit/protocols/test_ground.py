from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from fakes import FakeRepresentation, make_context, make_manifest, text_code
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import BadDataError
from benchmark.protocols import ground
from benchmark.protocols.pairs import read_pairs, swap_partners
from benchmark.protocols.phrases import clean_phrase
from benchmark.recipes import GroundRecipe

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.data.manifest import Manifest

COLUMNS = ["image", "label", "phrase", "x", "y", "w", "h", "width", "height", "split"]


def boxes() -> pd.DataFrame:
    rows = [
        ("i31", "Edema", "Hazy edema in both bases.", 0, 0, 10, 10),
        ("i31", "Edema", "hazy edema in both bases.", 10, 10, 5, 5),
        ("i31", "Mass", "a mass on the right", 2, 2, 4, 4),
        ("i35", "Mass", "large mass", 1, 1, 8, 8),
        ("i45", "Edema", "Edema is seen. ___. , old. No mass here", 5, 0, 10, 20),
        ("i50", "Mass", "", 3, 3, 3, 3),
        ("i3", "Mass", "training mass", 3, 3, 3, 3),
    ]
    shaped = [(*row, 20 + 8 * (int(row[0][1:]) % 3), 20, "") for row in rows]
    return pd.DataFrame(shaped, columns=COLUMNS)


@pytest.fixture
def manifest() -> Manifest:
    return make_manifest(boxes=boxes())


def context_in(tmp_path: Path, manifest: Manifest, **more: Any) -> Any:
    recipe = GroundRecipe(source="test", batch_size=2, frame=20)
    return make_context(tmp_path, recipe, "ground", manifest=manifest, **more)


def test_pairs_merge_boxes_of_one_phrase(manifest: Manifest) -> None:
    pairs = read_pairs(manifest, np.arange(30, 40), 20, "squash")
    assert list(pairs.ids) == ["i31#0", "i31#1", "i35#0"]
    assert list(pairs.categories) == ["Edema", "Mass", "Mass"]
    assert list(pairs.box_pair) == [0, 0, 1, 2]
    # i31 is 28 wide and 20 high.
    np.testing.assert_allclose(pairs.boxes[1], [10 * 20 / 28, 10, 5 * 20 / 28, 5], rtol=1e-6)


def test_stored_form_and_values(tmp_path: Path, manifest: Manifest) -> None:
    representation = FakeRepresentation()
    stored = ground.run(context_in(tmp_path, manifest, representation=representation)).predictions
    assert list(stored["split"]) == ["validation"] * 3 + ["test"] * 2
    assert list(stored["box_pair"]) == [0, 0, 1, 2, 3, 4]
    assert list(stored["grid"]) == [4, 4]
    assert list(stored["frame"]) == [20]
    assert all(array.dtype != object for array in stored.values())
    context = context_in(tmp_path, manifest)
    from benchmark.protocols.features import evaluation_reader

    reader = evaluation_reader(context, representation)
    features = representation.patch_features(reader.read(np.array([45])), projected=True)[0]
    text = text_code("edema is seen. no mass here.")
    np.testing.assert_allclose(
        stored["similarities"][3], (features @ text).detach().numpy(), rtol=1e-5
    )
    cosine = torch.cosine_similarity(features, text[None], dim=1).detach().numpy()
    np.testing.assert_allclose(stored["similarities_cosine"][3], cosine, rtol=1e-4)
    other = text_code("findings suggesting mass.")
    np.testing.assert_allclose(
        stored["similarities_swapped"][3], (features @ other).detach().numpy(), rtol=1e-5
    )
    np.testing.assert_array_equal(stored["weights"], representation.scoring.weight[0].detach())
    texts = representation.encoded_texts
    assert len(texts) == len(set(texts))


def test_batch_size_does_not_matter(tmp_path: Path, manifest: Manifest) -> None:
    context = context_in(tmp_path, manifest)
    large = dataclasses.replace(context, recipe=dataclasses.replace(context.recipe, batch_size=50))
    first, second = ground.run(context).predictions, ground.run(large).predictions
    for name in first:
        if name.startswith("similarities"):
            np.testing.assert_allclose(first[name], second[name], rtol=1e-4, atol=1e-6)


def test_unprojected_features_are_another_map(tmp_path: Path, manifest: Manifest) -> None:
    context = context_in(tmp_path, manifest)
    recipe = dataclasses.replace(context.recipe, projected=False)
    other = ground.run(dataclasses.replace(context, recipe=recipe)).predictions
    assert not np.allclose(other["similarities"], ground.run(context).predictions["similarities"])


def test_swapped_phrases_fit_neither_category_nor_patient(manifest: Manifest) -> None:
    pairs = read_pairs(manifest, np.arange(60), 20, "squash")
    partners, relaxed = swap_partners(pairs, "task", "test")
    for index, partner in enumerate(partners):
        assert pairs.categories[index] != pairs.categories[partner]
        assert pairs.patients[index] != pairs.patients[partner]
    assert relaxed == 0
    again, _ = swap_partners(pairs, "task", "test")
    assert np.array_equal(partners, again)
    alone = read_pairs(manifest, np.array([3]), 20, "squash")
    assert swap_partners(alone, "x")[0].tolist() == [0]
    assert swap_partners(alone, "x")[1] == 1


def test_sentinel_gets_reference_pairs_of_training(tmp_path: Path, manifest: Manifest) -> None:
    seen = []

    def predict(samples: Any, truth: Any, generator: Any) -> Any:
        seen.append((samples, truth))
        shape = (len(samples.ids), samples.grid[0] * samples.grid[1])
        return {"similarities": np.ones(shape, np.float32), "weights": np.arange(shape[1])}

    stored = ground.run(context_in(tmp_path, manifest, predict=predict)).predictions
    assert stored["similarities"].shape == (5, 196)
    assert stored["weights"].shape == (196,)
    assert list(seen[0][0].reference["category"]) == ["Mass"]
    assert list(seen[1][1]["box_pair"]) == [0, 1]
    assert list(seen[0][0].metadata["patients"]) == ["x:15", "x:15", "x:17"]
    assert "similarities_cosine" not in stored


def test_sentinel_learns_from_validation_without_training_pairs(
    tmp_path: Path, manifest: Manifest
) -> None:
    def predict(samples: Any, truth: Any, generator: Any) -> Any:
        return {"similarities": np.ones((len(samples.ids), 196), np.float32)}

    few = dataclasses.replace(manifest, boxes=manifest.boxes[manifest.boxes["image"] != "i3"])
    outcome = ground.run(context_in(tmp_path, few, predict=predict))
    assert outcome.selection["reference_split"] == "validation"
    assert outcome.predictions["weights"].shape == (0,)


def test_no_boxes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadDataError, match="no boxes"):
        ground.run(context_in(tmp_path, make_manifest()))


def test_phrase_cleaning() -> None:
    assert clean_phrase("Small LEFT effusion. tiny. , and more text. by Dr ___ today") == (
        "small left effusion."
    )
    assert clean_phrase("Edema.") == "edema."
    shuffled = clean_phrase("first piece. second piece. third piece", np.random.default_rng(1))
    assert sorted(shuffled.split(". ")) != shuffled.split(". ") or shuffled.startswith("first")
    assert set(shuffled.rstrip(".").split(". ")) == {"first piece", "second piece", "third piece"}


@given(st.text(min_size=1).filter(lambda text: text.strip()))
def test_a_phrase_is_never_cleaned_to_nothing(phrase: str) -> None:
    cleaned = clean_phrase(phrase)
    assert cleaned.strip()
    assert cleaned == cleaned.lower()
