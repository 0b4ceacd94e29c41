"""One command on real radiographs: pre-train on a CSV of pairs, fine-tune, write a table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmark.records import all_records
from tests.end_to_end.runs import run_all


def test_real_radiographs_from_pretraining_to_a_table(
    real_data: Path, checkout: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    names = ("nih_cxr14", "rsna_pneumonia", "csv_pairs", "lists")
    convert = [sys.executable, "-m", "tests.real_data.convert"]
    subprocess.run([*convert, *names, str(data)], check=True, cwd=checkout)
    done = run_all(
        "--suite", "real-pixels", "--profile", "toy", "--corpus", "csv_pairs",
        "--data-root", str(data), "--results", str(tmp_path / "r"),
        "--cache-dir", str(tmp_path / "c"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    records = [record for _, record in all_records(tmp_path / "r")]
    assert all(record.data["phantom"] is None for record in records)
    pretraining = next(
        r for r in records if r.cell.kind == "pretrain" and r.cell.baseline == "maco"
    )
    assert pretraining.data["dataset"] == "csv_pairs"
    assert pretraining.facts["samples_seen"] > 100
    scored = {r.cell.task: r for r in records if r.cell.baseline == "maco"}
    for task in ("nih_classification", "rsna_classification"):
        assert scored[task].metrics["auc"].value is not None
        shared = [pair for name, pair in scored[task].leaks.items() if "-" in name]
        assert shared == [{"images": 0, "patients": 0}] * 3, "a split by patient shares nobody"
    tables = sorted((tmp_path / "r").rglob("real_pixels.md"))
    text = tables[0].read_text(encoding="utf-8")
    assert "MaCo" in text
    assert "phantom" not in text.lower().replace("no phantom", "")
