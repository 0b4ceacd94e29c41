"""A real ImageNet model on real radiographs, from a file to its row in a table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmark.records import all_records
from benchmark.registry import load_task
from benchmark.statistics.paired import paired_auc_difference
from tests.efficientnet_lite0 import NAME, write_weights
from tests.end_to_end.runs import run_all

COMMON = 20
"""Positives among the test images from which on a class is compared: of fewer, one or two images
would decide."""


def test_linear_probing_of_an_imagenet_model_beats_random_weights(
    real_data: Path, checkout: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    convert = [sys.executable, "-m", "tests.real_data.convert", "nih_cxr14", "csv_pairs"]
    subprocess.run([*convert, str(data)], check=True, cwd=checkout)
    encoder = f"timm:{NAME}@{write_weights(tmp_path / 'lite0.pth')}"
    done = run_all(
        "--suite", "real-pixels", "--profile", "toy", "--corpus", "csv_pairs",
        # Larger batches of a convolutional model wait for memory more than for arithmetic.
        "--recipe", "linear_probe.evaluation_batch=16",
        "--tasks", "nih_linear", "--baselines", f"{encoder},random_init,oracle,chance",
        "--data-root", str(data), "--results", str(tmp_path / "r"),
        "--cache-dir", str(tmp_path / "c"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = {
        record.cell.baseline: (record, np.load(folder / "samples.npz"))
        for folder, record in all_records(tmp_path / "r")
        if record.cell.task == "nih_linear"
    }
    record, ours = found[encoder]
    _, floor = found["random_init"]
    assert record.weights["read"]["preprocessing"]["image_size"] == 224
    assert record.weights["read"]["unused"] == ["classifier.bias", "classifier.weight"]
    assert np.array_equal(ours["ids"], floor["ids"])
    common = ours["truth"].sum(axis=0) >= COMMON
    gain = paired_auc_difference(
        ours["truth"][:, common], ours["scores"][:, common], floor["scores"][:, common],
        ours["patients"], seed=0,
    )  # fmt: skip
    classes = ", ".join(np.array(load_task("nih_linear").classes)[common])
    print(f"AUC over random_init, mean of {classes}: {gain.difference:+.3f} {gain.interval}")
    assert gain.interval is not None
    assert gain.interval[0] > 0
    table = next((tmp_path / "r").rglob("real_pixels.md")).read_text(encoding="utf-8")
    row = next(line for line in table.splitlines() if line.startswith(f"| `timm:{NAME}@lite0.pth`"))
    value = record.metrics["auc"].value
    assert value is not None
    assert f"{100 * value:.1f}" in row
