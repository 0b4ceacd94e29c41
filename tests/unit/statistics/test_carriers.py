"""On how many patients an AUC rests."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmark.statistics.carriers import carrying_patients


def test_the_smaller_side_of_the_rarest_class():
    truth = np.array([[1, 1], [1, 0], [0, 1], [0, 0], [0, 0], [0, -1]])
    assert carrying_patients(truth, np.array(list("aabcde"))) == 1
    assert carrying_patients(truth[:, 1:], np.array(list("aabcde"))) == 2


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 3))
def test_it_is_counted_by_patient(seed, n, classes):
    rng = np.random.default_rng(seed)
    truth = rng.choice([0.0, 1.0, np.nan], (n, classes))
    patients = rng.integers(0, 10, n)
    expected = min(
        len({p for p, label in zip(patients, truth[:, c], strict=True) if label == side})
        for c in range(classes)
        for side in (0, 1)
    )
    assert carrying_patients(truth, patients) == expected
