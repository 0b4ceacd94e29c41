from __future__ import annotations

from benchmark.data.leaks import leak_sentence, leaks, shared_pairs

CLEAN = {
    "train-validation": {"images": 0, "patients": 0},
    "train-test": {"images": 0, "patients": 0},
    "validation-test": {"images": 0, "patients": 0},
    "absent": 4,
}


def test_a_clean_split_does_not_leak() -> None:
    assert not leaks(CLEAN)
    assert leak_sentence(CLEAN) == ""
    assert shared_pairs({}) == []


def test_shared_images_or_patients_leak() -> None:
    found = {**CLEAN, "train-test": {"images": 494, "patients": 0}}
    found["train-validation"] = {"images": 0, "patients": 1_837}
    assert leaks(found)
    assert leak_sentence(found) == (
        "The split leaks: 1,837 patients stand in both training and validation; "
        "494 images stand in both training and test."
    )


def test_the_counts_of_a_pretraining_record_are_no_pairs() -> None:
    assert not leaks({"dropped_patients": 6, "dropped-images": 9, "empty_reports": 2})
