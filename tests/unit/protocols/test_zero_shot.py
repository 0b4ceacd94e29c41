from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fakes import FakeRepresentation, make_context, text_code

from benchmark.errors import BadDataError, UsageError
from benchmark.protocols import prompts, zero_shot
from benchmark.recipes import ZeroShotRecipe

if TYPE_CHECKING:
    from pathlib import Path

FILE = """
version = 3
source = "test"
[templates]
positive = ["There is {name}."]
negative = ["the lung is clear.", "no {name}."]
[names]
Edema = "fluid"
[extra.Edema]
positive = ["Kerley lines."]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "short.toml").write_text(FILE)
    monkeypatch.setattr(prompts, "prompts_folder", lambda: tmp_path)
    return tmp_path


def context_in(tmp_path: Path, **more: Any) -> Any:
    recipe = ZeroShotRecipe(source="test", prompts="short", batch_size=7)
    return make_context(tmp_path, recipe, "zero_shot", **more)


def test_prompts_are_filled() -> None:
    loaded = prompts.load_prompts("short")
    assert loaded.version == 3
    assert loaded.positive("Edema") == ["There is fluid.", "Kerley lines."]
    assert loaded.negative("Mass_Right") == ["the lung is clear.", "no mass right."]


def test_every_file_of_the_checkout_can_be_read(checkout: Path) -> None:
    files = sorted((checkout / "tasks" / "prompts").glob("*.toml"))
    assert files
    for path in files:
        loaded = prompts.load_prompts(path.stem, path.parent)
        assert all("{" not in text for text in loaded.positive("Mass") + loaded.negative("Mass"))


def test_a_misspelt_file_gets_a_near_name() -> None:
    with pytest.raises(UsageError, match="short"):
        prompts.load_prompts("shrot")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("version = 3", "", "version"),
        ('positive = ["There is {name}."]', "positive = []", r"templates\.positive"),
        ("[names]", "[nmaes]", "nmaes"),
        ('positive = ["Kerley lines."]', 'positive = "Kerley"', r"extra\.Edema"),
        ("[templates]", "[templates", "TOML"),
    ],
)
def test_a_malformed_file_says_what_is_wrong(
    folder: Path, old: str, new: str, problem: str
) -> None:
    (folder / "bad.toml").write_text(FILE.replace(old, new))
    with pytest.raises(BadDataError, match=problem):
        prompts.load_prompts("bad")


def test_scores_are_those_of_the_formula(tmp_path: Path) -> None:
    context = context_in(tmp_path)
    outcome = zero_shot.run(context)
    representation = FakeRepresentation().eval()
    mean = [
        np.mean([text_code(text).numpy() for text in texts], axis=0)
        for texts in (["There is fluid.", "Kerley lines."], ["the lung is clear.", "no fluid."])
    ]
    from benchmark.protocols.features import evaluation_reader

    reader = evaluation_reader(context, representation)
    vector = representation.image_embedding(reader.read(np.array([41]))).detach().numpy()[0]
    logits = np.array([vector @ mean[0], vector @ mean[1]], dtype=np.float64)
    expected = np.exp(logits[0]) / np.exp(logits).sum()
    at = list(outcome.predictions["ids"]).index("i41")
    assert outcome.predictions["scores"][at, 0] == pytest.approx(expected, rel=1e-5)
    cosines = [vector @ side / np.linalg.norm(vector) / np.linalg.norm(side) for side in mean]
    expected = 1 / (1 + np.exp(-10.0 * (cosines[0] - cosines[1])))
    assert outcome.predictions["scores_cosine"][at, 0] == pytest.approx(expected, rel=1e-5)
    assert outcome.facts["prompts_version"] == 3


def test_headline_follows_the_recipe_and_texts_are_encoded_once(tmp_path: Path) -> None:
    representation = FakeRepresentation()
    context = context_in(tmp_path, representation=representation)
    zero_shot.run(context)
    assert len(representation.encoded_texts) == len(set(representation.encoded_texts)) == 6
    recipe = dataclasses.replace(context.recipe, scoring="cosine")
    outcome = zero_shot.run(dataclasses.replace(context, recipe=recipe))
    assert np.array_equal(outcome.predictions["scores"], outcome.predictions["scores_cosine"])
    assert outcome.selection["scoring"] == "cosine"


def test_batch_size_does_not_matter(tmp_path: Path) -> None:
    context = context_in(tmp_path)
    one = dataclasses.replace(context, recipe=dataclasses.replace(context.recipe, batch_size=1))
    first, second = zero_shot.run(context), zero_shot.run(one)
    np.testing.assert_allclose(first.predictions["scores"], second.predictions["scores"], rtol=1e-5)


def test_extreme_dot_products_stay_probabilities() -> None:
    images = np.array([[2000.0], [-2000.0]], dtype=np.float32)
    scores = zero_shot.official_scores(images, np.array([[1.0]]), np.array([[0.0]]))
    assert scores.ravel().tolist() == [1.0, 0.0]


def test_a_method_with_a_rule_of_its_own_is_asked_for_similarities(tmp_path: Path) -> None:
    class Own(FakeRepresentation):
        def text_similarities(self, images: Any, texts: Any) -> Any:
            """Largest patch product in place of the mean one."""
            patches = self.patch_features(images, projected=True)
            return (patches @ self.text_embedding(texts).T).amax(dim=1)

    model = Own().eval()
    outcome = zero_shot.run(context_in(tmp_path, representation=model))
    from benchmark.protocols.features import evaluation_reader

    reader = evaluation_reader(context_in(tmp_path), model)
    patches = model.patch_features(reader.read(np.array([41])), True).detach().numpy()[0]
    best = {
        text: max(float(patch @ text_code(text).numpy()) for patch in patches)
        for text in ("There is fluid.", "Kerley lines.", "the lung is clear.", "no fluid.")
    }
    present = (best["There is fluid."] + best["Kerley lines."]) / 2
    absent = (best["the lung is clear."] + best["no fluid."]) / 2
    at = list(outcome.predictions["ids"]).index("i41")
    for name, factor in (("scores", 1.0), ("scores_cosine", model.temperature())):
        expected = 1 / (1 + np.exp(-factor * (present - absent)))
        assert outcome.predictions[name][at, 0] == pytest.approx(expected, rel=1e-5)
    assert outcome.facts["similarity"] == "the method's own"
