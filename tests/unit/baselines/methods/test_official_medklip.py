"""Released MedKLIP weights: queries from the explanations, prompts, what is refused."""

from __future__ import annotations

import copy
import json

import pytest
import torch
from transformers import BertConfig, BertModel

from baselines import medklip
from baselines.checkpoints.loading import load_checkpoint
from baselines.methods.official_medklip import OTHER_NAMES, explanations_of
from benchmark.errors import BadDataError, NotApplicable
from benchmark.protocols.prompts import load_prompts
from benchmark.protocols.zero_shot import class_sentences
from tests.released.gloria import PIECES
from tests.released.medklip import FIXTURES, NAMES, TEXT, texts

FILE = "observation explanation.json"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return medklip.load(FIXTURES[0].write(tmp_path_factory.mktemp("weights")))


def pictures(count=2, side=32):
    return torch.randn(count, 1, side, side, generator=torch.Generator().manual_seed(0))


def read_by_hand(text, length=64):
    """The state of `[CLS]` of a padded text, by transformers alone: lower case, no `[SEP]`."""
    weights = {
        name.removeprefix("bert."): value
        for name, value in texts(11).items()
        if name.startswith("bert.") and "pooler" not in name and "position_ids" not in name
    }
    config = BertConfig(
        vocab_size=80,
        hidden_size=TEXT,
        num_hidden_layers=2,
        num_attention_heads=1,
        intermediate_size=96,
        max_position_embeddings=80,
    )
    bert = BertModel(config, add_pooling_layer=False).eval()
    missing, unexpected = bert.load_state_dict(weights, strict=False)
    assert not unexpected
    assert not [name for name in missing if "position_ids" not in name]
    pieces = ["[CLS]", *text.lower().split()[: length - 1]]
    ids = torch.zeros(1, length, dtype=torch.int64)
    ids[0, : len(pieces)] = torch.tensor([PIECES.index(piece) for piece in pieces])
    mask = (torch.arange(length) < len(pieces))[None].long()
    return bert(input_ids=ids, attention_mask=mask).last_hidden_state[0, 0]


@torch.no_grad()
def test_queries_are_the_first_states_of_the_explanations_in_their_order(model):
    vectors, places = model.known_vectors()
    assert vectors.shape == (75, TEXT)
    assert places.shape == (0, TEXT)
    for index in (0, 5, 74):
        wanted = read_by_hand("There " * (index % 7) + "NO")
        assert torch.allclose(vectors[index], wanted, atol=1e-4)


@torch.no_grad()
def test_an_explanation_is_cut_to_64_pieces(tmp_path):
    file = FIXTURES[0].write(tmp_path)
    long = json.loads((tmp_path / FILE).read_text(encoding="utf-8"))
    long["normal"] = "there no " * 40
    (tmp_path / FILE).write_text(json.dumps(long), encoding="utf-8")
    vectors, _ = medklip.load(file).known_vectors()
    assert torch.allclose(vectors[0], read_by_hand("there no " * 40), atol=1e-4)


def test_queries_read_in_a_strange_mode_serve_in_every_other(model):
    fresh = copy.deepcopy(model)
    fresh.read_explanations()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        vectors, _ = fresh.known_vectors()
    assert vectors.dtype == torch.float32
    assert not vectors.is_inference()
    assert torch.equal(vectors, model.known_vectors()[0])


def test_the_queries_are_not_among_the_weights(model):
    model.known_vectors()
    assert "explanations" not in model.state_dict()


@torch.no_grad()
def test_prompts_ask_the_official_entities(model):
    logits = model.existence(pictures())
    place = {name: index for index, name in enumerate(NAMES)}
    asked = {
        "There is fibrosis. ": (place["tail_abnorm_obs"], 1),
        "no pleural thickening": (place["thicken"], 0),
        "pneumonia": (place["eumonia"], 1),
        "no evidence of infiltration. ": (place["infiltrate"], 0),
        "the lung is clear.": (place["clear"], 1),
    }
    found = model.text_similarities(pictures(), list(asked))
    wanted = [logits[:, entity, state] for entity, state in asked.values()]
    assert torch.equal(found, torch.stack(wanted, dim=1))


@pytest.mark.parametrize("prompts", ["maco", "chexzero", "siim"])
def test_every_prompt_of_the_benchmark_has_a_query(model, prompts):
    loaded = load_prompts(prompts)
    sides = class_sentences(loaded, tuple(loaded.names))
    for side, state in zip(sides, (1, 0), strict=True):
        for group in side:
            columns = [model.column_of(text) for text in group if "the lung" not in text]
            assert {column % 2 for column in columns} == {state}


@pytest.mark.parametrize("text", ["a nice day", "no pacemaker"])
def test_a_prompt_without_a_query_is_not_applicable(model, text):
    with pytest.raises(NotApplicable, match=text):
        model.column_of(text)


@torch.no_grad()
def test_grey_images_are_normalised_as_officially(model):
    """The stem on grey values of [0, 1], each colour by its own mean and deviation."""
    grey = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(3))
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    stem = model.backbone.conv1
    wanted = torch.nn.functional.conv2d((grey - mean) / deviation, stem.weight, None, 2, 3)
    profile = medklip.BASELINE.image_profile
    ours = (grey - profile.mean) / profile.std
    assert torch.allclose(stem(ours.expand(-1, 3, -1, -1)), wanted, atol=1e-5)
    trunk = model.dense_trunk((3, 6, 9, 12)).eval()
    patches = model.patch_features(ours, projected=False)
    assert torch.allclose(trunk(ours)[2].flatten(2).transpose(1, 2), patches, atol=1e-5)


@torch.no_grad()
def test_the_image_is_read_at_the_third_stage(model):
    assert (model.image_size, model.grid) == (224, (14, 14))
    images = pictures(1, 64)
    assert model.patch_features(images, projected=False).shape == (1, 16, 24)
    assert model.image_embedding(images).shape == (1, 64)
    assert model.text_embedding(["no effusion"]).shape == (1, 64)
    with pytest.raises(NotApplicable, match="not trained on"):
        model.pretraining_loss(None, None)


@torch.no_grad()
def test_older_names_of_norms_and_a_bare_bert_are_read(tmp_path, model):
    file = FIXTURES[0].write(tmp_path)
    older = {
        name.removeprefix("bert.")
        .replace("LayerNorm.weight", "LayerNorm.gamma")
        .replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in texts(11).items()
    }
    torch.save(older, tmp_path / "Bio_ClinicalBERT" / "pytorch_model.bin")
    assert torch.equal(medklip.load(file).known_vectors()[0], model.known_vectors()[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "not JSON"),
        ("[1]", "not a JSON object"),
        (json.dumps(dict.fromkeys(NAMES, 1)), "not a JSON object"),
        (json.dumps(dict.fromkeys(NAMES[1:], "a")), "74 entities, not 75"),
        (json.dumps({n: "a" for n in NAMES if n != "thicken"}), "no thicken"),
    ],
)
def test_other_explanations_are_refused(content, message):
    with pytest.raises(BadDataError, match=message):
        explanations_of(content)


def test_a_file_of_another_coding_is_refused(tmp_path):
    file = FIXTURES[0].write(tmp_path)
    (tmp_path / FILE).write_bytes(b'{"normal": "\x91sharp\x92"}')
    with pytest.raises(BadDataError, match="UTF-8"):
        medklip.load(file)


def test_the_misspelt_name_is_read_as_meant():
    found = explanations_of(json.dumps({name: name for name in NAMES}))
    assert found["pneumonia"] == "eumonia"
    assert set(OTHER_NAMES.values()) >= {"tail_abnorm_obs", "thicken"}


def test_the_file_is_that_of_data_parallel_training(tmp_path):
    content = load_checkpoint(FIXTURES[0].write(tmp_path))
    assert all(name.startswith("module.") for name in content["model"])
