"""Sentinels: what each predicts, and where the metrics put it."""

import importlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from benchmark.errors import BadDataError, NotApplicable
from benchmark.interfaces import SentinelSamples
from benchmark.metrics import classification, grounding
from benchmark.recipes import GroundRecipe, ZeroShotRecipe
from benchmark.statistics.chance import SentinelResult, examine_sentinels

CLASSIFICATION = ("oracle", "chance", "class_frequency", "metadata_only")
GROUNDING = (
    "chance", "static_prior", "class_prior", "noise_x_weights", "phrase_swapped", "oracle_at_grid",
)  # fmt: skip
ALL = sorted({*CLASSIFICATION, *GROUNDING})
GRID, FRAME = (14, 14), 224


def sentinel(name):
    return importlib.import_module(f"baselines.{name}")


def labelled(n=400, seed=0):
    rng = np.random.default_rng(seed)
    age = rng.uniform(20, 90, n)
    truth = (rng.random((n, 3)) < 0.3).astype(float)
    truth[:, 0] = age + rng.normal(size=n) * 10 > 60
    truth[:5, 1] = np.nan
    metadata = {"age": age, "sex": np.array(["F", "M"])[rng.integers(0, 2, n)]}
    return truth, metadata


def classification_scores(name, draws=200):
    truth, metadata = labelled()
    reference_truth, reference_metadata = labelled(seed=1)
    samples = SentinelSamples(
        "zero_shot", np.arange(400).astype(str), np.array(["a", "b", "c"]),
        reference={"truth": reference_truth, **reference_metadata},
        metadata=metadata, draws=draws,
    )  # fmt: skip
    arrays = sentinel(name).predict(samples, truth, np.random.default_rng(0))
    predictions = {
        "ids": samples.ids, "patients": samples.ids, "split": np.full(400, "test"),
        "classes": samples.classes, "truth": truth, **arrays,
    }  # fmt: skip
    return classification.score(predictions, ZeroShotRecipe(source="test"), 0, 50)


def boxed(n, seed):
    """Boxes in two lung-like regions; a category prefers one of them."""
    rng = np.random.default_rng(seed)
    category = np.array(["Edema", "Nodule"])[np.arange(n) % 2]
    left = rng.random(n) < np.where(category == "Edema", 0.8, 0.2)
    centre = (
        np.stack([np.where(left, 70, 155), np.full(n, 110)], axis=1) + rng.normal(size=(n, 2)) * 18
    )
    size = rng.uniform(15, 70, (n, 2))
    boxes = np.concatenate([np.clip(centre - size / 2, 0, 150), size], axis=1)
    return {"boxes": boxes, "box_pair": np.arange(n), "category": category}


def grounding_scores(name, truth, reference, grid=GRID, patients=None, sigma=1.5):
    n = len(truth["category"])
    patients = np.arange(n).astype(str) if patients is None else patients
    samples = SentinelSamples(
        "ground", np.arange(n).astype(str), truth["category"], grid, FRAME, reference,
        {"patients": patients}, 8,
    )  # fmt: skip
    arrays = sentinel(name).predict(samples, truth, np.random.default_rng(0))
    predictions = {
        "ids": samples.ids, "patients": patients, "split": np.full(n, "test"),
        "category": truth["category"], "grid": np.array(grid), "frame": np.array([FRAME]),
        "boxes": truth["boxes"], "box_pair": truth["box_pair"], **arrays,
    }  # fmt: skip
    recipe = GroundRecipe(source="test", sigma_at_14=sigma)
    return grounding.score(predictions, recipe, 0, 20), arrays


@pytest.mark.parametrize("name", ALL)
def test_spec(name):
    spec = sentinel(name).BASELINE
    assert (spec.name, spec.kind) == (name, "sentinel")
    assert ("ground" in spec.protocols) == (name in GROUNDING)
    assert ("zero_shot" in spec.protocols) == (name in CLASSIFICATION)
    assert spec.title
    assert spec.source


def test_sentinels_import_neither_torch_nor_scikit_learn(checkout):
    code = f"import sys\nfor n in {ALL}: __import__('baselines.' + n)\n"
    code += "assert not {'torch', 'sklearn', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=checkout)


def test_oracle_is_exact_and_chance_is_chance():
    oracle = classification_scores("oracle")
    for name in ("auc", "average_precision", "f1_test_threshold_published"):
        assert oracle.metrics[name].value == 1
    chance = classification_scores("chance")
    auc, error = chance.metrics["auc"], chance.selection["standard_error"]["auc"]
    verdict = examine_sentinels(
        [
            SentinelResult("oracle", "oracle", oracle.metrics["auc"].value, 1.0),
            SentinelResult("chance", "chance", auc.value, auc.chance, error, 200),
        ]
    )
    assert verdict.holds, verdict.failures
    assert abs(auc.value - 0.5) <= 4 * error
    assert 0 < error < 0.01


def test_class_frequency_ranks_nothing():
    scores = classification_scores("class_frequency")
    assert scores.metrics["auc"].value == 0.5
    assert scores.metrics["auc"].interval == (0.5, 0.5)
    truth, _ = labelled(seed=1)
    expected = np.nanmean(truth, axis=0)
    np.testing.assert_allclose(scores.per_sample["scores"][0], expected, rtol=1e-6)


def test_metadata_only_finds_what_age_explains_and_nothing_else():
    per_class = classification_scores("metadata_only").metrics["auc"].per_class
    assert per_class["a"] > 0.9
    assert abs(per_class["b"] - 0.5) < 0.1


def test_metadata_only_without_metadata_is_not_applicable():
    truth, _ = labelled()
    samples = SentinelSamples(
        "zero_shot", np.arange(400), np.array(["a", "b", "c"]), reference={"truth": truth}
    )
    with pytest.raises(NotApplicable, match="age"):
        sentinel("metadata_only").predict(samples, truth, np.random.default_rng(0))


def test_metadata_with_missing_ages_and_new_values():
    truth, metadata = labelled()
    reference = {"truth": truth, **metadata, "age": metadata["age"].copy()}
    reference["age"][:50] = np.nan
    asked = {"age": np.array([np.nan, 80.0]), "sex": np.array(["U", "M"])}
    samples = SentinelSamples(
        "zero_shot", np.arange(2), np.array(["a", "b", "c"]), reference=reference, metadata=asked
    )
    scores = sentinel("metadata_only").predict(samples, truth[:2], np.random.default_rng(0))
    assert np.isfinite(scores["scores"]).all()
    assert scores["scores"].shape == (2, 3)


def test_grounding_sentinels_stand_in_order():
    truth, reference = boxed(120, 0), boxed(300, 1)
    cnr = {}
    for name in GROUNDING:
        scores, arrays = grounding_scores(name, truth, reference)
        cnr[name] = scores.metrics["cnr"].value
        if name == "chance":
            error = scores.selection["standard_error"]["cnr"]
            assert abs(cnr[name]) <= 5.5 * error  # Student's t with 7 degrees, two-sided 0.1 %
            assert arrays["similarities_draws"].shape == (120, 196, 8)
        else:
            assert arrays["similarities"].shape == (120, 196)
    assert cnr["oracle_at_grid"] > cnr["class_prior"] > cnr["static_prior"] > 0.5
    assert cnr["static_prior"] > cnr["noise_x_weights"] > 0.3
    assert cnr["oracle_at_grid"] > 2 * cnr["phrase_swapped"]


def test_noise_of_negative_mean_turns_the_sign(monkeypatch):
    truth, reference = boxed(100, 0), boxed(300, 1)
    positive = grounding_scores("noise_x_weights", truth, reference)[0].metrics
    monkeypatch.setattr(sentinel("noise_x_weights"), "NOISE_MEAN", -1.0)
    negative = grounding_scores("noise_x_weights", truth, reference)[0].metrics
    assert negative["cnr"].value == pytest.approx(-positive["cnr"].value, abs=0.15)
    assert negative["cnr_absolute"].value == pytest.approx(positive["cnr_absolute"].value, abs=0.15)


def test_priors_do_not_look_at_the_truth():
    reference = boxed(100, 1)
    for name in ("static_prior", "class_prior", "noise_x_weights"):
        first = grounding_scores(name, boxed(20, 0), reference)[1]["similarities"]
        second = grounding_scores(name, boxed(20, 5), reference)[1]["similarities"]
        np.testing.assert_array_equal(first, second)


def test_static_prior_is_the_mean_of_the_reference():
    reference = {
        "boxes": np.array([[0, 0, 112, 112], [0, 0, 224, 112.0]]),
        "box_pair": np.array([0, 1]),
        "category": np.array(["Edema", "Nodule"]),
    }
    maps = grounding_scores("static_prior", boxed(3, 0), reference, grid=(2, 2))[1]["similarities"]
    np.testing.assert_allclose(maps, np.tile([1, 0.5, 0, 0], (3, 1)))
    maps = grounding_scores("class_prior", boxed(3, 0), reference, grid=(2, 2))[1]["similarities"]
    np.testing.assert_allclose(maps, [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0]])


def test_a_prior_without_reference_is_an_error():
    with pytest.raises(BadDataError, match="reference"):
        grounding_scores("static_prior", boxed(3, 0), {})


def test_swapped_phrases_come_from_another_finding_and_patient():
    category = np.array(["Edema", "Nodule"] * 10)
    patients = np.repeat(np.arange(10), 2).astype(str)
    samples = SentinelSamples("ground", np.arange(20), category, metadata={"patients": patients})
    partner = sentinel("phrase_swapped").other_pairs(samples, np.random.default_rng(0))
    assert (category[partner] != category).all()
    assert (patients[partner] != patients).all()
    alike = SentinelSamples("ground", np.arange(4), np.full(4, "Edema"))
    partner = sentinel("phrase_swapped").other_pairs(alike, np.random.default_rng(0))
    assert (partner != np.arange(4)).all()


@pytest.fixture(scope="module")
def nih_boxes(real_data):
    table = pd.read_csv(real_data / "annotations" / "BBox_List_2017.csv.gz")
    assert len(table) == 984
    table = table.iloc[::2]
    return {
        "boxes": table.iloc[:, 2:6].to_numpy(float) * FRAME / 1024,
        "box_pair": np.arange(492),
        "category": table["Finding Label"].to_numpy().astype(str),
        "patients": table["Image Index"].str[:8].to_numpy().astype(str),
    }


def test_oracle_at_grid_on_the_nih_boxes(nih_boxes):
    """Finer grids and less smoothing raise what a map can reach at all."""
    reached = {}
    for grid, sigma in ((14, 1.5), (8, 1.5), (8, 1.5 * 14 / 8)):
        scores, _ = grounding_scores(
            "oracle_at_grid", nih_boxes, {}, (grid, grid), nih_boxes["patients"], sigma
        )
        reached[grid, sigma] = [
            scores.metrics[name].value for name in ("miou", "pointing_game_official")
        ]
    assert reached[14, 1.5] == pytest.approx([0.54, 0.96], abs=0.025)
    unscaled = reached[8, 1.5 * 14 / 8]
    assert unscaled == pytest.approx([0.37, 0.74], abs=0.04)
    assert reached[8, 1.5][0] > unscaled[0] + 0.1


def test_static_prior_on_the_nih_boxes(nih_boxes):
    """A fixed map from other patients comes near what is printed for real models."""
    patients = nih_boxes["patients"]
    chosen = np.isin(patients, np.unique(patients)[::2])
    half = [
        {
            "boxes": nih_boxes["boxes"][rows],
            "box_pair": np.arange(rows.sum()),
            "category": nih_boxes["category"][rows],
        }
        for rows in (chosen, ~chosen)
    ]
    metrics = grounding_scores("static_prior", half[1], half[0])[0].metrics
    assert 1.0 < metrics["cnr"].value < 1.3
    assert 0.14 < metrics["miou"].value < 0.22
    swapped = grounding_scores("phrase_swapped", half[1], half[0])[0].metrics
    assert 0.2 < swapped["cnr"].value < 0.6
