"""MGCA's losses and word aggregation against values computed with the official code."""

import re

import numpy as np
import pytest
import torch

from baselines.methods.mgca import LOSS_WEIGHTS
from baselines.methods.mgca_attention import PlainAttention
from baselines.objectives.contrast import cosine_logits
from baselines.objectives.mgca import (
    attention_over,
    clipped_weights,
    instance_loss,
    prototype_loss,
    token_loss,
)
from baselines.objectives.mgca_words import words_of
from baselines.objectives.sinkhorn import sinkhorn_codes
from tests.golden.files import golden_files


def close(ours, golden, tolerance=1e-4):
    ours = np.asarray(ours, dtype=np.float64)
    golden = np.asarray(golden, dtype=np.float64)
    assert ours.shape == golden.shape
    assert np.abs(ours - golden).max() <= tolerance * np.abs(golden).max()


def seed_of(path):
    return int(re.search(r"_seed(\d+)$", path.stem).group(1))


@pytest.fixture(scope="module", params=golden_files("mgca_losses_seed*.npz"))
def case(request):
    golden = dict(np.load(request.param))
    draw = np.random.default_rng(seed_of(request.param))

    def normal(*shape):
        return torch.from_numpy(draw.standard_normal(shape).astype("float32"))

    parts = {
        "image": normal(6, 16),
        "report": normal(6, 16),
        "patches": normal(6, 12, 16),
        "words": normal(6, 8, 16),
        "prototypes": normal(20, 16),
        "word_attention": torch.from_numpy(draw.random((6, 8)).astype("float32")),
    }
    vit = draw.random((6, 2, 13, 13)).astype("float32")
    vit = torch.from_numpy(vit / vit.sum(axis=-1, keepdims=True))
    padding = torch.arange(8)[None] >= torch.from_numpy(golden["word_counts"])[:, None]
    parts["padding"] = padding
    parts["word_attention"] = parts["word_attention"].masked_fill(padding, 0)
    parts["words"] = torch.where(padding[:, :, None], parts["words"] * 0.3, parts["words"])
    parts["patch_attention"] = vit[:, :, 0, 1:].mean(dim=1)
    normalise = torch.nn.functional.normalize
    for name in ("image", "report", "patches", "words", "prototypes"):
        parts[name] = normalise(parts[name], dim=-1)
    return golden, parts


def losses_of(parts):
    """Official forms: instance, word, patch (ViT), patch (ResNet), prototype."""
    normalise = torch.nn.functional.normalize
    logits = cosine_logits(parts["image"], parts["report"], 1 / 0.07)
    words, patches = parts["words"], parts["patches"]
    plain = PlainAttention()
    found = normalise(plain(words, patches), dim=-1)
    word = token_loss(words, found, clipped_weights(parts["word_attention"]))
    found = plain(patches, words, parts["padding"])
    vit = token_loss(patches, found, clipped_weights(parts["patch_attention"]))
    even = torch.full((6, 12), 1 / 12)
    resnet = token_loss(patches, normalise(found, dim=-1), even)
    prototype = prototype_loss(
        parts["image"] @ parts["prototypes"].T, parts["report"] @ parts["prototypes"].T
    )
    return instance_loss(logits, halved=False), word, vit, resnet, prototype


def test_losses(case):
    golden, parts = case
    instance, word, vit, resnet, prototype = losses_of(parts)
    close(instance, golden["loss_instance"])
    close(word, golden["loss_word"])
    close(word + vit, golden["loss_token_vit"])
    close(word + resnet, golden["loss_token_resnet"])
    close(prototype, golden["loss_prototype"])
    for name, (first, second, third) in LOSS_WEIGHTS.items():
        total = first * instance + second * (word + vit) + third * prototype
        close(total, golden[f"loss_total_{name}"])


def test_weights_and_attention(case):
    golden, parts = case
    close(clipped_weights(parts["word_attention"]), golden["word_weights"])
    close(clipped_weights(parts["patch_attention"]), golden["patch_weights_vit"])
    cosines = parts["words"] @ parts["patches"].transpose(1, 2) / 0.1
    close(attention_over(cosines), golden["word_attention"])
    close(
        attention_over(cosines.transpose(1, 2), parts["padding"]),
        golden["patch_attention"],
    )


def test_prototypes(case):
    golden, parts = case
    close(parts["prototypes"][:4], golden["prototypes_normalised_slice"])
    for name in ("image", "report"):
        scores = parts[name] @ parts["prototypes"].T
        close(scores, golden[f"prototype_scores_{name}"])
        close(sinkhorn_codes(scores), golden[f"assign_{name}"])


@pytest.mark.parametrize("path", golden_files("word_aggregation_seed*.npz"))
def test_words(path):
    golden = dict(np.load(path))
    draw = np.random.default_rng(seed_of(path))
    states = torch.from_numpy(draw.standard_normal((6, 4, 14, 8)).astype("float32"))
    heads = draw.random((4, 3, 14, 14)).astype("float32")
    heads = torch.from_numpy(heads / heads.sum(axis=-1, keepdims=True))
    ids = torch.from_numpy(golden["ids"])
    attention = heads[:, :, 0].mean(dim=1)
    given = (states[-1], attention, ids != 0, ids >= 30, 14)
    official = words_of(*given, "official")
    close(official.vectors, golden["mgca_words"])
    close(official.attention, golden["mgca_word_attention"])
    # Without the faults only the full text has other words: two more, the last and [SEP].
    aligned = words_of(*given, "aligned")
    close(aligned.vectors[:3], golden["mgca_words"][:3])
    more = (~aligned.padding).sum(dim=1) - (~official.padding).sum(dim=1)
    assert more.tolist() == [0, 0, 0, 2]
    # The golden "if aligned" values keep the second fault.
    known = torch.from_numpy(golden["mgca_word_attention_if_aligned"])
    close(aligned.attention[:3], known[:3])
    close(torch.where(official.padding, 0.0, aligned.attention)[3], known[3])
