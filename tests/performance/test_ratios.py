"""Speed as ratios against a reference in the same run; no absolute time is a pass mark."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmark.data.images import read_grey
from benchmark.data.sources import nih_cxr14
from benchmark.data.store import open_store
from benchmark.metrics.ranked_auc import bootstrap_auc
from benchmark.phantom.draw import draw_phantom
from benchmark.specs import PhantomSize
from benchmark.statistics.bootstrap import PatientBootstrap

pytestmark = pytest.mark.performance


def best_seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Shortest of several runs: the one that its neighbours disturbed least."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def test_the_store_reads_at_least_ten_times_faster_than_decoding(tmp_path: Path) -> None:
    draw_phantom(tmp_path / "p", PhantomSize(cases=200, size=256), workers=2)
    manifest = nih_cxr14.read(tmp_path / "p" / "nih-cxr14")
    store = open_store(manifest, 256, tmp_path / "cache")
    paths = [manifest.root / path for path in manifest.images["path"]]
    decoding = best_seconds(lambda: [read_grey(path) for path in paths])
    reading = best_seconds(lambda: [np.array(store[row]) for row in range(len(paths))])
    print(f"decode / read = {decoding / reading:.1f}")
    assert decoding / reading > 10


def test_the_bootstrap_is_at_least_thirty_times_faster_than_resampling_with_sklearn() -> None:
    """2,000 resamples of 25,596 images and 14 classes (NIH's official test list)."""
    generator = np.random.default_rng(0)
    images, classes, replicates, counted = 25_596, 14, 2000, 3
    share = np.geomspace(0.002, 0.2, classes)
    truth = (generator.random((images, classes)) < share).astype(float)
    scores = (truth + generator.normal(size=(images, classes))).astype(np.float32)
    patients = generator.integers(0, 2797, images).astype(str)

    def resampled() -> None:
        for _ in range(counted):
            rows = generator.integers(0, images, images)
            for column in range(classes):
                roc_auc_score(truth[rows, column], scores[rows, column])

    def ours_whole() -> None:
        bootstrap_auc(truth, scores, PatientBootstrap.draw(patients, replicates, 0))

    ours = best_seconds(ours_whole, 2)
    theirs = best_seconds(resampled, 2) * replicates / counted
    print(f"ours {ours:.1f} s; sklearn, from {counted} resamples, {theirs:.0f} s")
    print(f"sklearn / ours = {theirs / ours:.0f}")
    assert theirs / ours > 30


def test_two_workers_draw_faster_than_one(tmp_path: Path) -> None:
    size = PhantomSize(cases=240, size=128)
    one = best_seconds(_drawing(tmp_path, size, 1), 1)
    two = best_seconds(_drawing(tmp_path, size, 2), 1)
    print(f"one worker / two workers = {one / two:.2f}")
    assert one / two > 1.2


def _drawing(folder: Path, size: PhantomSize, workers: int) -> Callable[[], object]:
    return lambda: draw_phantom(folder / f"w{workers}", size, workers=workers)
