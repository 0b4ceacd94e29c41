import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benchmark.reporting.report.worst import worst_samples, wrong_share


def ids(*names):
    return np.array(names)


def test_segmentation_takes_the_lowest_dice_of_images_with_a_target():
    arrays = {
        "ids": ids("d", "c", "b", "a"),
        "dice": np.array([0.0, 0.2, 0.2, 0.9]),
        "dice_nonempty": np.array([np.nan, 0.2, 0.2, 0.9]),
        "target_fraction": np.array([0.0, 0.1, 0.2, 0.3]),
    }
    worst = worst_samples(arrays, shown=3)
    assert [arrays["ids"][row] for row in worst.rows] == ["b", "c", "a"]
    assert worst.columns["Dice"] == (0.2, 0.2, 0.9)
    assert worst.columns["target, share of the image"] == (0.2, 0.1, 0.3)


def test_detection_takes_the_images_with_most_missed_boxes():
    arrays = {
        "ids": ids("a", "b", "c", "d"),
        "truth_boxes": np.array([1, 4, 2, 0]),
        "recall_50": np.array([0.0, 0.5, 1.0, np.nan]),
        "detections": np.array([3.0, 2.0, 1.0, 9.0]),
    }
    worst = worst_samples(arrays)
    assert [arrays["ids"][row] for row in worst.rows] == ["b", "a"]
    assert worst.columns["boxes missed"] == (2.0, 1.0)


def test_nothing_is_missed():
    arrays = {
        "ids": ids("a"),
        "truth_boxes": np.array([3]),
        "recall_50": np.array([1.0]),
        "detections": np.array([3.0]),
    }
    assert "no true box is missed" in worst_samples(arrays).why


def test_grounding_takes_the_lowest_cnr_and_shows_what_else_is_known():
    arrays = {
        "ids": ids("i#0", "i#1", "i#2"),
        "category": np.array(["Edema", "Edema", "Nodule"]),
        "cnr": np.array([0.5, -1.0, np.nan]),
        "iou": np.array([0.1, 0.0, 0.2]),
    }
    worst = worst_samples(arrays)
    assert worst.rows == (1, 0)
    assert list(worst.columns) == ["CNR", "category", "IoU"]
    assert worst.columns["category"] == ("Edema", "Edema")


def test_classification_takes_the_case_that_outranks_the_most_of_the_other_kind():
    truth = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [np.nan, 1]], dtype=float)
    scores = np.array([[0.1, 0.0], [0.9, 0.9], [0.5, 0.6], [0.2, 0.7], [0.0, 0.8]])
    arrays = {"ids": ids("a", "b", "c", "d", "e"), "truth": truth, "scores": scores}
    worst = worst_samples(arrays, ("Effusion", "Edema"), shown=2)
    # In Effusion `a` stands below both negatives; in Edema `b` stands above all positives.
    named = {
        (str(arrays["ids"][row]), label)
        for row, label in zip(worst.rows, worst.columns["class"], strict=True)
    }
    assert named == {("a", "Effusion"), ("b", "Edema")}
    assert worst.columns["on the wrong side of"] == (1.0, 1.0)
    assert set(worst.columns["truth"]) == {"positive", "negative"}


def test_a_perfect_classifier_has_no_error():
    truth = np.array([[1.0], [0.0]])
    arrays = {"ids": ids("a", "b"), "truth": truth, "scores": truth}
    assert "wrong side" in worst_samples(arrays).why


def test_without_single_samples_there_is_a_reason():
    assert worst_samples({}).why == "no per-sample values stand beside this record"


def test_a_random_sentinel_has_no_score_of_one_sample():
    arrays = {"ids": ids("a"), "truth": np.array([[1.0]])}
    assert "no score of one sample" in worst_samples(arrays).why


@given(
    hnp.arrays(float, (9, 2), elements=st.sampled_from([0.0, 1.0, np.nan])),
    hnp.arrays(float, (9, 2), elements=st.integers(0, 4).map(float)),
)
def test_wrong_share_is_a_count_of_pairs(truth, scores):
    wrong, _ = wrong_share(truth, scores)
    for column in range(2):
        label, score = truth[:, column], scores[:, column]
        for row in range(9):
            others = score[label == 1 - label[row]]
            if np.isnan(label[row]) or not len(others):
                assert wrong[row, column] == 0
                continue
            beaten = others < score[row] if label[row] == 0 else others > score[row]
            assert wrong[row, column] == pytest.approx(beaten.mean())
