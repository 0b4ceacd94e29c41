"""Average precision against plain loops and against pycocotools, and what may not move it."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from benchmark.errors import BadDataError
from benchmark.metrics import detection
from benchmark.metrics.detection_matches import THRESHOLDS
from benchmark.metrics.detection_precision import replicated_precision
from benchmark.metrics.detection_sample import RANGES, read_sample
from benchmark.recipes.detect import DetectRecipe
from benchmark.statistics.bootstrap import PatientBootstrap

RECIPE = DetectRecipe(source="test")
NAMES = (*RANGES, detection.PUBLISHED)


def scene(seed, images=24, classes=2, ties=False, empty_share=0.3):
    """Predictions over images of 100 x 80 px: jittered truth, noise, images without either."""
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for image in range(images):
        for _ in range(0 if rng.random() < empty_share else rng.integers(1, 4)):
            label = int(rng.integers(classes))
            box = np.array([*rng.uniform(0, 60, 2), *rng.uniform(8, 30, 2)])
            truth.append((image, label, *box))
            for _ in range(rng.integers(0, 3)):
                moved = box * rng.uniform(0.85, 1.15, 4)
                found.append((image, label, rng.beta(4, 2), *moved))
        for _ in range(rng.integers(0, 4)):
            noise = (*rng.uniform(0, 60, 2), *rng.uniform(8, 30, 2))
            found.append((image, int(rng.integers(classes)), rng.beta(2, 3), *noise))
    truth = np.array(truth).reshape(-1, 6)
    found = np.array(found).reshape(-1, 7)
    scores = np.round(found[:, 2], 1) if ties else found[:, 2]
    return {
        "ids": np.array([f"i{image:03d}" for image in range(images)]),
        "patients": np.array([f"p{image // 2}" for image in range(images)]),
        "split": np.where(np.arange(images) % 6 == 5, "validation", "test"),
        "classes": np.array([f"class {label}" for label in range(classes)]),
        "boxes": found[:, 3:],
        "box_scores": scores,
        "box_image": found[:, 0].astype(int),
        "box_class": found[:, 1].astype(int),
        "truth_boxes": truth[:, 2:],
        "truth_image": truth[:, 0].astype(int),
        "truth_class": truth[:, 1].astype(int),
    }


def overlap(first, second):
    """Intersection over union of two boxes x y w h."""
    sides = [
        min(first[axis] + first[axis + 2], second[axis] + second[axis + 2])
        - max(first[axis], second[axis])
        for axis in (0, 1)
    ]
    common = max(0.0, sides[0]) * max(0.0, sides[1])
    return common / (first[2] * first[3] + second[2] * second[3] - common)


def naive_average_precision(arrays, images, label, threshold, lowest=0.0):
    """Plain loops: at each score as a cut, match, count; then read 101 recall levels."""
    truth = {image: [] for image in images}
    for image, kind, box in zip(
        arrays["truth_image"], arrays["truth_class"], arrays["truth_boxes"], strict=True
    ):
        if image in truth and kind == label:
            truth[image].append(box)
    total = sum(len(boxes) for boxes in truth.values())
    if total == 0:
        return None
    mine = [
        (score, image, box)
        for score, image, kind, box in zip(
            arrays["box_scores"], arrays["box_image"], arrays["box_class"], arrays["boxes"],
            strict=True,
        )
        if image in truth and kind == label and score >= lowest
    ]  # fmt: skip
    points = []
    for cut in {score for score, _, _ in mine}:
        called = [entry for entry in mine if entry[0] >= cut]
        hits = 0
        for image in images:
            free = list(truth[image])
            here = sorted(
                (entry for entry in called if entry[1] == image),
                key=lambda entry: (-entry[0], *entry[2]),
            )
            for _, _, box in here:
                values = [overlap(box, other) for other in free]
                if values and max(values) >= threshold:
                    free.pop(int(np.argmax(values)))
                    hits += 1
        points.append((hits / total, hits / len(called)))
    levels = [
        max((precision for recall, precision in points if recall >= level), default=0.0)
        for level in np.linspace(0, 1, 101)
    ]
    return float(np.mean(levels))


def naive_metric(arrays, name):
    """By the docstring of the module."""
    images = [int(row) for row in np.flatnonzero(arrays["split"] == "test")]
    lowest, limits = 0.0, RANGES.get(name, (0.4, 0.75))
    if name == detection.PUBLISHED:
        lowest = RECIPE.published_score_threshold
        with_truth = set(arrays["truth_image"])
        confident = set(arrays["box_image"][arrays["box_scores"] >= lowest])
        images = [image for image in images if image in with_truth and image in confident]
    steps = np.arange(round(limits[0] * 20), round(limits[1] * 20) + 1) / 20
    classes = []
    for label in range(len(arrays["classes"])):
        values = [naive_average_precision(arrays, images, label, step, lowest) for step in steps]
        if values[0] is not None:
            classes.append(np.mean(values))
    return float(np.mean(classes)) if classes else None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ties", [False, True], ids=["distinct scores", "tied scores"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_against_plain_loops(name, ties, seed):
    arrays = scene(seed, images=18, ties=ties)
    value = detection.score(arrays, RECIPE, 0, 0).metrics[name].value
    assert 0 < value < 1
    assert value == pytest.approx(naive_metric(arrays, name), abs=1e-12)


def coco_precision(arrays, images):
    """pycocotools as it stands: mean over classes of AP 50:95 and of AP 50."""
    categories = [{"id": label} for label in range(len(arrays["classes"]))]

    def made(kind):
        entries = []
        for number, (image, label, box) in enumerate(
            zip(
                arrays[f"{kind}_image"],
                arrays[f"{kind}_class"],
                arrays["boxes" if kind == "box" else "truth_boxes"],
                strict=True,
            )
        ):
            entry = {"id": number + 1, "image_id": int(image), "category_id": int(label)}
            entry |= {"bbox": [float(v) for v in box], "area": box[2] * box[3], "iscrowd": 0}
            if kind == "box":
                entry["score"] = float(arrays["box_scores"][number])
            if image in images:
                entries.append(entry)
        coco = COCO()
        coco.dataset = {
            "images": [{"id": int(image)} for image in images],
            "categories": categories,
            "annotations": entries,
        }
        coco.createIndex()
        return coco

    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(made("truth"), made("box"), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    by_class = [precision[:, :, label] for label in range(len(categories))]
    known = [values for values in by_class if (values > -1).any()]
    return float(np.mean([v.mean() for v in known])), float(np.mean([v[0].mean() for v in known]))


@pytest.mark.parametrize("seed", range(5))
def test_against_pycocotools(seed):
    arrays = scene(seed, images=40)
    images = list(np.flatnonzero(arrays["split"] == "test"))
    metrics = detection.score(arrays, RECIPE, 0, 0).metrics
    whole, half = coco_precision(arrays, images)
    assert metrics["ap_50_95"].value == pytest.approx(whole, abs=1e-12)
    assert metrics["ap_50"].value == pytest.approx(half, abs=1e-12)
    assert list(THRESHOLDS[2:]) == pytest.approx(list(np.linspace(0.5, 0.95, 10)), abs=1e-15)


def test_a_replicate_is_the_sample_with_its_images_repeated():
    arrays = scene(3, images=20, classes=1)
    rows = np.flatnonzero(arrays["split"] == "test")
    sample = read_sample(arrays, rows, RECIPE)
    bootstrap = PatientBootstrap.draw(arrays["patients"][rows], 6, 1)
    drawn = replicated_precision(sample.matches[0], bootstrap)
    for replicate in range(6):
        counts = bootstrap.counts[replicate][bootstrap.codes]
        repeated = [int(row) for row, count in zip(rows, counts, strict=True) for _ in range(count)]
        again = {
            "split": np.full(len(repeated), "test"),
            "ids": np.array([f"{place:03d}" for place in range(len(repeated))]),
            "classes": arrays["classes"],
        }
        parts = {
            "box": ("boxes", "box_scores", "box_class"),
            "truth": ("truth_boxes", "truth_class"),
        }
        for kind, names in parts.items():
            owners = [np.flatnonzero(arrays[f"{kind}_image"] == row) for row in repeated]
            places = np.concatenate(owners)
            again[f"{kind}_image"] = np.repeat(np.arange(len(repeated)), [len(o) for o in owners])
            again |= {name: arrays[name][places] for name in names}
        expected = read_sample(again, np.arange(len(repeated)), RECIPE).values("ap_40_75")
        places = np.flatnonzero((THRESHOLDS >= 0.4 - 1e-9) & (THRESHOLDS <= 0.75 + 1e-9))
        assert drawn[places, replicate].mean() == pytest.approx(expected["class 0"], abs=1e-12)


def test_intervals_hold_the_value_and_count_patients():
    scores = detection.score(scene(4, images=60), RECIPE, 0, 200)
    for name in NAMES:
        low, high = scores.metrics[name].interval
        assert low < scores.metrics[name].value < high
        assert set(scores.metrics[name].interval_per_class) == {"class 0", "class 1"}
    assert scores.metrics["ap_50"].best == 1.0


@pytest.mark.parametrize("ties", [False, True])
def test_order_and_batches_have_no_influence(ties):
    arrays = scene(5, ties=ties)
    rng = np.random.default_rng(0)
    images, boxes = rng.permutation(len(arrays["ids"])), rng.permutation(len(arrays["boxes"]))
    true = rng.permutation(len(arrays["truth_boxes"]))
    place = np.argsort(images)
    moved = {name: arrays[name][images] for name in ("ids", "patients", "split")}
    moved |= {"classes": arrays["classes"]}
    moved |= {name: arrays[name][boxes] for name in ("boxes", "box_scores", "box_class")}
    moved |= {name: arrays[name][true] for name in ("truth_boxes", "truth_class")}
    moved["box_image"] = place[arrays["box_image"][boxes]]
    moved["truth_image"] = place[arrays["truth_image"][true]]
    first, second = (detection.score(one, RECIPE, 3, 50) for one in (arrays, moved))
    for name in NAMES:
        for part in ("value", "interval"):
            left, right = (getattr(one.metrics[name], part) for one in (first, second))
            assert left == pytest.approx(right, abs=1e-12)
    assert first.selection == second.selection
    for name, values in first.per_sample.items():
        np.testing.assert_array_equal(values, second.per_sample[name])


def without(arrays, kind):
    """The same without detections or without true boxes."""
    names = {"box": ("boxes", "box_scores", "box_image", "box_class")}
    names["truth"] = ("truth_boxes", "truth_image", "truth_class")
    return arrays | {name: arrays[name][:0] for name in names[kind]}


def test_undefined_without_a_true_box():
    scores = detection.score(without(scene(6), "truth"), RECIPE, 0, 20)
    for name in NAMES:
        assert scores.metrics[name].value is None
        assert scores.metrics[name].why == detection.NO_TRUTH
    assert scores.selection["true_boxes"] == 0


def test_silence_is_zero_and_not_published():
    scores = detection.score(without(scene(6), "box"), RECIPE, 0, 20)
    assert [scores.metrics[name].value for name in RANGES] == [0.0] * 3
    assert scores.metrics[detection.PUBLISHED].value is None
    assert scores.metrics[detection.PUBLISHED].why == detection.NOTHING_LEFT


def test_a_class_without_true_boxes_is_undefined_and_left_out_of_the_mean():
    arrays = scene(7, images=60)
    kept = arrays["truth_class"] == 0
    arrays |= {name: arrays[name][kept] for name in ("truth_boxes", "truth_image", "truth_class")}
    metric = detection.score(arrays, RECIPE, 0, 20).metrics["ap_50"]
    assert metric.per_class["class 1"] is None
    assert metric.why_per_class == {"class 1": detection.NO_TRUTH_OF_CLASS}
    assert metric.value == metric.per_class["class 0"]
    assert metric.interval is not None


def test_false_alarms_on_images_without_boxes_cost_only_the_honest_metrics():
    arrays = scene(8, images=12, classes=1)
    count = len(arrays["ids"])
    alarms = 30
    noisy = arrays | {
        "ids": np.concatenate([arrays["ids"], [f"j{place}" for place in range(alarms)]]),
        "patients": np.concatenate([arrays["patients"], [f"q{place}" for place in range(alarms)]]),
        "split": np.concatenate([arrays["split"], np.full(alarms, "test")]),
        "boxes": np.concatenate([arrays["boxes"], np.tile([1.0, 1, 9, 9], (alarms, 1))]),
        "box_scores": np.concatenate([arrays["box_scores"], np.full(alarms, 0.99)]),
        "box_image": np.concatenate([arrays["box_image"], count + np.arange(alarms)]),
        "box_class": np.concatenate([arrays["box_class"], np.zeros(alarms, dtype=int)]),
    }
    before, after = (detection.score(one, RECIPE, 0, 0).metrics for one in (arrays, noisy))
    for name in RANGES:
        assert after[name].value < before[name].value
    assert after[detection.PUBLISHED].value == before[detection.PUBLISHED].value


def test_the_published_rule_forgives_missed_images():
    arrays = scene(9, images=20, classes=1)
    missed = arrays["truth_image"] % 2 == 0
    silent = arrays["box_image"] % 2 == 1
    quiet = arrays | {
        name: arrays[name][silent] for name in ("boxes", "box_scores", "box_image", "box_class")
    }
    assert missed.any()
    loud, still = (detection.score(one, RECIPE, 0, 0) for one in (arrays, quiet))
    assert still.metrics["ap_50"].value < loud.metrics["ap_50"].value
    rule = still.selection["published_rule"]
    assert rule["images_without_detection"] > 0
    assert rule["images_left"] == still.metrics[detection.PUBLISHED].n
    assert still.metrics[detection.PUBLISHED].value > still.metrics["ap_40_75"].value


def test_only_so_many_boxes_an_image_count():
    arrays = scene(10, images=6, classes=1, empty_share=0.0)
    recipe = DetectRecipe(source="test", boxes_per_image=1)
    best = np.zeros(len(arrays["boxes"]), dtype=bool)
    for image in range(6):
        mine = np.flatnonzero(arrays["box_image"] == image)
        if len(mine):
            best[mine[np.argmax(arrays["box_scores"][mine])]] = True
    first = arrays | {
        name: arrays[name][best] for name in ("boxes", "box_scores", "box_image", "box_class")
    }
    limited = detection.score(arrays, recipe, 0, 0)
    assert limited.selection["detections"] <= 5
    for name in RANGES:
        expected = detection.score(first, RECIPE, 0, 0).metrics[name].value
        assert limited.metrics[name].value == pytest.approx(expected, abs=1e-12)


def test_a_random_sentinel_is_the_mean_over_its_draws():
    draws = [scene(11, classes=1) for _ in range(3)]
    for number, one in enumerate(draws):
        one["box_scores"] = np.random.default_rng(number).random(len(one["boxes"]))
    names = ("boxes", "box_scores", "box_image", "box_class")
    joined = draws[0] | {name: np.concatenate([one[name] for one in draws]) for name in names}
    joined["box_draw"] = np.repeat(np.arange(3), len(draws[0]["boxes"]))
    joined["draws"] = np.array([3])
    scores = detection.score(joined, RECIPE, 0, 10)
    for name in NAMES:
        alone = [detection.score(one, RECIPE, 0, 0).metrics[name].value for one in draws]
        assert scores.metrics[name].value == pytest.approx(np.mean(alone), abs=1e-12)
        error = np.std(alone, ddof=1) / np.sqrt(3)
        assert scores.selection["standard_error"][name] == pytest.approx(error, abs=1e-12)


@given(seed=st.integers(0, 10_000), factor=st.floats(0.05, 20.0))
def test_neither_scale_nor_a_rising_function_of_the_scores_moves_it(seed, factor):
    arrays = scene(seed, images=8, classes=1)
    moved = arrays | {
        "boxes": arrays["boxes"] * factor,
        "truth_boxes": arrays["truth_boxes"] * factor,
        "box_scores": arrays["box_scores"] ** 3,
    }
    first, second = (detection.score(one, RECIPE, 0, 0).metrics for one in (arrays, moved))
    for name in RANGES:
        if first[name].value is None:
            assert second[name].value is None
        else:
            assert second[name].value == pytest.approx(first[name].value, abs=1e-9)


def test_one_metric_of_one_split():
    arrays = scene(12, images=30)
    for split, name in (("test", "ap_50_95"), ("validation", "ap_40_75")):
        flipped = arrays | {"split": np.where(arrays["split"] == split, "test", "other")}
        expected = detection.score(flipped, RECIPE, 0, 0).metrics[name].value
        assert detection.split_precision(arrays, RECIPE, split, name) == pytest.approx(expected)


def test_bad_arrays_are_refused():
    arrays = scene(13)
    for name, value in (("box_image", 99), ("truth_class", 5), ("box_scores", np.nan)):
        broken = arrays[name].copy()
        broken[0] = value
        with pytest.raises(BadDataError, match=name):
            detection.score(arrays | {name: broken}, RECIPE, 0, 0)
    with pytest.raises(BadDataError, match="truth_boxes"):
        detection.score({k: v for k, v in arrays.items() if k != "truth_boxes"}, RECIPE, 0, 0)
