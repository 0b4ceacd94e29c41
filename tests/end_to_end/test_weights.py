"""`run TASK --weights FILE`: released weights to a record, and what a wrong file is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.records import all_records
from tests.end_to_end.runs import CHECKOUT, environment
from tests.released import biovil, mrm

COMMAND = (sys.executable, "-c", "import sys; from benchmark.cli import main; sys.exit(main())")


def run(task: str, baseline: str, weights: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    places = ("--results", str(folder / "results"), "--cache-dir", str(folder / "cache"))
    names = ("--baseline", baseline, "--weights", str(weights), "--profile", "toy")
    return subprocess.run(
        [*COMMAND, "run", task, *names, *places],
        cwd=CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.full
def test_released_weights_give_a_record_that_says_how_they_were_read(tmp_path: Path) -> None:
    weights = biovil.FIXTURES[0].write(tmp_path / "weights")
    for task in ("rsna_zero_shot", "ms_cxr_grounding"):
        done = run(task, "biovil", weights, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    found = [record for _, record in all_records(tmp_path / "results")]
    assert {record.cell.task for record in found} == {"rsna_zero_shot", "ms_cxr_grounding"}
    reads = [record.weights["read"] for record in found]
    assert reads[0] == reads[1]
    assert reads[0]["form"] == "BioViL"
    assert reads[0]["fingerprint"]["text"]["length"] > 0
    assert "encoder.encoder.fc.weight" in reads[0]["unused"]
    assert all(record.weights["note"] == "may have seen the test" for record in found)
    wrong = run("rsna_zero_shot", "biovil", mrm.FIXTURES[0].write(tmp_path / "other"), tmp_path)
    assert wrong.returncode != 0
    assert "it looks like MRM, which is read with --baseline mrm" in wrong.stdout + wrong.stderr
