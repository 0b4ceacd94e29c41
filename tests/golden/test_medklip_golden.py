"""MedKLIP against values computed with its official code."""

import hashlib
import json
import math
import re

import numpy as np
import pytest
import torch

from baselines.encoders.wordpiece import train_wordpiece
from baselines.medklip import BASELINE
from baselines.methods.medklip import MedKLIP
from baselines.objectives.entity_queries import existence_loss, location_loss
from tests.golden.files import golden_files
from tests.golden.values import close

SIZE = {
    **BASELINE.sizes["toy"],
    "architecture": "resnet50",
    "channels": 3,
    "output_stride": 32,
    "text_width": 768,
    "text_heads": 4,
    "text_depth": 1,
    "query_width": 256,
    "query_layers": 2,
    "query_heads": 4,
    "query_hidden": 1024,
}
SIZE = {key: value for key, value in SIZE.items() if key not in ("widths", "stem_width")}
STAGES = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3"}
RENAMED = {
    "disease_embedding_layer": "query_projection",
    "cl_fc": "location_head",
    "res_l1": "image_hidden",
    "res_l2": "image_out",
}


def golden_weight(seed, key, shape):
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()[:4]
    generator = np.random.default_rng(int.from_bytes(digest, "little"))
    draw = generator.standard_normal(shape).astype("float32")
    if len(shape) > 1:
        return draw / math.sqrt(math.prod(shape[1:]))
    if key.endswith(".running_var"):
        return 1 + 0.1 * np.abs(draw)
    return 1 + 0.1 * draw if key.endswith(".weight") else 0.1 * draw


def own_name(key):
    first, _, rest = key.partition(".")
    if first == "res_features":
        stage, _, rest = rest.partition(".")
        return f"backbone.{STAGES[stage]}.{rest}"
    return f"{RENAMED.get(first, first)}.{rest}"


@pytest.fixture(scope="module", params=golden_files("medklip_tiny_seed*.npz"))
def tiny(request):
    seed = int(re.search(r"_seed(\d+)$", request.param.stem).group(1))
    golden = dict(np.load(request.param))
    keys = json.loads(str(golden["keys"]))
    model = MedKLIP(SIZE, BASELINE.options, 64, train_wordpiece(["one text"], 64)).eval()
    state = model.state_dict()
    names = {own_name(key): key for key in keys}
    unused = ("backbone.layer4.", "bert_encoder.", "explanations")
    assert set(names) == {key for key in state if not key.startswith(unused)}
    for name, key in names.items():
        if keys[key]:
            value = torch.from_numpy(golden_weight(seed, key, keys[key]))
            assert state[name].shape == value.shape
            state[name].copy_(value)
    generator = np.random.default_rng(seed)
    images = torch.from_numpy(generator.standard_normal((3, 3, 64, 64)).astype("float32"))
    vectors = torch.from_numpy(generator.standard_normal((75, 768)).astype("float32"))
    places = (0.05 * generator.standard_normal((51, 768))).astype("float32")
    # Entities and places are the golden ones; the frozen text tower is not asked.
    model.known_vectors = lambda: (vectors, torch.from_numpy(places))
    return model, golden, images


@torch.no_grad()
def test_decoder(tiny):
    model, golden, images = tiny
    close(model.tokens(images)[:, :, :32], golden["image_tokens_slice"])
    logits = model.existence(images)
    close(logits, golden["logits"])
    close(logits.softmax(dim=2)[:, :, 1], golden["probability"])
    _, maps = model.answers(images)
    close(maps[0][:, :20], golden["attention_layer0"])
    mean = torch.stack(maps).mean(dim=0)
    close(mean[:, [14, 20, 10]], golden["attention_mean_slice"])


@torch.no_grad()
def test_losses(tiny):
    model, golden, images = tiny
    states = torch.from_numpy(golden["labels"].astype("int64"))
    candidates = torch.from_numpy(golden["location_index"].astype("int64"))
    answers, _ = model.answers(images)
    logits = model.classifier(answers)
    scores = model.location_head(answers) @ model.known_vectors()[1].T
    close(scores.gather(2, candidates)[:, :10], golden["location_logits_slice"])
    existence = existence_loss(logits, states)
    location = location_loss(scores, candidates, states == 1)
    close(existence, golden["loss_existence"])
    close(existence, golden["loss_no_location"])
    close(location, golden["loss_location"])
    close(existence + location, golden["loss"])
    # Entities that training does not know are labelled as not named.
    seen = torch.full_like(states, -1)
    kept = torch.from_numpy(golden["kept_when_excluding"].astype("int64"))
    seen[:, kept] = states[:, kept]
    existence, location = (
        existence_loss(logits, seen),
        location_loss(scores, candidates, seen == 1),
    )
    close(existence, golden["loss_existence_excluding"])
    close(location, golden["loss_location_excluding"])
    close(existence + location, golden["loss_excluding"])
