"""Sentinels: what each predicts, and where the metrics put it."""

import importlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from benchmark.data.manifest import Manifest
from benchmark.data.splits import SplitRows
from benchmark.errors import BadDataError, NotApplicable
from benchmark.interfaces import SentinelSamples
from benchmark.metrics import classification, grounding
from benchmark.protocols.classification import sentinel_outcome
from benchmark.protocols.context import CellContext
from benchmark.recipes import FineTuneRecipe, GroundRecipe, LinearProbeRecipe, ZeroShotRecipe
from benchmark.specs import Cell, PhantomSize, Profile, Seeds, TaskSpec
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
        "ids": samples.ids, "patients": samples.ids, "classes": samples.classes,
        "split": np.where(np.arange(400) < 100, "validation", "test"),
        "truth": truth, **arrays,
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
    for protocol in ("fine_tune", "linear_probe", "zero_shot"):
        assert (protocol in spec.protocols) == (name in CLASSIFICATION)
    assert spec.title
    assert spec.source


def test_sentinels_import_neither_torch_nor_scikit_learn(checkout):
    code = f"import sys\nfor n in {ALL}: __import__('baselines.' + n)\n"
    code += "assert not {'torch', 'sklearn', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=checkout)


def test_oracle_is_exact_and_chance_is_chance():
    """Every metric of both, as one family."""
    oracle, chance = classification_scores("oracle"), classification_scores("chance")
    family = [
        SentinelResult(f"oracle {name}", "oracle", metric.value, metric.best)
        for name, metric in oracle.metrics.items()
        if metric.best is not None and metric.value is not None
    ]
    family += [
        SentinelResult(
            f"chance {name}", "chance", metric.value, metric.chance,
            chance.selection["standard_error"][name], chance.selection["draws"][name],
        )
        for name, metric in chance.metrics.items()
    ]  # fmt: skip
    assert len(family) == 19
    verdict = examine_sentinels(family)
    assert verdict.holds, verdict.failures
    assert 0 < chance.selection["standard_error"]["auc"] < 0.01


def test_class_frequency_ranks_nothing():
    scores = classification_scores("class_frequency")
    assert scores.metrics["auc"].value == 0.5
    assert scores.metrics["auc"].interval is None
    assert "every resample gives 0.5" in scores.metrics["auc"].why
    truth, _ = labelled(seed=1)
    expected = np.nanmean(truth, axis=0)
    np.testing.assert_allclose(scores.per_sample["scores"][0], expected, rtol=1e-6)


def test_metadata_only_finds_what_age_explains_and_nothing_else():
    per_class = classification_scores("metadata_only").metrics["auc"].per_class
    assert per_class["a"] > 0.9
    assert abs(per_class["b"] - 0.5) < 0.1


def test_metadata_only_without_any_metadata_is_the_class_frequency():
    truth, _ = labelled()
    same = {"sex": np.full(400, ""), "view": np.full(400, "frontal"), "age": np.full(400, np.nan)}
    for known in ({}, same):
        samples = SentinelSamples(
            "zero_shot", np.arange(400), np.array(["a", "b", "c"]),
            reference={"truth": truth, **known}, metadata=known,
        )  # fmt: skip
        scores = sentinel("metadata_only").predict(samples, truth, np.random.default_rng(0))
        frequency = sentinel("class_frequency").predict(samples, truth, np.random.default_rng(0))
        np.testing.assert_allclose(scores["scores"], frequency["scores"], rtol=1e-6)


def test_metadata_only_without_a_training_part_says_so():
    truth, metadata = labelled()
    samples = SentinelSamples(
        "zero_shot", np.arange(400), np.array(["a", "b", "c"]), metadata=metadata
    )
    with pytest.raises(NotApplicable, match="training"):
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


RECIPES = {
    "fine_tune": FineTuneRecipe(source="test"),
    "linear_probe": LinearProbeRecipe(source="test", target="one_of_many"),
    "zero_shot": ZeroShotRecipe(source="test"),
}
PARTS = SplitRows(np.arange(200), np.arange(200, 260), np.arange(260, 400), "test")


def data_set(absent=()):
    """400 patients with one of three classes; the class depends on age and sex."""
    rng = np.random.default_rng(3)
    age, female = rng.uniform(20, 90, 400), rng.integers(0, 2, 400)
    value = age / 20 + 2 * female + rng.normal(size=400)
    classes = np.digitize(value, np.quantile(value, [0.5, 0.8]))
    columns = {
        "image": [f"i{row}" for row in range(400)], "path": "x", "study": "x", "split": "",
        "patient": [f"p{row}" for row in range(400)], "view": "frontal",
        "sex": np.array(["M", "F"])[female], "age": age,
    }  # fmt: skip
    if "sex" in absent:
        columns["sex"] = ""
    if "age" in absent:
        columns["age"] = np.nan
    names = ["normal", "pneumonia", "covid"]
    labels = pd.DataFrame(np.eye(3)[classes], columns=names)
    return pd.DataFrame(columns), labels


def outcome(name, protocol, images, labels):
    """What the sentinel's cell predicts, and its scores."""
    module, recipe = sentinel(name), RECIPES[protocol]
    task = TaskSpec(
        "t", 1, "", protocol, "classification", "d", {"main": recipe}, "auc", "image_features",
        tuple(labels.columns),
    )  # fmt: skip
    context = CellContext(
        cell=Cell("evaluate", "t", "main", name, "toy", "d", "none", Seeds()),
        task=task, recipe=recipe, baseline=module.BASELINE,
        profile=Profile("toy", "tiny", 32, PhantomSize(1, 32)),
        folder=None, manifest=Manifest("d", "1", None, images, labels), rows=PARTS,
        store=None, representation=None, predict=module.predict, corpus=None,
        hash_patients=np.array, progress=lambda *_: None,
    )  # fmt: skip
    predictions = sentinel_outcome(context).predictions
    return predictions, classification.score(predictions, recipe, 0, 0).metrics


@pytest.mark.parametrize("absent", [(), ("sex",), ("age",), ("sex", "age")], ids=str)
@pytest.mark.parametrize("protocol", list(RECIPES))
@pytest.mark.parametrize("name", CLASSIFICATION)
def test_every_protocol_and_data_set_with_missing_columns(name, protocol, absent):
    _, metrics = outcome(name, protocol, *data_set(absent))
    assert ("accuracy_argmax" in metrics) == (protocol == "linear_probe")
    assert all(metric.value is not None for metric in metrics.values())
    auc = metrics["auc"].value
    if name == "oracle":
        assert {m.value for m in metrics.values() if m.best is not None} == {1.0}
    elif name == "chance":
        assert abs(auc - 0.5) < 0.02
    elif name == "class_frequency" or set(absent) == {"sex", "age"}:
        assert auc == 0.5
    else:
        assert auc > (0.75 if not absent else 0.6)
    if protocol == "linear_probe" and name in ("class_frequency", "metadata_only"):
        _, labels = data_set(absent)
        majority = labels["normal"].iloc[PARTS.test].mean()
        expected = metrics["accuracy_argmax"].value
        assert expected == majority if auc == 0.5 else expected > majority - 0.02


@pytest.mark.parametrize("name", ["metadata_only", "class_frequency"])
def test_trivial_predictors_learn_from_the_training_part_alone(name):
    images, labels = data_set()
    scores = outcome(name, "linear_probe", images, labels)[0]["scores"]
    others, train = labels.copy(), labels.copy()
    others.iloc[200:] = 1 - others.iloc[200:]
    np.testing.assert_array_equal(
        scores, outcome(name, "linear_probe", images, others)[0]["scores"]
    )
    train.iloc[:200] = np.roll(train.iloc[:200], 1, axis=1)
    assert not np.allclose(scores, outcome(name, "linear_probe", images, train)[0]["scores"])


def test_an_empty_validation_part_is_predicted_as_well():
    images, labels = data_set()
    truth = labels.to_numpy()
    reference = {"truth": truth, "age": images["age"].to_numpy()}
    nothing = SentinelSamples(
        "zero_shot", np.zeros(0, "U1"), np.array(labels.columns), reference=reference,
        metadata={"age": np.zeros(0)},
    )  # fmt: skip
    for name in CLASSIFICATION:
        arrays = sentinel(name).predict(nothing, truth[:0], np.random.default_rng(0))
        assert next(iter(arrays.values())).shape[:2] == (0, 3)


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
