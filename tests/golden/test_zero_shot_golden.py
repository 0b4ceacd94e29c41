"""Zero-shot probabilities and AUCs computed with the official implementation."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmark.protocols.zero_shot import official_scores

FOLDER = os.environ.get("MACO_BENCH_GOLDEN", "")
FILES = sorted(Path(FOLDER).glob("zero_shot_seed*.npz")) if FOLDER else []


@pytest.mark.skipif(not FOLDER, reason="MACO_BENCH_GOLDEN is not set: no golden values")
def test_scores_and_auc_equal_the_official_ones() -> None:
    assert FILES, f"no zero_shot_seed*.npz in {FOLDER}"
    for path in FILES:
        golden = np.load(path, allow_pickle=False)
        scores = official_scores(golden["image"], golden["positive"], golden["negative"])
        np.testing.assert_allclose(scores, golden["probability"], rtol=1e-4, atol=1e-6)
        auc = [
            roc_auc_score(golden["label"][:, column], scores[:, column])
            for column in range(scores.shape[1])
        ]
        np.testing.assert_allclose(auc, golden["auc"], rtol=1e-4)
