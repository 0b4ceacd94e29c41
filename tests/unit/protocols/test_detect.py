"""The protocol round a detector that learns a single box; only the last test takes one of mmdet."""

from __future__ import annotations

import dataclasses
import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from fakes import FakeRepresentation, FakeStore, make_context, make_manifest
from torch import Tensor, nn

from benchmark.data.splits import SplitRows
from benchmark.detection import detector as detector_module
from benchmark.detection.detector import Detections
from benchmark.errors import BadDataError, NotApplicable, UsageError
from benchmark.metrics import detection
from benchmark.protocols import detect
from benchmark.protocols.detect_selection import BEST_FILE
from benchmark.recipes.detect import DetectRecipe
from benchmark.training.checkpoint import NAME as CHECKPOINT
from benchmark.training.loop import TrainingInterrupted
from tests.encoders import encoder

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.data.manifest import Manifest

RECIPE = DetectRecipe(
    source="test",
    image_size=16,
    geometry="squash",
    batch_size=4,
    learning_rates={"100": 0.05, "10": 0.05},
    steps={"100": 12, "10": 3},
    warmup_steps={"100": 2, "10": 1},
    selection="full_validation",
    evaluations=3,
    scale_jitter=(0.9, 1.1),
)
COUNT = 60


class Store(FakeStore):
    def original_size(self, row: int) -> tuple[int, int]:
        height, width = self.images[row].shape
        return height, width


class Trunk(nn.Module):
    layers = 1
    channels, strides = (1,), (1,)

    def layer_of(self, parameter: str) -> int:
        return 0


class OneBox(nn.Module):
    """Learns one box for all images, with noise in training; two more of it have lower scores."""

    operators, neck_name, strides = "torchvision", "none", (1,)

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.corners = nn.Parameter(torch.tensor([0.3, 0.3, 0.6, 0.6]))
        self.seen: list[int] = []

    def losses(
        self, images: Tensor, boxes: list[Tensor], labels: list[Tensor]
    ) -> dict[str, Tensor]:
        self.seen += [len(one) for one in boxes]
        side = images.shape[-1]
        true = torch.cat(boxes) / side
        noise = 0.05 * torch.randn(4)
        error = (self.corners + noise - true).abs().sum() / max(len(true), 1)
        return {"total": error, "error": error}

    def predict(self, images: Tensor) -> list[Detections]:
        side = images.shape[-1]
        box = (self.corners.detach() * side).clamp(0, side)
        shifted = torch.stack([box, box * 0.5, torch.tensor([0.0, 0.0, side, side])])
        scores = torch.sigmoid(images.mean(dim=(1, 2, 3)))
        factors = torch.tensor([1.0, 0.5, 0.25])
        return [
            Detections(shifted, factors * score, torch.zeros(3, dtype=torch.long))
            for score in scores
        ]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[OneBox]:
    """The detectors that the protocol asks for, in order."""
    made: list[OneBox] = []

    def build(*arguments: Any) -> OneBox:
        made.append(OneBox())
        return made[-1]

    monkeypatch.setattr(detector_module, "build_detector", build)
    return made


def boxed_manifest(count: int = COUNT) -> Manifest:
    """Every third image has one box or two; one image of the test part is not labelled."""
    columns = ["image", "label", "phrase", "x", "y", "w", "h", "width", "height", "split"]
    rows = []
    for row in range(0, count, 3):
        width = 20 + 8 * (row % 3)
        rows.append((f"i{row}", "Edema", "", 0.25 * width, 5, 0.5 * width, 10, width, 20, ""))
        if row % 2:
            rows.append((f"i{row}", "Edema", "", 1, 1, 4, 4, width, 20, ""))
    manifest = make_manifest(count, boxes=pd.DataFrame(rows, columns=columns))
    labels = np.where(np.arange(count) % 3 == 0, 1.0, 0.0)
    labels[50] = np.nan
    return dataclasses.replace(manifest, labels=pd.DataFrame({"Edema": labels}))


class Representation(FakeRepresentation):
    def dense_trunk(self, *_: Any) -> nn.Module:
        return Trunk()


def context_in(folder: Path, recipe: DetectRecipe = RECIPE, **more: Any) -> Any:
    manifest = more.pop("manifest", None) or boxed_manifest()
    more.setdefault("label_percent", 100.0)
    store = Store(manifest.labels.to_numpy())
    return make_context(
        folder, recipe, "detect", manifest=manifest, representation=Representation(),
        store=lambda: store, **more,
    )  # fmt: skip


def test_stored_form(tmp_path: Path, built: list[OneBox]) -> None:
    outcome = detect.run(context_in(tmp_path))
    stored = outcome.predictions
    assert list(stored["split"]) == ["validation"] * 10 + ["test"] * 19
    assert "i50" not in stored["ids"]
    assert stored["patients"][0] == "hx:15"
    assert all(array.dtype != object for array in stored.values())
    positive = [name for name in stored["ids"] if int(name[1:]) % 3 == 0]
    with_truth = [str(stored["ids"][image]) for image in stored["truth_image"]]
    assert sorted(set(with_truth)) == sorted(positive)
    # The third box is the whole square: in every image, the whole image.
    for place, frame in enumerate(stored["frames"]):
        mine = stored["boxes"][stored["box_image"] == place]
        assert len(mine) == 3
        np.testing.assert_allclose(mine[2], [0, 0, frame[1], frame[0]], rtol=1e-6)
    scores = detection.score(stored, RECIPE, 0, 20)
    assert scores.metrics["ap_50"].value is not None
    assert scores.selection["images_without_boxes"] > 0
    counts = outcome.facts["splits"]
    assert counts["train"] == {
        "images": 30, "images_with_boxes": 10, "boxes": 15,
        "left_out_unknown": 0, "left_out_without_boxes": 0,
    }  # fmt: skip
    assert counts["test"]["left_out_unknown"] == 1
    assert outcome.timing["box_operators"] == "torchvision"
    assert not (tmp_path / CHECKPOINT).exists()
    assert not (tmp_path / BEST_FILE).exists()


def test_learns_where_boxes_are_and_chooses_the_best_checkpoint(
    tmp_path: Path, built: list[OneBox]
) -> None:
    recipe = RECIPE.replaced({"steps": {"100": 60}, "evaluations": 6, "flip_probability": 0.0})
    outcome = detect.run(context_in(tmp_path, recipe))
    curve = outcome.facts["evaluations"]
    assert [entry["step"] for entry in curve] == [10, 20, 30, 40, 50, 60]
    best = max(curve, key=lambda entry: entry["value"])
    assert outcome.selection["step"] == best["step"]
    assert outcome.selection["rule"] == "full_validation"
    stored = outcome.predictions
    value = detection.split_precision(stored, recipe, "validation", recipe.selection_metric)
    assert value == pytest.approx(best["value"], abs=1e-6)
    assert np.abs(built[0].corners.detach().numpy() - [0.25, 0.25, 0.75, 0.75]).max() < 0.2


def test_images_without_boxes_are_left_out_where_the_recipe_says_so(
    tmp_path: Path, built: list[OneBox]
) -> None:
    recipe = RECIPE.replaced({"negatives": "exclude"})
    outcome = detect.run(context_in(tmp_path, recipe))
    assert set(outcome.predictions["truth_image"]) == set(range(len(outcome.predictions["ids"])))
    assert outcome.facts["train_images"] == 10
    assert outcome.facts["splits"]["train"]["left_out_without_boxes"] == 20
    assert min(built[0].seen) >= 1
    scores = detection.score(outcome.predictions, recipe, 0, 0)
    assert scores.selection["images_without_boxes"] == 0


def test_nothing_to_learn_from_is_not_applicable(tmp_path: Path, built: list[OneBox]) -> None:
    rows = SplitRows(np.array([1, 2]), np.arange(30, 40), np.arange(40, 60), "fake")
    with pytest.raises(NotApplicable, match="None of the 2 training images"):
        detect.run(context_in(tmp_path, RECIPE.replaced({"negatives": "exclude"}), rows=rows))
    # Healthy images alone teach a detector to be silent, where they take part.
    outcome = detect.run(context_in(tmp_path, rows=rows))
    assert outcome.facts["splits"]["train"]["images_with_boxes"] == 0


def test_repeatable_and_independent_of_the_global_random_state(
    tmp_path: Path, built: list[OneBox]
) -> None:
    state = torch.random.get_rng_state()
    first = detect.run(context_in(tmp_path)).predictions
    assert torch.equal(state, torch.random.get_rng_state())
    torch.rand(5)
    second = detect.run(context_in(tmp_path)).predictions
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("stop_after", [1, 4, 7, 11])
def test_an_interrupted_run_ends_like_an_undisturbed_one(
    tmp_path: Path, built: list[OneBox], stop_after: int
) -> None:
    undisturbed = detect.run(context_in(tmp_path / "one"))
    context = context_in(tmp_path / "two")
    with pytest.raises(TrainingInterrupted):
        detect.run(context, should_stop=lambda step: step == stop_after)
    assert (tmp_path / "two" / CHECKPOINT).exists()
    # A crash between the last evaluation and its checkpoint leaves a later best file behind.
    resumed = detect.run(context)
    for name, values in undisturbed.predictions.items():
        assert np.array_equal(values, resumed.predictions[name]), name
    assert resumed.facts == undisturbed.facts
    assert resumed.selection == undisturbed.selection


def test_the_best_weights_survive_an_interruption(tmp_path: Path, built: list[OneBox]) -> None:
    """The first evaluation wins, and the run is interrupted after it."""
    recipe = RECIPE.replaced({"learning_rates": {"100": 0.4}, "warmup_steps": {"100": 0}})
    whole = detect.run(context_in(tmp_path / "one", recipe))
    context = context_in(tmp_path / "two", recipe)
    with pytest.raises(TrainingInterrupted):
        detect.run(context, should_stop=lambda step: step == 9)
    again = detect.run(context)
    assert again.selection == whole.selection
    assert np.array_equal(again.predictions["boxes"], whole.predictions["boxes"])


def test_what_may_choose(tmp_path: Path, built: list[OneBox]) -> None:
    fixed = detect.run(context_in(tmp_path, RECIPE.replaced({"selection": "fixed_recipe"})))
    assert fixed.selection["rule"] == "fixed_recipe"
    assert fixed.selection["step"] == 12
    assert fixed.selection["value"] is None
    assert fixed.facts["evaluations"] == []
    matched = RECIPE.replaced({"selection": "matched_fraction"})
    few = detect.run(context_in(tmp_path, matched, label_percent=10.0))
    assert few.selection["images"] < 10
    rows = SplitRows(np.arange(30), np.array([31, 32]), np.arange(40, 60), "fake")
    none = detect.run(context_in(tmp_path, rows=rows))
    assert none.selection["rule"] == "fixed_recipe"
    assert "box" in none.selection["why"]


def test_evaluation_batches_have_no_influence(tmp_path: Path, built: list[OneBox]) -> None:
    first, second = (
        detect.run(context_in(tmp_path, RECIPE.replaced({"evaluation_batch": size}))).predictions
        for size in (1, 7)
    )
    for name, values in first.items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(values, second[name], atol=1e-6)
        else:
            np.testing.assert_array_equal(values, second[name])


def test_a_batch_may_go_through_the_model_in_parts(tmp_path: Path, built: list[OneBox]) -> None:
    whole = RECIPE.replaced({"steps": {"100": 5}, "batch_size": 6})
    detect.run(context_in(tmp_path, whole))
    detect.run(context_in(tmp_path, whole.replaced({"accumulation": 3})))
    # The same images in the same order; 30 fall into batches of 2 and of 6.
    assert built[0].seen == built[1].seen
    assert len(built[0].seen) == 30
    with pytest.raises(UsageError, match="4 equal parts"):
        detect.run(context_in(tmp_path, whole.replaced({"accumulation": 4})))


def test_settings_that_do_nothing_are_refused(tmp_path: Path, built: list[OneBox]) -> None:
    with pytest.raises(UsageError, match="searches no learning rate"):
        detect.run(
            context_in(tmp_path, RECIPE.replaced({"learning_rate_search": {"100": (0.1, 0.2)}}))
        )
    with pytest.raises(UsageError, match="steps"):
        detect.run(context_in(tmp_path, RECIPE.replaced({"steps": {"1": 5}})))


def sentinel_context(
    folder: Path, predict: Any, monkeypatch: pytest.MonkeyPatch, **changes: Any
) -> Any:
    """Image files are asked for their size only where there is no box."""
    from benchmark.protocols import detect_sentinel

    monkeypatch.setattr(detect_sentinel, "image_size", lambda path: (20, 36))
    return context_in(folder, RECIPE.replaced(changes), predict=predict)


@pytest.mark.parametrize("negatives", ["include", "exclude"])
def test_sentinels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, negatives: str) -> None:
    values: dict[str, Any] = {}
    for name in ("oracle", "chance", "box_prior"):
        module = importlib.import_module(f"baselines.{name}")
        assert "detect" in module.BASELINE.protocols
        context = sentinel_context(tmp_path, module.predict, monkeypatch, negatives=negatives)
        outcome = detect.run(context)
        again = detect.run(context)
        for key, array in outcome.predictions.items():
            assert np.array_equal(array, again.predictions[key])
            assert array.dtype != object
        values[name] = detection.score(outcome.predictions, RECIPE, 0, 20)
    for metric in values["oracle"].metrics.values():
        assert metric.value == metric.best == 1.0
    for name in ("chance", "box_prior"):
        assert values[name].metrics["ap_50_95"].value < 1
    assert values["chance"].selection["draws"] == 3
    assert values["chance"].selection["standard_error"]["ap_50"] >= 0
    # Boxes of the drawn set lie where training boxes lie.
    assert values["box_prior"].metrics["ap_50"].value > values["chance"].metrics["ap_50"].value


def test_a_sentinel_learns_from_training_boxes_in_shares_of_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def predict(samples: Any, truth: Any, generator: Any) -> Any:
        seen.append((samples, truth))
        return {**truth, "box_scores": np.ones(len(truth["boxes"]))}

    outcome = detect.run(sentinel_context(tmp_path, predict, monkeypatch))
    samples, truth = seen[0]
    assert len(samples.ids) == 10
    assert len(samples.reference["boxes"]) == 15
    assert (truth["boxes"] <= 1).all()
    np.testing.assert_allclose(truth["boxes"][0], [0.25, 0.25, 0.5, 0.5])
    np.testing.assert_allclose(
        outcome.predictions["boxes"], outcome.predictions["truth_boxes"], rtol=1e-6
    )
    assert outcome.selection["reference_split"] == "train"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"box_scores": np.ones(1)}, "different lengths"),
        ({"box_image": np.full(5, 99)}, "not there"),
        ({"box_class": None}, "gave no box_class"),
    ],
)
def test_a_sentinel_of_the_wrong_form_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: dict[str, Any], message: str
) -> None:
    def predict(samples: Any, truth: Any, generator: Any) -> Any:
        answer = {
            "boxes": np.full((5, 4), 0.2), "box_scores": np.ones(5),
            "box_image": np.zeros(5, dtype=int), "box_class": np.zeros(5, dtype=int),
        } | broken  # fmt: skip
        return {name: values for name, values in answer.items() if values is not None}

    with pytest.raises(BadDataError, match=message):
        detect.run(sentinel_context(tmp_path, predict, monkeypatch))


def ellipses(count: int, side: int) -> tuple[list[np.ndarray], pd.DataFrame]:
    """Noise with one or two bright ellipses, and their boxes."""
    generator = np.random.default_rng(0)
    images, rows = [], []
    for number in range(count):
        image = generator.normal(90, 25, (side, side))
        for _ in range(generator.integers(1, 3)):
            w, h = generator.integers(16, 30, 2)
            x, y = generator.integers(0, side - w), generator.integers(0, side - h)
            place = np.mgrid[:side, :side]
            inside = ((place[1] - x - w / 2) / (w / 2)) ** 2 + (
                (place[0] - y - h / 2) / (h / 2)
            ) ** 2
            image[inside < 1] += 70
            rows.append((f"i{number}", "Edema", "", x, y, w, h, side, side, ""))
        images.append(image.clip(0, 255).astype(np.uint8))
    columns = ["image", "label", "phrase", "x", "y", "w", "h", "width", "height", "split"]
    return images, pd.DataFrame(rows, columns=columns)


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "kind", "rate"),
    [
        ("mae", "vitdet", 3e-3),
        ("mae", "yolov3", 2e-3),
        ("random_init_resnet50", "vitdet", 3e-3),
        ("random_init_resnet50", "yolov3", 2e-3),
    ],
)
def test_sixteen_training_images_are_learnt_by_heart(
    tmp_path: Path, name: str, kind: str, rate: float
) -> None:
    """AP at IoU 0.50 above 0.9 on the training images: each detector, each kind of encoder."""
    side, count = 64, 16
    images, boxes = ellipses(count, side)
    manifest = make_manifest(count, boxes=boxes)
    manifest = dataclasses.replace(manifest, labels=pd.DataFrame({"Edema": np.ones(count)}))
    store = Store(np.ones((count, 1)))
    store.images = images
    recipe = DetectRecipe(
        source="test",
        image_size=side,
        batch_size=8,
        detector=kind,  # type: ignore[arg-type]
        learning_rates={"100": rate},
        steps={"100": 200},
        warmup_steps={"100": 10},
        selection="fixed_recipe",
        pyramid_scales=(2.0, 1.0, 0.5),
        anchor_cells=4,
        pyramid_width=32,
        head_width=64,
        head_convolutions=0,
        proposals=50,
        sampled_boxes=32,
        flip_probability=0.0,
        weight_decay=0.05,
    )
    every = np.arange(count)
    context = make_context(
        tmp_path, recipe, "detect", manifest=manifest, representation=encoder(name, side, "demo"),
        label_percent=100.0, rows=SplitRows(every, every[:0], every, "test"), store=lambda: store,
    )  # fmt: skip
    scores = detection.score(detect.run(context).predictions, recipe, 0, 0)
    assert scores.metrics["ap_50"].value > 0.9
