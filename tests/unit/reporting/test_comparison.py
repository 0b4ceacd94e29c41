"""Two baselines on the same test samples, from stored records."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmark.interfaces import Metric
from benchmark.metrics.ranked_auc import bootstrap_auc
from benchmark.reporting.comparison import Comparer, metrics_of
from benchmark.reporting.select import load_results
from benchmark.seeds import seed_from
from benchmark.specs import Seeds
from benchmark.statistics.bca import auc_influence, bca_interval
from benchmark.statistics.bootstrap import PatientBootstrap
from benchmark.statistics.delong import delong_test

TASK = "nih_zero_shot"
AUC = {"auc": Metric(0.7, best=1.0, chance=0.5)}


def samples(scores, seed=0, count=200, order=None):
    rng = np.random.default_rng(seed)
    truth = (rng.random((count, 2)) < 0.4).astype(float)
    arrays = {
        "ids": np.array([f"image{number:03d}" for number in range(count)]),
        "patients": np.array([f"patient{number // 2:03d}" for number in range(count)]),
        "truth": truth,
        "scores": truth * scores + np.random.default_rng(seed + 1).normal(size=truth.shape),
    }
    return arrays if order is None else {name: value[order] for name, value in arrays.items()}


def sides(records, *baselines):
    results = load_results(records.root, "demo")
    return [[item for item in results if item.cell["baseline"] == name] for name in baselines]


def test_auc_over_classes(records):
    good, poor = samples(1.5), samples(0.1)
    records.add(TASK, "maco", AUC, samples=good, selection={"class_names": ["Mass", "Hernia"]})
    records.add(TASK, "mae_clip", AUC, samples=poor, selection={"class_names": ["Mass", "Hernia"]})
    found = Comparer(400).compare(*sides(records, "maco", "mae_clip"), "auc")
    means = [
        np.mean([roc_auc_score(one["truth"][:, c], one["scores"][:, c]) for c in range(2)])
        for one in (good, poor)
    ]
    assert (found.first, found.second) == pytest.approx(tuple(means))
    assert found.found.difference == pytest.approx(means[0] - means[1])
    assert found.found.verdict == "higher"
    assert found.classes == ("Mass", "Hernia")
    # Of 100 patients, those with a positive image of the rarer class carry the score.
    counts = [len(set(good["patients"][good["truth"][:, c] == 1])) for c in range(2)]
    assert (found.samples, found.found.patients) == (200, min(counts))
    assert found.one_checkpoint


def test_the_order_of_stored_samples_has_no_influence(records):
    order = np.random.default_rng(3).permutation(200)
    records.add(TASK, "maco", AUC, samples=samples(1.5))
    records.add(TASK, "mae_clip", AUC, samples=samples(0.7))
    plain = Comparer(200).compare(*sides(records, "maco", "mae_clip"), "auc")
    records.add(TASK, "mae", AUC, samples=samples(0.7, order=order))
    mixed = Comparer(200).compare(*sides(records, "maco", "mae"), "auc")
    assert mixed.found.interval == pytest.approx(plain.found.interval)


def test_a_class_that_one_side_does_not_score_is_left_out_of_both(records):
    partial = samples(0.1)
    partial["scores"][:, 1] = np.nan
    names = {"class_names": ["Mass", "Hernia"]}
    records.add(TASK, "maco", AUC, samples=samples(1.5), selection=names)
    records.add(TASK, "kad", AUC, samples=partial, selection=names)
    found = Comparer(200).compare(*sides(records, "maco", "kad"), "auc")
    assert found.classes == ("Mass",)
    truth = partial["truth"][:, 0]
    test = delong_test(
        truth, samples(1.5)["scores"][:, 0], partial["scores"][:, 0], partial["patients"]
    )
    assert found.found.p_value == pytest.approx(test.p_value)
    assert found.found.difference == pytest.approx(test.difference)
    assert "DeLong" in found.found.method


def test_means_of_pairs(records):
    task = "ms_cxr_grounding"
    rng = np.random.default_rng(0)
    base = rng.normal(size=80)
    common = {
        "ids": np.array([f"p{number:02d}" for number in range(80)]),
        "patients": np.array([f"q{number // 2:02d}" for number in range(80)]),
    }
    value = {"cnr": Metric(0.5)}
    own = {**common, "cnr": base + 0.3 + 0.1 * rng.normal(size=80)}
    records.add(task, "maco", value, samples=own)
    records.add(task, "static_prior", value, samples={**common, "cnr": base})
    found = Comparer(300).compare(*sides(records, "maco", "static_prior"), "cnr")
    assert found.found.difference == pytest.approx(np.mean(own["cnr"] - base))
    assert found.found.verdict == "higher"
    assert found.samples_to_settle < 80
    none = Comparer(300).compare(*sides(records, "maco", "static_prior"), "miou")
    assert none.found.difference is None and "`iou`" in none.found.why


def test_several_pretraining_seeds_join_their_spread(records):
    for seed, strength in enumerate((0.5, 1.0, 1.8)):
        records.add(TASK, "maco", AUC, samples=samples(strength), seeds=Seeds(pretrain=seed))
        records.add(TASK, "mae_clip", AUC, samples=samples(0.1), seeds=Seeds(pretrain=seed))
    found = Comparer(200).compare(*sides(records, "maco", "mae_clip"), "auc")
    assert "spread of the seeds" in found.found.method
    assert not found.one_checkpoint
    single = [side[:1] for side in sides(records, "maco", "mae_clip")]
    narrow = Comparer(200).compare(*single, "auc")
    assert found.found.smallest_detectable > narrow.found.smallest_detectable


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda arrays: arrays.update(ids=np.char.add(arrays["ids"], "x")), "other test samples"),
        (lambda arrays: arrays.update(patients=arrays["ids"]), "other patients"),
        (lambda arrays: arrays["truth"].fill(0), "no class has positive"),
        (lambda arrays: np.negative.at(arrays["truth"], 0), "other labels"),
        (lambda arrays: arrays.pop("scores"), "`scores`"),
    ],
)
def test_what_cannot_be_paired_says_why(records, change, words):
    records.add(TASK, "maco", AUC, samples=samples(1.5))
    other = samples(0.1)
    change(other)
    records.add(TASK, "mae_clip", AUC, samples=other)
    found = Comparer(50).compare(*sides(records, "maco", "mae_clip"), "auc")
    assert found.found.difference is None
    assert words in found.found.why


def test_without_samples_or_records_it_says_why(records):
    records.add(TASK, "maco", AUC, samples=samples(1.5))
    records.add(TASK, "mae_clip", AUC)
    comparer = Comparer(50)
    bare = comparer.compare(*sides(records, "maco", "mae_clip"), "auc")
    assert "no values of single samples" in bare.found.why
    assert "no record" in comparer.compare(*sides(records, "maco", "mae"), "auc").found.why
    assert "cannot be compared" in comparer.compare(*sides(records, "maco", "maco"), "f1").found.why


def test_average_precision_of_boxes(records, tmp_path):
    from benchmark.metrics.detection import score
    from benchmark.recipes.detect import DetectRecipe
    from benchmark.records import read_record, write_record

    rng = np.random.default_rng(0)
    images = 60
    truth = np.column_stack([rng.uniform(0, 50, (images, 2)), np.full((images, 2), 20.0)])
    recipe = DetectRecipe(source="test")
    task, values = "rsna_detection", {}
    for name, shift in (("maco", 1.0), ("mae", 6.0)):
        predictions = {
            "ids": np.array([f"i{number:02d}" for number in range(images)]),
            "patients": np.array([f"p{number:02d}" for number in range(images)]),
            "split": np.full(images, "test"),
            "classes": np.array(["opacity"]),
            "boxes": truth + shift * rng.uniform(0.5, 1.5, (images, 1)) * np.array([1, 1, 0, 0]),
            "box_scores": rng.random(images),
            "box_image": np.arange(images),
            "box_class": np.zeros(images, dtype=int),
            "truth_boxes": truth,
            "truth_image": np.arange(images),
            "truth_class": np.zeros(images, dtype=int),
        }
        scores = score(predictions, recipe, 0, 50)
        values[name] = scores.metrics["ap_50_95"].value
        folder = records.add(task, name, scores.metrics, recipe={"boxes_per_image": 100})
        write_record(folder, read_record(folder), predictions, scores.per_sample)
    found = Comparer(200).compare(*sides(records, "maco", "mae"), "ap_50_95")
    assert found.found.difference == pytest.approx(values["maco"] - values["mae"])
    assert found.found.verdict == "higher"
    assert found.classes == ("opacity",)


def test_bca_intervals(records):
    records.add(TASK, "maco", AUC, samples=samples(1.5))
    records.add(TASK, "mae_clip", AUC, samples=samples(0.1))
    both = sides(records, "maco", "mae_clip")
    plain = Comparer(800).compare(*both, "auc").found
    corrected = Comparer(800, "bca").compare(*both, "auc").found
    assert corrected.interval != plain.interval
    assert corrected.interval == pytest.approx(plain.interval, abs=0.03)
    assert corrected.p_value == plain.p_value
    one, two = samples(1.5), samples(0.1)
    influence = auc_influence(one["truth"], one["scores"], one["patients"])
    influence -= auc_influence(two["truth"], two["scores"], two["patients"])
    kinds = np.concatenate([one["truth"] == 1, one["truth"] == 0], axis=1)
    bootstrap = PatientBootstrap.draw(one["patients"], 800, seed_from("comparison"), kinds)
    drawn = [bootstrap_auc(x["truth"], x["scores"], bootstrap).mean(axis=1) for x in (one, two)]
    expected = bca_interval(drawn[0] - drawn[1], plain.difference, influence)
    assert corrected.interval == pytest.approx(expected.bounds)


def test_bca_of_several_runs_stays_as_it_is_and_says_so(records):
    for seed, strength in enumerate((0.5, 1.0)):
        records.add(TASK, "maco", AUC, samples=samples(strength), seeds=Seeds(pretrain=seed))
    records.add(TASK, "mae_clip", AUC, samples=samples(0.1))
    both = sides(records, "maco", "mae_clip")
    found = Comparer(200, "bca").compare(*both, "auc").found
    assert found.interval == Comparer(200).compare(*both, "auc").found.interval
    assert "no BCa interval" in found.why


def test_metrics_of_a_task_begin_with_its_headline():
    assert metrics_of("rsna_zero_shot")[0] == "auc"
    assert metrics_of("siim_segmentation")[0] == "dice_nonempty"
    assert metrics_of("ms_cxr_grounding")[0] == "cnr"
    assert metrics_of("rsna_detection")[0].startswith("ap_")
    assert metrics_of("efficiency") == ()
    assert metrics_of("no_such_task") == ()
