"""Grounding of classes: pairs from boxes and masks, prompts in place of phrases, the control."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from fakes import FakeRepresentation, make_context, make_manifest, text_code

from benchmark.data.manifest import Mask
from benchmark.errors import BadDataError, UsageError
from benchmark.metrics import box_grounding
from benchmark.metrics.grounding_maps import box_counts
from benchmark.metrics.rle import encode
from benchmark.protocols import ground
from benchmark.protocols.class_pairs import read_class_pairs
from benchmark.protocols.features import evaluation_reader
from benchmark.protocols.ground_texts import pair_texts
from benchmark.protocols.prompts import load_prompts
from benchmark.recipes.ground import ClassGroundRecipe

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.data.manifest import Manifest

COLUMNS = ["image", "label", "phrase", "x", "y", "w", "h", "width", "height", "split"]
BOXES = ClassGroundRecipe(source="test", batch_size=2, frame=20)
MASKS = dataclasses.replace(
    BOXES, truth="masks", mask_class="Pneumothorax", control_class="Cardiomegaly"
)


def boxed() -> Manifest:
    rows = [
        ("i31", "Edema", "", 0, 0, 10, 10),
        ("i31", "Edema", "a phrase that is not asked for", 10, 10, 5, 5),
        ("i31", "Mass", "", 2, 2, 4, 4),
        ("i35", "Mass", "", 1, 1, 8, 8),
        ("i45", "Edema", "", 5, 0, 10, 20),
        ("i50", "Mass", "", 3, 3, 3, 3),
        ("i3", "Mass", "", 3, 3, 3, 3),
    ]
    shaped = [(*row, 20 + 8 * (int(row[0][1:]) % 3), 20, "") for row in rows]
    return make_manifest(boxes=pd.DataFrame(shaped, columns=COLUMNS))


def drawn_mask(row: int) -> np.ndarray:
    mask = np.zeros((20, 20 + 8 * (row % 3)), dtype=bool)
    mask[4 : 5 + row % 7, 3:9] = True
    mask[10:12, 8:15] = True
    return mask


def masked() -> Manifest:
    masks = {}
    for row in (3, 31, 34, 42, 45, 47):
        mask = drawn_mask(row)
        parts = (mask & (np.arange(20) < 10)[:, None], mask & (np.arange(20) >= 8)[:, None])
        masks[f"i{row}"] = Mask(tuple(encode(part) for part in parts), *mask.shape)
    masks["i36"] = Mask((), 20, 20)
    return dataclasses.replace(make_manifest(), masks=masks)


def stored(tmp_path: Path, manifest: Manifest, recipe: ClassGroundRecipe, **more: Any) -> Any:
    return ground.run(make_context(tmp_path, recipe, "ground", manifest=manifest, **more))


def test_boxes_of_a_class_are_one_pair_whatever_their_phrase() -> None:
    pairs = read_class_pairs(boxed(), np.arange(30, 40), BOXES)
    assert list(pairs.ids) == ["i31#Edema", "i31#Mass", "i35#Mass"]
    assert list(pairs.box_pair) == [0, 0, 1, 2]
    assert pairs.phrases == ("Edema", "Mass", "Mass")
    # i31 is 28 wide and 20 high, padded to a square.
    np.testing.assert_allclose(pairs.boxes[2], np.array([2, 2 + 4, 4, 4]) * 20 / 28, atol=0.3)


def test_a_mask_is_stored_as_the_boxes_that_tile_it() -> None:
    recipe = dataclasses.replace(MASKS, geometry="squash")
    pairs = read_class_pairs(masked(), np.arange(60), recipe)
    assert list(pairs.ids) == [f"i{row}#Pneumothorax" for row in (3, 31, 34, 42, 45, 47)]
    counts = box_counts(pairs.boxes, pairs.box_pair, 6, 20)
    assert counts.max() == 1, "the boxes of a mask do not overlap"
    for pair, row in enumerate((3, 31, 34, 42, 45, 47)):
        mask = drawn_mask(row)
        if mask.shape == (20, 20):
            np.testing.assert_array_equal(counts[pair] > 0, mask)
        else:
            assert counts[pair].mean() == pytest.approx(mask.mean(), abs=0.02)


def test_masks_need_a_class() -> None:
    nameless = dataclasses.replace(MASKS, mask_class="")
    with pytest.raises(UsageError, match="mask_class"):
        read_class_pairs(masked(), np.arange(60), nameless)


def test_the_text_is_the_mean_of_the_prompts(tmp_path: Path) -> None:
    representation = FakeRepresentation()
    recipe = dataclasses.replace(MASKS, prompts="siim")
    context = make_context(tmp_path, recipe, "ground", manifest=masked())
    asked = load_prompts("siim").positive("Pneumothorax")
    assert len(asked) == 2
    text = torch.stack([text_code(sentence) for sentence in asked]).mean(dim=0)
    outcome = stored(tmp_path, masked(), recipe, representation=representation)
    reader = evaluation_reader(context, representation)
    features = representation.patch_features(reader.read(np.array([42])), projected=True)[0]
    place = list(outcome.predictions["ids"]).index("i42#Pneumothorax")
    expected = (features @ text).detach().numpy()
    np.testing.assert_allclose(outcome.predictions["similarities"][place], expected, rtol=1e-4)
    cosine = torch.cosine_similarity(features, text[None], dim=1).detach().numpy()
    np.testing.assert_allclose(outcome.predictions["similarities_cosine"][place], cosine, rtol=1e-4)
    assert outcome.facts["prompts"] == "siim"
    assert outcome.facts["prompts_version"] == load_prompts("siim").version


@pytest.mark.parametrize("similarity", ["dot", "cosine"])
def test_the_control_of_one_class_is_another_named_one(tmp_path: Path, similarity: str) -> None:
    representation = FakeRepresentation()
    recipe = dataclasses.replace(MASKS, similarity=similarity)
    outcome = stored(tmp_path, masked(), recipe, representation=representation)
    assert outcome.facts["swaps_relaxed"] == 0
    context = make_context(tmp_path, recipe, "ground", manifest=masked())
    reader = evaluation_reader(context, representation)
    features = representation.patch_features(reader.read(np.array([45])), projected=True)[0]
    text = text_code(load_prompts("maco").positive("Cardiomegaly")[0])
    expected = features @ text
    if similarity == "cosine":
        expected = torch.cosine_similarity(features, text[None], dim=1)
    place = list(outcome.predictions["ids"]).index("i45#Pneumothorax")
    swapped = outcome.predictions["similarities_swapped"][place]
    np.testing.assert_allclose(swapped, expected.detach().numpy(), rtol=1e-4)


def test_the_control_of_several_classes_is_another_pairs() -> None:
    pairs = read_class_pairs(boxed(), np.arange(60), BOXES)
    texts = pair_texts(pairs, BOXES, "task", "test")
    prompts = load_prompts("maco")
    for category, own, control in zip(pairs.categories, texts.own, texts.control, strict=True):
        other = "Mass" if category == "Edema" else "Edema"
        assert own == tuple(prompts.positive(category))
        assert control == tuple(prompts.positive(other))
    assert texts.relaxed == 0


def test_one_class_without_a_control_says_that_it_has_none() -> None:
    pairs = read_class_pairs(masked(), np.arange(60), MASKS)
    texts = pair_texts(pairs, dataclasses.replace(MASKS, control_class=""), "task", "test")
    assert texts.control == texts.own
    assert texts.relaxed == len(pairs)


def test_sentinels_see_masks_as_boxes_and_learn_from_training(tmp_path: Path) -> None:
    seen = []

    def predict(samples: Any, truth: Any, generator: Any) -> Any:
        seen.append((samples, truth))
        return {"similarities": np.ones((len(samples.ids), 196), np.float32)}

    outcome = stored(tmp_path, masked(), MASKS, predict=predict)
    assert outcome.selection["reference_split"] == "train"
    samples, _ = seen[0]
    assert list(samples.reference["category"]) == ["Pneumothorax"]
    assert list(samples.classes) == ["Pneumothorax"] * 2
    assert len(samples.reference["boxes"]) == len(samples.reference["box_pair"])
    assert list(outcome.predictions["split"]) == ["validation"] * 2 + ["test"] * 3


@pytest.mark.parametrize("made", [boxed, masked], ids=["boxes", "masks"])
def test_from_the_data_to_the_scores(tmp_path: Path, made: Any) -> None:
    recipe = BOXES if made is boxed else MASKS
    outcome = stored(tmp_path, made(), recipe)
    scores = box_grounding.score(outcome.predictions, recipe, 0, 20)
    for name in ("recall", "iou", "dice", "cnr", "pointing_game", "dice/phrase_swapped"):
        assert scores.metrics[name].value is not None, name
    assert scores.selection["threshold_chosen_by"] == "mean Dice on validation"
    assert len(scores.per_sample["dice"]) == np.sum(outcome.predictions["split"] == "test")


def test_what_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadDataError, match="no masks"):
        stored(tmp_path, boxed(), MASKS)
    with pytest.raises(BadDataError, match="no boxes"):
        stored(tmp_path, masked(), BOXES)
