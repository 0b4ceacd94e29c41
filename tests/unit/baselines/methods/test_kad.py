"""Released KAD weights: a second computation from the file's tensors, prompts, what is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch import nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from baselines import kad
from baselines.checkpoints.loading import load_checkpoint
from baselines.methods.kad_prompts import Question, question_of
from benchmark.errors import BadDataError, NotApplicable, UsageError
from benchmark.protocols.prompts import load_prompts
from benchmark.protocols.zero_shot import class_sentences
from tests.released.gloria import small_resnet
from tests.released.kad import (
    FIXTURES,
    HIDDEN,
    IMAGE,
    QUERIES,
    TEXT,
    TEXTS,
    WIDTH,
    WORD_LIST,
    WORDS,
    tensors_for,
)

FIXTURE = FIXTURES[0]
NAMES = ("word3", "there no word7", "word8")


def fixture_of(stage):
    return dataclasses.replace(FIXTURE, state=lambda seed: tensors_for(seed, stage))


@pytest.fixture(scope="module", params=[3, 4])
def stage(request):
    return request.param


@pytest.fixture(scope="module")
def model(stage, tmp_path_factory):
    return kad.load(fixture_of(stage).write(tmp_path_factory.mktemp("weights")))


def inside(tensors, prefix):
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def grey(count=2, side=64):
    return torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(0))


def ours(images):
    """Grey values of [0, 1] as the benchmark hands them to the baseline."""
    profile = kad.BASELINE.image_profile
    return (images - profile.mean) / profile.std


def cells_by_hand(stage, images):
    """The image tower as a row of numbered parts, on colours normalised each by itself."""
    tensors = tensors_for(7, stage)
    whole = small_resnet().to_empty(device="cpu").eval()
    parts = nn.Sequential(*list(whole.children())[: 4 + stage])
    parts.load_state_dict(inside(tensors, IMAGE + "res_features."))
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    cells = parts((images - mean) / deviation).flatten(2).transpose(1, 2)
    hidden = functional.linear(
        cells, tensors[IMAGE + "res_l1.weight"], tensors[IMAGE + "res_l1.bias"]
    )
    return functional.linear(
        hidden.clamp(min=0), tensors[IMAGE + "res_l2.weight"], tensors[IMAGE + "res_l2.bias"]
    )


def texts_by_hand(stage, texts, length=40):
    """Vectors of padded texts by transformers' own pooler: lower case, `[CLS]` and `[SEP]`."""
    tensors = tensors_for(7, stage)
    config = BertConfig(
        vocab_size=WORDS,
        hidden_size=TEXT,
        num_hidden_layers=2,
        num_attention_heads=1,
        intermediate_size=96,
        max_position_embeddings=40,
    )
    bert = BertModel(config).eval()
    missing, _ = bert.load_state_dict(inside(tensors, TEXTS + "bert_model."), strict=False)
    assert not [name for name in missing if "position_ids" not in name]
    ids, mask = torch.zeros(2, len(texts), length, dtype=torch.int64)
    for row, text in enumerate(texts):
        pieces = ["[CLS]", *text.lower().split(), "[SEP]"]
        ids[row, : len(pieces)] = torch.tensor([WORD_LIST.index(piece) for piece in pieces])
        mask[row, : len(pieces)] = 1
    mapped = nn.Sequential(nn.Linear(TEXT, TEXT), nn.GELU(), nn.Linear(TEXT, TEXT))
    mapped.load_state_dict(inside(tensors, TEXTS + "mlp_embed."))
    return mapped(bert(input_ids=ids, attention_mask=mask).pooler_output)


def logits_by_hand(stage, images, names):
    """(B, Q, 2) by torch's own decoder, whose layers call their parts as the official ones do."""
    tensors = inside(tensors_for(7, stage), QUERIES)
    layer = nn.TransformerDecoderLayer(WIDTH, 1, HIDDEN, norm_first=True, batch_first=True)
    decoder = nn.TransformerDecoder(layer, 2, nn.LayerNorm(WIDTH)).eval()
    decoder.load_state_dict(inside(tensors, "decoder."))

    def norm(values):
        return functional.layer_norm(
            values, (WIDTH,), tensors["decoder_norm.weight"], tensors["decoder_norm.bias"]
        )

    queries = texts_by_hand(stage, names).expand(len(images), -1, -1)
    found = decoder(norm(queries), norm(cells_by_hand(stage, images)))
    return functional.linear(found, tensors["mlp_head.0.weight"], tensors["mlp_head.0.bias"])


@torch.no_grad()
def test_vectors_of_images(model, stage):
    wanted = cells_by_hand(stage, grey())
    assert torch.allclose(model.patch_features(ours(grey()), projected=True), wanted, atol=1e-4)
    assert torch.allclose(model.image_embedding(ours(grey())), wanted.mean(dim=1), atol=1e-4)


@torch.no_grad()
def test_vectors_of_texts_do_not_depend_on_padding_or_case(model, stage):
    texts = ["word3", "THERE no eff word9 word10", ""]
    assert torch.allclose(model.text_embedding(texts), texts_by_hand(stage, texts), atol=1e-4)


@torch.no_grad()
def test_logits_of_queries(model, stage):
    logits, maps = model.answers(ours(grey()), NAMES)
    assert torch.allclose(logits, logits_by_hand(stage, grey(), NAMES), atol=1e-4)
    assert [tuple(part.shape) for part in maps] == [(2, 3, {3: 16, 4: 4}[stage])] * 2


@torch.no_grad()
def test_a_pair_of_prompts_gives_the_papers_probability(model, stage):
    names = ["word3", "word7", "word8"]
    prompts = [*names, *(f"no {name}" for name in names)]
    found = model.text_similarities(ours(grey()), prompts).numpy()
    pairs = np.stack([found[:, 3:], found[:, :3]], axis=2)
    wanted = logits_by_hand(stage, grey(), names).softmax(dim=2)[:, :, 1].numpy()
    assert np.allclose(softmax(pairs, axis=2)[:, :, 1], wanted, atol=1e-5)


@torch.no_grad()
def test_queries_look_at_one_another_and_stand_once(model):
    images = ours(grey())
    alone = model.text_similarities(images, ["word3"])
    twice = model.text_similarities(images, ["There is word3. ", "no word3", "word3"])
    assert torch.equal(twice[:, :1], alone)
    assert torch.equal(twice[:, 2:], alone)
    both = model.text_similarities(images, ["word3", "word7"])
    assert not torch.allclose(both[:, :1], alone, atol=1e-4)


@pytest.mark.parametrize(
    ("prompt", "name", "denied"),
    [
        ("There is effusion. ", "pleural effusion", False),
        ("There is no Mass.", "lung mass", True),
        ("no evidence of nodule. ", "lung nodule", True),
        ("without pleural thickening", "pleural thicken", True),
        ("edema", "edema", False),
        ("There is a hernia.", "hernia", False),
        ("consolidation is seen.", "consolidation", False),
        ("fibrosis is not present", "fibrosis", True),
        ("the lung is clear.", "the lung is clear", False),
        ("nodular opacities", "nodular opacities", False),
        ("no", "no", False),
        ("", "", False),
    ],
)
def test_prompts(prompt, name, denied):
    assert question_of(prompt) == Question(name, denied)


def test_names_may_stay_as_the_prompt_has_them():
    assert question_of("no mass", paper_names=False) == Question("mass", denied=True)


@pytest.mark.parametrize("prompts", ["maco", "chexzero"])
def test_every_prompt_of_the_benchmark_asks_for_its_class(prompts):
    loaded = load_prompts(prompts)
    classes = tuple(loaded.names)
    for side, denied in zip(class_sentences(loaded, classes), (False, True), strict=True):
        for name, group in zip(classes, side, strict=True):
            asked = {
                question_of(text, paper_names=False) for text in group if "lung is" not in text
            }
            assert asked == {Question(loaded.names[name], denied)}


@torch.no_grad()
def test_the_stage_tells_the_side_of_the_input(model, stage):
    assert (model.image_size, model.grid) == {3: (224, (14, 14)), 4: (512, (16, 16))}[stage]
    patches = model.patch_features(ours(grey()), projected=False)
    maps = model.dense_trunk((3, 6, 9, 12)).eval()(ours(grey()))
    assert torch.allclose(maps[stage - 1].flatten(2).transpose(1, 2), patches, atol=1e-5)
    assert model.classification_trunk(0.0)(ours(grey())).shape == (2, 32)


def test_options(tmp_path):
    file = FIXTURE.write(tmp_path)
    large = kad.load(file, {"query_names": "plain", "image_side": 1024})
    assert (large.image_size, large.grid) == (1024, (32, 32))
    assert not large.paper_names
    with pytest.raises(UsageError, match="query_names"):
        kad.load(file, {"query_names": "latin", "image_side": 0})


def test_there_is_no_training(model):
    with pytest.raises(NotApplicable, match="RadGraph"):
        model.pretraining_loss(None, None)


@pytest.mark.parametrize(
    "name", [IMAGE + "res_features.5.0.conv1.weight", QUERIES + "decoder_norm.bias"]
)
def test_two_contents_of_one_tensor_are_refused(tmp_path, name):
    def change(tensors):
        tensors[name] = tensors[name] + 1

    with pytest.raises(BadDataError, match="twice, with two contents"):
        kad.load(FIXTURE.write(tmp_path, change=change))


def test_one_of_two_names_is_enough(tmp_path):
    def change(tensors):
        for name in [name for name in tensors if "res_features." in name]:
            del tensors[name]
        del tensors[QUERIES + "decoder.norm.bias"]

    model = kad.load(FIXTURE.write(tmp_path, change=change))
    wanted = FIXTURE.lands(FIXTURE.state(7))
    assert all(torch.equal(model.state_dict()[name], value) for name, value in wanted.items())


def test_a_projection_that_fits_no_stage_is_refused(tmp_path):
    def change(tensors):
        tensors[IMAGE + "res_l1.weight"] = torch.zeros(16, 16)

    with pytest.raises(BadDataError, match="16 channels"):
        kad.load(FIXTURE.write(tmp_path, change=change))


@pytest.mark.parametrize("words", [WORDS - 1, 10])
def test_a_vocabulary_of_another_model_is_refused(tmp_path, words):
    file = FIXTURE.write(tmp_path)
    (tmp_path / "vocab.txt").write_text("\n".join(WORD_LIST[:words]) + "\n", encoding="utf-8")
    with pytest.raises(BadDataError, match=f"{words} pieces"):
        kad.load(file)


def test_what_is_not_used_is_told(tmp_path):
    model = kad.load(FIXTURE.write(tmp_path))
    unused = model.loaded_from["unused"]
    expected = {
        IMAGE + "resnet.fc.weight",
        IMAGE + "resnet.fc.bias",
        QUERIES + "logit_scale",
        TEXTS + "bert_model.embeddings.position_ids",
        TEXTS + "logit_scale",
    }
    assert set(unused) == expected
    # The whole content has sections, so that nothing stands in its first level.
    assert not any(torch.is_tensor(value) for value in load_checkpoint(tmp_path / FIXTURE.name))
