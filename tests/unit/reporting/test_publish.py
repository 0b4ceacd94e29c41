"""Publishing from committed records, copies for sharing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from benchmark.errors import UsageError
from benchmark.interfaces import Metric
from benchmark.outside_names import folder_name
from benchmark.records import read_record
from benchmark.registry import CHECKOUT
from benchmark.reporting.publish import adopt, publish, share_copy
from benchmark.reporting.tables import write_tables

AUC = {"auc": Metric(0.7, interval=(0.6, 0.8))}


def test_publish_writes_beside_the_layouts(records, leaderboards):
    records.add("rsna_zero_shot", "maco", AUC)
    index, page = publish(records.root, leaderboards)
    assert page == leaderboards / "small.md"
    assert "[Table 1: two tasks](small.md)" in index.read_text(encoding="utf-8")
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


def test_adopt_keeps_what_tables_are_made_from(records, leaderboards, tmp_path):
    layout = leaderboards / "tables" / "small.toml"
    excess = """
[[column]]
title = "Excess"
task = "ms_cxr_grounding"
metric = "cnr"
format = "signed_3"
excess_over = "static_prior"
"""
    layout.write_text(layout.read_text() + excess, encoding="utf-8")
    names = np.array([f"s{number}" for number in range(40)])
    samples = {"ids": names, "patients": names, "cnr": np.arange(40.0)}
    records.add("rsna_zero_shot", "maco", AUC, samples=samples)
    records.add("ms_cxr_grounding", "maco", {"cnr": Metric(0.5)}, samples=samples)
    prior = {**samples, "cnr": np.arange(40.0) - 0.25}
    records.add("ms_cxr_grounding", "static_prior", {"cnr": Metric(0.2)}, samples=prior)
    kept = tmp_path / "kept"
    (kept / "demo" / "old").mkdir(parents=True)
    assert len(adopt(records.root, kept, leaderboards)) == 3
    assert not (kept / "demo" / "old").exists()
    assert not list(kept.rglob("predictions.npz"))
    tasks = {path.parent.parent.parent.name for path in kept.rglob("samples.npz")}
    assert tasks == {"ms_cxr_grounding@maco"}
    pages = [
        publish(root, leaderboards, out=tmp_path / name)[-1].read_text(encoding="utf-8")
        for root, name in ((records.root, "from_results"), (kept, "from_kept"))
    ]
    assert pages[0] == pages[1]
    assert "+0.250" in pages[0]


def test_adopt_refuses_real_data_and_nothing(records, leaderboards, tmp_path):
    kept = tmp_path / "kept"
    (kept / "demo").mkdir(parents=True)
    with pytest.raises(UsageError, match="no record"):
        adopt(records.root, kept, leaderboards)
    records.add("rsna_zero_shot", "maco", AUC, data_id="rsna_pneumonia-abcdef12")
    with pytest.raises(UsageError, match="phantom"):
        adopt(records.root, kept, leaderboards)
    assert (kept / "demo").is_dir()


def test_committed_pages_are_those_of_the_committed_records(tmp_path):
    """`maco-bench tables --publish` would change nothing: no page is stale, edited or left over."""
    boards = CHECKOUT / "leaderboards"
    if list((boards / "records").rglob("record.json")):
        publish(boards / "records", boards, out=tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.glob("*.md")}
    committed = {path.name: path.read_bytes() for path in boards.glob("*.md")}
    del committed["README.md"]
    assert set(made) == set(committed)
    stale = [name for name, content in made.items() if committed[name] != content]
    assert not stale, "make them again: maco-bench tables --publish"


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


HOSTILE = (
    "timm:vit@/somewhere/alice/secret:project/a b/w.pth",
    "timm:vit@/somewhere/bob@secret/w.pth",
    "hf:/somewhere/alice@secret/../models/minilm/",
    "/somewhere/alice@secret/mine.py:build",
    r"open_clip:ViT-B-32@C:\Users\alice\secret\c.pt",
)


@pytest.mark.parametrize("checksums", ["1234567", "1111111"])
def test_a_shared_copy_names_no_folder_of_its_owner(records, leaderboards, tmp_path, checksums):
    """Files of one name stay two rows, whether their weights differ or not."""
    for name, letter in zip(HOSTILE, checksums, strict=False):
        records.add("rsna_zero_shot", name, AUC, weights=f"file:{letter * 64}")
    records.add("rsna_zero_shot", "maco", AUC)
    out = tmp_path / "shared"
    written = share_copy(records.root, out)
    assert len(set(written)) == len(HOSTILE) + 1
    kept = [str(path.relative_to(out)) for path in written]
    kept += [path.read_text(encoding="utf-8") for path in written]
    for word in ("alice", "bob", "secret", "models", "Users", "/somewhere", "\\"):
        assert not [text for text in kept if word in text], word
    for path in written:
        cell = read_record(path).cell
        assert path.parent.parent.name == folder_name(cell.baseline)
    pages = []
    for results in (records.root, out):
        write_tables("small", results, tmp_path / "page", "demo", leaderboards=leaderboards)
        pages.append((tmp_path / "page" / "small.md").read_text(encoding="utf-8"))
    assert pages[1].count("70.0 [60.0, 80.0]") == pages[0].count("70.0 [60.0, 80.0]")
    assert ("w.pth-2" in pages[1]) == (checksums == "1111111")
    assert "ambiguous" not in pages[1]


def test_committed_records_name_no_folder_either(records, leaderboards, tmp_path):
    records.add("rsna_zero_shot", HOSTILE[0], AUC, weights=f"file:{'1' * 64}")
    (path,) = adopt(records.root, tmp_path / "kept", leaderboards)
    assert read_record(path).cell.baseline == "timm:vit@w.pth"
    assert "secret" not in str(path) + path.read_text(encoding="utf-8")


def test_reporting_imports_no_torch():
    code = (
        "import sys, benchmark.reporting.tables, benchmark.reporting.publish;"
        "import benchmark.reporting.figures;"
        "assert not {'torch', 'pandas', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
