"""`maco-bench compare` on hand-made records."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from benchmark.cli import main
from benchmark.commands.sides import side_of
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
        (
            ("maco", "gloria", "--task", "rsna_classification@maco"),
            3,
            "Run: maco-bench run rsna_classification@maco --baseline gloria.",
        ),
        (
            ("gloria@file:0a1b", "maco+weighting=v1", "--task", "rsna_classification"),
            3,
            "--baseline gloria --weights FILE; maco-bench run rsna_classification --baseline "
            "maco+weighting=v1.",
        ),
        (
            ("maco@weighting=v1", "mae", "--task", "rsna_classification", "--corpus", "csv_pairs"),
            3,
            "--baseline maco --set maco.weighting=v1 --corpus csv_pairs.",
        ),
        (("maco@best", "mae", "--task", "rsna_classification"), 2, "NAME@file:CHECKSUM"),
        (("mako@trained", "mae", "--task", "rsna_classification"), 2, "Did you mean `maco`"),
        (("maco", "maco@trained", "--task", "rsna_classification"), 2, "the same records"),
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
    assert "Write maco@file:01234567 or maco@trained in place of maco." in out.err
    assert "--corpus" not in out.err


def one_more(results, baseline="maco", **more):
    """One more kind of records, on the first fraction."""
    same = {"percent": 1.0, "seeds": Seeds(0, 0, 0), **DATA}
    results.add("rsna_classification", baseline, AUC, samples=samples(0.6), **same, **more)


FIRST = ("--task", "rsna_classification", "--labels", "1")


def test_two_files_and_the_trained_model_of_one_method_are_told_apart(results, capsys):
    one_more(results, weights="file:0123456789abcdef")
    one_more(results, weights="file:0a23456789abcdef")
    for sides in (
        ("maco@file:01", "maco@trained"),
        ("maco@trained", "maco@file:0a234567"),
        ("maco@file:0123456789abcdef", "maco@file:0a2"),
        ("maco@file:01", "mae"),
        ("maco@file:01", "chance"),
    ):
        code, out = compared(capsys, *sides, *FIRST)
        assert code == 0, out.err
        assert re.search(rf"  {sides[0]} 0\.\d{{4}}, {sides[1]} 0\.\d{{4}};", out.out)
    code, out = compared(capsys, "maco@file:0", "mae", *FIRST)
    assert (code, "Write maco@file:01234567 or maco@file:0a234567" in out.err) == (2, True)


def test_options_are_told_apart(results, capsys):
    one_more(results, options={"weighting": "v1"})
    code, out = compared(capsys, "maco", "mae", *FIRST)
    assert code == 2
    assert "Write maco@weighting=v1 or maco@defaults in place of maco." in out.err
    code, out = compared(capsys, "maco@weighting=v1", "maco@defaults", *FIRST)
    assert code == 0, out.err
    one_more(results, options={"weighting": "v1"}, weights="file:0123456789abcdef")
    code, out = compared(capsys, "maco@weighting=v1", "mae", *FIRST)
    assert (code, "Write maco@file:01234567 or maco@trained" in out.err) == (2, True)
    code, out = compared(capsys, "maco@weighting=v1@trained", "maco@file:01", *FIRST)
    assert code == 0, out.err


def test_a_corpus_leaves_out_other_corpora_alone(results, capsys):
    for name in ("mimic_cxr-phantom-v1-bbbbbbbb", "csv_pairs-phantom-v1-cccccccc"):
        one_more(results, "clip_vit", pretrained_on=name)
    code, out = compared(capsys, "clip_vit@trained", "chance", *FIRST)
    assert code == 2
    assert "Name the corpus: --corpus csv_pairs or --corpus mimic_cxr." in out.err
    assert "in place of" not in out.err
    one_more(results, "clip_vit", weights="file:0123456789abcdef")
    for other in ("chance", "clip_vit@file:0123"):
        code, out = compared(
            capsys, "clip_vit@trained", other, "--corpus", "csv_pairs", *FIRST, "--json"
        )
        assert (code, len(json.loads(out.out))) == (0, 1), out.err


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_nothing_compared_is_no_success(results, capsys, more):
    for path in results.root.rglob("samples.npz"):
        path.unlink()
    code, out = compared(capsys, "maco", "mae", "--task", "rsna_classification", *more)
    assert code == 3
    assert "no values of single samples were kept" in out.out


@pytest.mark.parametrize(
    ("written", "baseline", "weights"),
    [
        ("timm:vit@/tmp/vt.pth", "timm:vit@/tmp/vt.pth", ""),
        ("timm:vit@trained", "timm:vit@trained", ""),
        ("timm:vit@/tmp/vt.pth@file:3f9a", "timm:vit@/tmp/vt.pth", "file:3f9a"),
        ("/somewhere/al@work/mine.py:build", "/somewhere/al@work/mine.py:build", ""),
        ("mine.py:build@file:3f9a01c2", "mine.py:build", "file:3f9a01c2"),
        ("maco+weighting=v1", "maco+weighting=v1", ""),
        ("maco+weighting=v1@file:3f9a01c2", "maco+weighting=v1", "file:3f9a01c2"),
        ("maco+from_scratch@trained", "maco+from_scratch", "trained"),
    ],
)
def test_selectors_do_not_clash_with_names(written, baseline, weights):
    side = side_of(written)
    assert (side.baseline, side.weights, side.options) == (baseline, weights, None)


def test_records_of_an_outside_encoder_need_no_file_any_more(results, capsys):
    name = "timm:vit_tiny_patch16_224@/gone/vt.pth"
    same = {"percent": 1.0, "seeds": Seeds(0, 0, 0), "samples": samples(0.3), **DATA}
    for checksum in ("file:0123456789abcdef", "file:0a23456789abcdef"):
        results.add("rsna_classification", name, AUC, weights=checksum, **same)
    code, out = compared(capsys, name, "maco", *FIRST)
    assert (code, f"{name}@file:01234567 or {name}@file:0a234567" in out.err) == (2, True)
    code, out = compared(capsys, f"{name}@file:01", f"{name}@file:0a", *FIRST)
    assert code == 0, out.err


def test_a_verdict_says_whether_it_outlives_the_correction(tmp_path, monkeypatch, capsys):
    """Of three fractions one is found at p of about 3 %, which three comparisons do not bear."""
    monkeypatch.chdir(tmp_path)
    records = Records(tmp_path / "results")
    for percent, strength in ((1.0, 0.5), (10.0, 0.9), (100.0, 0.8)):
        for baseline, own in (("maco", strength), ("mae", 0.7)):
            records.add(
                "rsna_classification", baseline, AUC, percent=percent, samples=samples(own),
                seeds=Seeds(0, 0, 0), **DATA,
            )  # fmt: skip
    _, out = compared(capsys, "maco", "mae", "--task", "rsna_classification", "--json")
    found = json.loads(out.out)
    assert len(found) == 3
    for one in found:
        outlives = one["verdict"] != "unresolved" and one["p_value_holm"] < 0.05
        assert one["verdict_holm"] == (one["verdict"] if outlives else "unresolved")
    _, out = compared(capsys, "maco", "mae", "--task", "rsna_classification")
    weak = [one["verdict"] != one["verdict_holm"] for one in found]
    blocks = out.out.strip().split("\n\n")
    assert [("not after the correction" in block) for block in blocks] == weak
    assert any(weak)
