"""Publishing from committed records, copies for sharing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from benchmark.errors import UsageError
from benchmark.interfaces import Metric
from benchmark.records import read_record
from benchmark.reporting.publish import publish, share_copy
from benchmark.reporting.tables import write_tables

AUC = {"auc": Metric(0.7, interval=(0.6, 0.8))}


def test_publish_writes_beside_the_layouts(records, leaderboards):
    records.add("rsna_zero_shot", "maco", AUC)
    (page,) = publish(records.root, leaderboards)
    assert page == leaderboards / "small.md"
    first = page.read_bytes()
    publish(records.root, leaderboards)
    assert page.read_bytes() == first
    assert b"70.0 [60.0, 80.0]" in first


def test_publish_refuses_real_data_and_nothing(records, leaderboards):
    with pytest.raises(UsageError, match="no record"):
        publish(records.root, leaderboards)
    records.add("rsna_zero_shot", "maco", AUC, data_id="rsna_pneumonia-abcdef12")
    with pytest.raises(UsageError, match="phantom"):
        publish(records.root, leaderboards)


def test_share_copy_keeps_scores_and_drops_samples(records, leaderboards, tmp_path):
    samples = {"ids": np.array(["a"]), "patients": np.array(["h"]), "cnr": np.array([1.0])}
    records.add("rsna_zero_shot", "maco", AUC, samples=samples)
    out = tmp_path / "shared"
    (path,) = share_copy(records.root, out)
    assert sorted(item.name for item in out.rglob("*") if item.is_file()) == ["record.json"]
    record = read_record(path)
    assert record.metrics["auc"].value == 0.7
    assert "command" not in record.provenance
    pages = [tmp_path / "one", tmp_path / "two"]
    for results, page in zip((records.root, out), pages, strict=True):
        write_tables("small", results, page, "demo", leaderboards=leaderboards)
    assert (pages[0] / "small.md").read_bytes() == (pages[1] / "small.md").read_bytes()
    with pytest.raises(UsageError, match="not empty"):
        share_copy(records.root, out)
    with pytest.raises(UsageError, match="outside"):
        share_copy(records.root, records.root / "copy")


def test_reporting_imports_no_torch():
    code = (
        "import sys, benchmark.reporting.tables, benchmark.reporting.publish;"
        "import benchmark.reporting.figures;"
        "assert not {'torch', 'pandas', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
