"""MRM against values computed with the official code."""

import json
import re

import numpy as np
import pytest
import torch

from baselines.encoders.wordpiece import SPECIAL_TOKENS, train_wordpiece
from baselines.methods.mrm import MaskedRecordModel
from baselines.mrm import BASELINE
from baselines.objectives.masked_record import pick_words
from baselines.objectives.reconstruction import reduced
from tests.golden.files import golden_files
from tests.golden.values import golden_weight

SIZE = {
    "patch": 16,
    "channels": 3,
    "width": 48,
    "depth": 2,
    "heads": 4,
    "decoder_width": 32,
    "decoder_depth": 1,
    "decoder_heads": 4,
    "text_width": 384,
    "text_depth": 2,
    "text_heads": 6,
    "text_intermediate": 1536,
    "vocabulary": 200,
    "text_length": 100,
    "text_dropout": 0.1,
}
HEAD = "bert_encoder.model.cls.predictions."
RENAMED = {
    "language_head.dense.weight": HEAD + "transform.dense.weight",
    "language_head.dense.bias": HEAD + "transform.dense.bias",
    "language_head.norm.weight": HEAD + "transform.LayerNorm.weight",
    "language_head.norm.bias": HEAD + "transform.LayerNorm.bias",
    "language_head.bias": HEAD + "decoder.bias",
    "output_words.weight": HEAD + "decoder.weight",
}
UNUSED = {
    "bert_encoder.model.bert.pooler.dense.weight",
    "bert_encoder.model.bert.pooler.dense.bias",
}
UNUSED |= {HEAD + "bias"}
TABLES = {"pos_embed", "decoder_pos_embed"}
KEPT = 49


def close(ours, golden, tolerance=1e-4):
    ours = np.asarray(ours.detach() if isinstance(ours, torch.Tensor) else ours, dtype=np.float64)
    golden = np.asarray(golden, dtype=np.float64)
    assert ours.shape == golden.shape
    assert np.abs(ours - golden).max() <= tolerance * np.abs(golden).max()


def model_of(**changes):
    options = {**BASELINE.options, "mlm_positions": "all", **changes}
    tokenizer = train_wordpiece(["clear lungs"], SIZE["vocabulary"])
    return MaskedRecordModel(SIZE, options, 224, tokenizer).eval()


def golden_state(model, seed, keys):
    state = model.state_dict()
    assert {RENAMED.get(key, key) for key in state} == set(keys) - UNUSED
    found = {}
    for ours, value in state.items():
        official = RENAMED.get(ours, ours)
        assert list(value.shape) == keys[official]
        if official not in TABLES:
            value = torch.from_numpy(golden_weight(seed, official, keys[official]))
        found[ours] = value
    return found


def inputs(seed):
    generator = np.random.default_rng(seed)
    fine = 0.3 * generator.standard_normal((3, 3, 448, 448))
    coarse = np.kron(generator.standard_normal((3, 3, 7, 7)), np.ones((64, 64)))
    images = torch.from_numpy((fine + 2 * coarse).astype("float32"))
    noise = torch.from_numpy(generator.random((3, 196)).astype("float32"))
    labels = generator.integers(4, 200, (3, 100))
    draws = generator.random((3, 100))
    labels[:, 0] = SPECIAL_TOKENS.index("[CLS]")
    for row, end in enumerate((12, 41, 100)):
        labels[row, end:] = 0
    return images, noise, torch.from_numpy(labels), torch.from_numpy(draws)


@pytest.fixture(scope="module", params=golden_files("mrm_tiny_seed*.npz"))
def tiny(request):
    seed = int(re.search(r"_seed(\d+)$", request.param.stem).group(1))
    golden = dict(np.load(request.param))
    keys = json.loads(str(golden["keys"]))
    model = model_of()
    model.load_state_dict(golden_state(model, seed, keys))
    images, noise, labels, draws = inputs(seed)
    close(noise, golden["noise"], 0)
    close(labels, golden["labels"], 0)
    attention = torch.from_numpy(golden["attention_mask"]).long()
    picked = torch.from_numpy(golden["ids"] != golden["labels"])
    return model, golden, (images, labels, attention, picked, noise), draws


def test_whole_words_are_hidden_as_in_the_official_walk(tiny):
    _, golden, (_, labels, attention, _, _), draws = tiny
    close(attention, labels != 0, 0)
    continues = torch.arange(200) >= 120
    picked = pick_words(labels, attention, continues, draws, 0.5, stop=99)
    close(torch.where(picked, SPECIAL_TOKENS.index("[MASK]"), labels), golden["ids"], 0)


@torch.no_grad()
def test_features_and_restored_values(tiny):
    model, golden, (images, labels, attention, picked, noise), _ = tiny
    close(model.pos_embed[:, :40], golden["pos_embed"], 1e-6)
    close(model.decoder_pos_embed[:, :40], golden["decoder_pos_embed"], 1e-6)
    small = reduced(images, 224, True)
    close(small[:, 0, ::28, ::28], golden["image_224_slice"])
    patches = model.patch_features(small, projected=False)
    close(patches[:, :5], golden["patch_features_slice"])
    close(model.image_embedding(small), golden["pooled_patches"])
    tokens, mask, restore = model.encode_masked(small, noise, 0.75)
    assert tokens.shape[1] == 1 + KEPT
    close(mask, golden["mask"], 0)
    close(tokens[:, :6], golden["latent_slice"])
    close(model.decode(tokens, restore)[:, :4, :64], golden["prediction_slice"])
    context = model.context_of(tokens)
    close(context[:, :64], golden["context"])
    hidden = torch.where(picked, 3, labels)
    scores = model.word_scores(model.restored_states(hidden, attention, context).flatten(0, 1))
    scores = scores.unflatten(0, labels.shape)
    close(scores[:, [0, 1, 5, 50, 99], :32], golden["logits_slice"])


@torch.no_grad()
@pytest.mark.parametrize(
    ("changes", "total", "image", "language"),
    [
        ({}, "loss_total", "loss_image", "loss_report"),
        ({"norm_pix_loss": False}, None, "loss_image_raw_pixels", "loss_report"),
        ({"mlm_positions": "masked"}, None, "loss_image", "loss_report_masked_only"),
        ({"antialias": False}, None, "loss_image_no_antialias", "loss_report_no_antialias"),
    ],
)
def test_losses_in_every_form(tiny, changes, total, image, language):
    model, golden, given, _ = tiny
    other = model_of(**changes)
    other.load_state_dict(model.state_dict())
    losses = other.losses(*given)
    # The losses of the two reductions differ by 1e-4 to 4e-4 only.
    close(losses["reconstruction"], golden[image], 2e-5)
    close(losses["language"], golden[language], 2e-5)
    close(losses["total"], golden[total] if total else golden[image] + golden[language])
