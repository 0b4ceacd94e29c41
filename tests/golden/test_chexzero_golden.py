"""CLIP's towers and CheXzero's scores against values computed with the official CheXzero code."""

from __future__ import annotations

import hashlib
import json
import math
import re

import numpy as np
import pytest
import torch

from baselines.encoders.clip_towers import clip_towers
from baselines.objectives.chexzero import (
    class_vectors,
    ensemble,
    model_pixels,
    standardised_scores,
)
from baselines.objectives.clip import clip_loss
from benchmark.protocols.zero_shot import cosine_scores
from tests.golden.files import golden_files


def close(ours, golden, tolerance=1e-4):
    ours = np.asarray(ours, dtype=np.float64)
    golden = np.asarray(golden, dtype=np.float64)
    assert ours.shape == golden.shape
    assert np.abs(ours - golden).max() <= tolerance * np.abs(golden).max()


def golden_weight(seed, key, shape):
    if not shape:
        return np.float32(math.log(1 / 0.07))
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()[:4]
    generator = np.random.default_rng(int.from_bytes(digest, "little"))
    draw = generator.standard_normal(shape).astype("float32")
    if len(shape) > 1:
        return draw / math.sqrt(math.prod(shape[1:]))
    return 1 + 0.1 * draw if key.endswith(".weight") else 0.1 * draw


@pytest.fixture(scope="module", params=golden_files("chexzero_seed*.npz"))
def drawn(request):
    """Golden values and the inputs, in the order in which they were drawn."""
    seed = int(re.search(r"_seed(\d+)$", request.param.stem).group(1))
    golden = dict(np.load(request.param))
    generator = np.random.default_rng(seed)

    def normal(*shape):
        return torch.from_numpy(generator.standard_normal(shape).astype("float32"))

    inputs = {"images": normal(4, 3, 64, 64)}
    lengths = generator.integers(3, 11, 5)
    tokens = np.zeros((5, 12), dtype=np.int64)
    for row, length in enumerate(lengths):
        tokens[row, 0], tokens[row, length] = 78, 79
        tokens[row, 1:length] = generator.integers(1, 78, length - 1)
    assert np.array_equal(tokens, golden["tokens"])
    inputs["tokens"] = torch.from_numpy(tokens)
    for name, shape in (("vectors", (10, 32)), ("positive", (3, 32)), ("negative", (3, 32))):
        inputs[name] = normal(*shape)
    inputs["templates"] = normal(3, 2, 32)
    inputs["second"] = normal(10, 32)
    inputs["pixels"] = torch.from_numpy(generator.integers(0, 256, (320, 320)))
    return seed, golden, inputs


@pytest.fixture(scope="module")
def towers(drawn):
    seed, golden, _ = drawn
    keys = json.loads(str(golden["keys"]))
    weights = {key: torch.as_tensor(golden_weight(seed, key, keys[key])) for key in keys}
    return clip_towers(weights)


@torch.no_grad()
def test_features_of_images_and_texts(drawn, towers):
    _, golden, inputs = drawn
    close(towers.image_features(inputs["images"]), golden["image_features"])
    close(towers.text_features(inputs["tokens"]), golden["text_features"])


@torch.no_grad()
def test_logits_and_loss(drawn, towers):
    _, golden, inputs = drawn
    images = towers.image_features(inputs["images"])
    texts = towers.text_features(inputs["tokens"])[:4]
    unit = torch.nn.functional.normalize
    close(towers.scale() * unit(images) @ unit(texts).T, golden["logits_per_image"])
    close(clip_loss(images, texts, towers.scale()), golden["loss"])


def test_probabilities_of_pairs_and_their_ensemble(drawn):
    _, golden, inputs = drawn
    positive, negative = inputs["positive"].numpy(), inputs["negative"].numpy()
    found = [
        cosine_scores(inputs[name].numpy(), positive, negative, 1.0)
        for name in ("vectors", "second")
    ]
    close(found[0], golden["probability"])
    close(found[1], golden["probability_second_model"])
    close(ensemble([torch.from_numpy(scores) for scores in found]), golden["ensemble"])
    tempered = cosine_scores(inputs["vectors"].numpy(), positive, negative, 1 / 0.07)
    close(tempered, golden["probability_with_temperature_0_07"])


def test_scores_without_negative_prompts(drawn):
    _, golden, inputs = drawn
    unit = torch.nn.functional.normalize
    cosines = unit(inputs["vectors"], dim=1) @ unit(inputs["positive"], dim=1).T
    close(cosines, golden["positive_cosine"])
    close(standardised_scores(cosines), golden["sigmoid_zscore"])


def test_classes_of_two_templates(drawn):
    _, golden, inputs = drawn
    close(class_vectors(inputs["templates"]).T, golden["class_embeddings_two_templates"])


@pytest.mark.parametrize(
    ("antialias", "name"),
    [(True, "preprocessed_slice"), (False, "preprocessed_slice_no_antialias")],
)
def test_pixels_are_standardised_before_they_are_resized(drawn, antialias, name):
    _, golden, inputs = drawn
    found = model_pixels(inputs["pixels"][None], antialias=antialias)
    assert found.shape == (1, 3, 224, 224)
    close(found[0, 0, :12, :12], golden[name])
    assert torch.equal(found[0, 0], found[0, 2])
