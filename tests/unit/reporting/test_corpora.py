"""Records whose weights were pre-trained on different corpora, in one results folder."""

from __future__ import annotations

import pytest

from benchmark.commands.tables import suite_tables
from benchmark.interfaces import Metric
from benchmark.registry import CHECKOUT
from benchmark.reporting.corpora import dataset_of, suite_corpus
from benchmark.reporting.publish import publish
from benchmark.reporting.tables import write_tables
from benchmark.settings import Settings

MIMIC, OPEN_I = "mimic_cxr-phantom-v1-11111111", "open_i-phantom-v1-22222222"
REAL = {"data_id": "rsna_pneumonia-dddddddd", "profile": "paper"}


@pytest.fixture
def boards(leaderboards):
    """A second suite that shows the same table, with a corpus of its own."""
    text = 'tables = ["small"]\ncorpus = "open_i"\n'
    (leaderboards / "suites" / "small-open.toml").write_text(text, encoding="utf-8")
    return leaderboards


@pytest.fixture
def both(records):
    """The same cells twice, on one state of the task's data, and what has no corpus."""
    for corpus, ours, floor in ((MIMIC, 0.71, 0.52), (OPEN_I, 0.64, 0.53)):
        add(records, "maco", ours, pretrained_on=corpus)
        add(records, "random_init", floor, pretrained_on=corpus)
    add(records, "my_model", 0.8, weights="file:0123456789abcdef")
    records.sentinels()
    return records


def add(records, baseline, auc, **more):
    records.add("rsna_zero_shot", baseline, {"auc": Metric(auc, best=1.0, chance=0.5)}, **more)


def page(records, boards, out, suite="small", profile="demo", **more):
    write_tables(suite, records.root, out, profile, leaderboards=boards, **more)
    return (out / "small.md").read_text(encoding="utf-8")


def aucs(text):
    """First score by row title."""
    lines = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {line[0].strip(): line[2].strip() for line in lines}


def test_two_corpora_in_one_folder_give_two_tables(both, boards, tmp_path):
    first = page(both, boards, tmp_path / "a", "small")
    second = page(both, boards, tmp_path / "b", "small-open")
    shared = {"*oracle* (sentinel)": "100.0", "`my_model` (file:01234567)": "80.0"}
    for text, ours, floor, corpus in (
        (first, "71.0", "52.0", MIMIC),
        (second, "64.0", "53.0", OPEN_I),
    ):
        found = aucs(text)
        assert found["Ours"] == ours and found["*random_init* (floor)"] == floor
        assert shared.items() <= found.items()
        assert "ambiguous" not in text and "BROKEN" not in text
        assert f"- Pre-trained on: `{corpus}`\n" in text
    assert "- Not shown: 2 records of weights that were pre-trained on `open_i`\n" in first
    assert "- Not shown: 2 records of weights that were pre-trained on `mimic_cxr`\n" in second
    assert "- Records: 5\n" in first


def test_the_call_wins_over_the_suite(both, boards, tmp_path):
    named = page(both, boards, tmp_path / "a", "small", corpus="open_i")
    assert aucs(named)["Ours"] == "64.0"
    third = page(both, boards, tmp_path / "b", "small", corpus="csv_pairs")
    assert aucs(third)["Ours"].startswith("not run")
    assert aucs(third)["`my_model` (file:01234567)"] == "80.0"


def test_a_table_of_no_suite_keeps_corpora_in_rows_of_their_own(both, boards, tmp_path):
    publish(both.root, boards)
    found = aucs((boards / "small.md").read_text(encoding="utf-8"))
    assert found["Ours (pre-trained on mimic_cxr)"] == "71.0"
    assert found["Ours (pre-trained on open_i)"] == "64.0"
    assert "Ours" not in found


def test_a_published_table_takes_the_corpus_of_its_own_suite(both, boards):
    layout = boards / "tables" / "small.toml"
    layout.write_text('suite = "small-open"\n' + layout.read_text())
    publish(both.root, boards)
    assert aucs((boards / "small.md").read_text(encoding="utf-8"))["Ours"] == "64.0"


def test_another_corpus_is_not_held_against_the_paper(records, boards, tmp_path):
    layout = boards / "tables" / "small.toml"
    layout.write_text('suite = "small"\n' + layout.read_text())
    add(records, "maco", 0.902, pretrained_on="mimic_cxr-11111111", **REAL)
    add(records, "maco", 0.802, pretrained_on="open_i-22222222", **REAL)
    same = page(records, boards, tmp_path / "a", "small", "paper")
    assert "90.5 (text), −0.3" in same
    other = page(records, boards, tmp_path / "b", "small-open", "paper")
    assert "90.5 (text) [1]" in other
    assert "pre-trained on `open_i`, the paper's corpus is `mimic_cxr`" in other


def test_corpora_by_name():
    assert dataset_of("mimic_cxr-phantom-v3-abcdef12") == "mimic_cxr"
    assert dataset_of("open_i-abcdef12") == "open_i"
    assert dataset_of("") == ""
    boards = CHECKOUT / "leaderboards"
    assert suite_corpus(boards, "maco") == "mimic_cxr"
    assert suite_corpus(boards, "open") == "open_i"
    assert suite_corpus(boards, "absent") == ""


def test_the_command_takes_a_corpus(both, tmp_path):
    for corpus, ours in (("", "71.0"), ("open_i", "64.0")):
        call = Settings(suite="maco-demo", results=both.root, corpus=corpus)
        path = next(p for p in suite_tables(call, out=tmp_path) if p.name == "maco_table5.md")
        line = next(row for row in path.read_text().splitlines() if row.startswith("| MaCo"))
        assert ours in line
