"""The template of the docs as an encoder of one's own: from the file to its rows in the tables."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from benchmark.records import all_records
from tests.end_to_end.runs import CHECKOUT, run_all

SUITES = {
    "maco": "rsna_zero_shot,nih_zero_shot,ms_cxr_grounding",
    "g2d": "rsna_linear",
}
TABLES = ("maco_table5.md", "maco_table6.md", "g2d_table4.md")


def test_an_own_encoder_gets_its_row_in_zero_shot_linear_and_grounding_tables(
    tmp_path: Path,
) -> None:
    source = tmp_path / "mine.py"
    shutil.copy(CHECKOUT / "docs" / "templates" / "own_encoder.py", source)
    name = f"{source}:build"
    places = ("--results", str(tmp_path / "r"), "--cache-dir", str(tmp_path / "c"))

    def run(suite: str, tasks: str = "") -> str:
        done = run_all(
            "--suite", suite, "--profile", "toy", "--tasks", tasks or SUITES[suite],
            "--baselines", f"{name},oracle,chance", "--labels", "100", *places,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    for suite in SUITES:
        run(suite)
    records = [r for _, r in all_records(tmp_path / "r") if r.cell.baseline == name]
    assert {r.cell.task for r in records} == {
        task for tasks in SUITES.values() for task in tasks.split(",")
    }
    assert all(r.weights["note"] == "may have seen the test" for r in records)
    assert len({r.weights["checksum"] for r in records}) == 1
    for table in TABLES:
        text = next((tmp_path / "r").rglob(table)).read_text(encoding="utf-8")
        rows = [line for line in text.splitlines() if line.startswith("| `mine.py:build`")]
        assert any(re.search(r"\d \[", row) for row in rows), f"{table} has no value of it"
        assert str(tmp_path) not in text, "a table does not tell where a file lay"
    folders = [folder for folder, _ in all_records(tmp_path / "r")]
    run("maco")
    assert [folder for folder, _ in all_records(tmp_path / "r")] == folders, "nothing runs twice"
    source.write_text(source.read_text(encoding="utf-8").replace("nn.GELU", "nn.ReLU"))
    run("maco", "rsna_zero_shot")
    again = [r for _, r in all_records(tmp_path / "r") if r.cell.baseline == name]
    assert len({r.weights["checksum"] for r in again}) == 2, "a changed encoder runs anew"
