"""`maco-bench compare` on hand-made records."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from benchmark.cli import main
from benchmark.interfaces import Metric
from benchmark.specs import Seeds
from tests.unit.reporting.conftest import Records

AUC = {"auc": Metric(0.7, best=1.0, chance=0.5)}
DATA = {"data_id": "rsna_pneumonia-phantom-v1-aaaaaaaa"}


def samples(strength, count=300):
    rng = np.random.default_rng(0)
    truth = (rng.random((count, 1)) < 0.4).astype(float)
    noise = np.random.default_rng(int(10 * strength) + 1).normal(size=truth.shape)
    scores = truth * strength + noise
    names = np.char.zfill(np.arange(count).astype(str), 4)
    return {"ids": names, "patients": names, "truth": truth, "scores": scores}


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    records = Records(tmp_path / "results")
    for percent in (1.0, 10.0):
        for baseline, strength in (("maco", 0.9), ("mae", 0.7), ("random_init", 0.0)):
            records.add(
                "rsna_classification", baseline, AUC, percent=percent, samples=samples(strength),
                seeds=Seeds(0, 0, 0), **DATA,
            )  # fmt: skip
    records.add("rsna_classification", "chance", AUC, samples=samples(0.0), **DATA)
    return records


def compared(capsys, *arguments):
    code = main(["compare", *arguments])
    return code, capsys.readouterr()


def test_difference_interval_p_and_how_many_cases(results, capsys):
    code, out = compared(capsys, "maco", "mae", "--task", "rsna_classification@maco")
    assert code == 0
    blocks = out.out.strip().split("\n\n")
    assert len(blocks) == 2
    assert "1 % of the labels" in blocks[0] and "10 % of the labels" in blocks[1]
    positives = int(samples(0.0)["truth"].sum())
    assert f"300 samples, {positives} patients carry the score" in blocks[0]
    assert re.search(r"difference [+−]0\.\d{3} \[.*\]: ", blocks[0])
    assert re.search(r"p 0\.\d{4}, Holm 0\.\d{4} \(DeLong's test by patient\)", blocks[0])
    assert re.search(r"smallest detectable difference 0\.\d{4}", blocks[0])
    assert re.search(r"settled \(80 % power, 5 %\) by [\d,]+ such test samples", blocks[0])
    assert "one pre-training run on a side" in blocks[0]


def test_json_and_labels(results, capsys):
    code, out = compared(
        capsys, "maco", "random_init", "--task", "rsna_classification", "--labels", "10", "--json"
    )
    assert code == 0
    (found,) = json.loads(out.out)
    assert (found["labels"], found["metric"], found["verdict"]) == ("10", "auc", "higher")
    assert found["interval"][0] < found["difference"] < found["interval"][1]
    assert found["p_value_holm"] == found["p_value"] < 0.01
    assert found["samples_to_settle"] < 300


def test_a_sentinel_stands_for_every_fraction(results, capsys):
    code, out = compared(capsys, "maco", "chance", "--task", "rsna_classification", "--json")
    assert code == 0
    assert [item["labels"] for item in json.loads(out.out)] == ["1", "10"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("mako", "mae", "--task", "rsna_classification"), 2, "Did you mean `maco`"),
        (("maco", "mae", "--task", "rsna_clasification"), 2, "rsna_classification"),
        (("maco", "mae", "--task", "efficiency"), 2, "no values of single samples"),
        (
            ("maco", "mae", "--task", "rsna_classification", "--metric", "f1"),
            2,
            "Known: auc",
        ),
        (("maco", "gloria", "--task", "rsna_classification"), 3, "maco-bench run TASK"),
    ],
)
def test_mistakes_say_what_to_do(results, capsys, arguments, code, words):
    found, out = compared(capsys, *arguments)
    assert (found, words in out.err) == (code, True), out.err


def test_records_of_two_kinds_are_not_averaged(results, capsys):
    more = {"percent": 1.0, "seeds": Seeds(0, 0, 0), "samples": samples(0.6), **DATA}
    results.add("rsna_classification", "maco", AUC, weights="file:0123456789abcdef", **more)
    code, out = compared(capsys, "maco", "mae", "--task", "rsna_classification", "--labels", "1")
    assert code == 2
    assert "several kinds" in out.err
