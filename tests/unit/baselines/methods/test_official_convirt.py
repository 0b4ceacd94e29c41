"""BenchX's ConVIRT: against transformers' RoBERTa and BERT and torchvision's way with colours."""

from __future__ import annotations

import json

import pytest
import timm
import torch
from torch.nn import functional
from transformers import BertConfig, BertModel, RobertaConfig, RobertaModel

from baselines import convirt
from baselines.checkpoints.formats.convirt import text_tokenizer
from baselines.encoders.bert_vocabulary import BertTokenizer
from baselines.methods.official_convirt import PROFILE
from benchmark.errors import BadDataError, MissingDataError, NotApplicable
from tests.released import convirt as files

ROBERTA, CLINICAL = files.FIXTURES
TEXTS = ("There is no effusion", "no")


def config_of(kind, **values):
    return kind(
        vocab_size=files.WORDS,
        hidden_size=files.TEXT,
        num_hidden_layers=2,
        num_attention_heads=1,
        intermediate_size=96,
        max_position_embeddings=files.PLACES,
        **values,
    )


def published(tensors, model, prefix):
    parts = {n.removeprefix(prefix): t.float() for n, t in tensors.items() if n.startswith(prefix)}
    parts.pop("embeddings.position_ids")
    model.load_state_dict(parts, strict=True)
    return model.eval()


def projected(tensors, name, vectors):
    hidden = functional.linear(
        vectors, tensors[f"{name}.0.weight"].float(), tensors[f"{name}.0.bias"].float()
    )
    return functional.linear(
        hidden.clamp(min=0), tensors[f"{name}.2.weight"].float(), tensors[f"{name}.2.bias"].float()
    )


@torch.no_grad()
def test_texts_are_a_robertas_pooler_behind_the_head(tmp_path):
    model, tensors = convirt.load(ROBERTA.write(tmp_path)), ROBERTA.state(7)
    settings = {"type_vocab_size": 1, "pad_token_id": 1, "layer_norm_eps": 1e-5}
    own = published(tensors, RobertaModel(config_of(RobertaConfig, **settings)), files.ROBERTA)
    ids, mask = model.tokenizer(TEXTS)
    assert not mask.all() and (ids[mask == 0] == 1).all()
    wanted = own(input_ids=ids, attention_mask=mask)
    assert torch.allclose(
        model.read(TEXTS).last[mask == 1], wanted.last_hidden_state[mask == 1], atol=1e-5
    )
    vectors = projected(tensors, "lin_proj", wanted.pooler_output)
    assert torch.allclose(model.text_embedding(TEXTS), vectors, atol=1e-5)


@torch.no_grad()
def test_texts_are_a_berts_first_state_behind_the_outer_pooler(tmp_path):
    model, tensors = convirt.load(CLINICAL.write(tmp_path)), CLINICAL.state(7)
    own = published(tensors, BertModel(config_of(BertConfig)), files.CLINICAL)
    ids, mask = model.tokenizer(TEXTS)
    first = own(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0]
    outer = [tensors[f"lin.pooler.dense.{kind}"].float() for kind in ("weight", "bias")]
    vectors = projected(tensors, "lin_proj", functional.linear(first, *outer).tanh())
    assert torch.allclose(model.text_embedding(TEXTS), vectors, atol=1e-5)


@torch.no_grad()
def test_images_have_each_colours_own_statistics(tmp_path):
    model, tensors = convirt.load(ROBERTA.write(tmp_path)), ROBERTA.state(7)
    profile = convirt.BASELINE.image_profile
    assert (profile.mean, profile.std) == PROFILE
    own = timm.create_model("resnet18", num_classes=0, channels=(8, 16, 24, 32)).eval()
    parts = {n.removeprefix(files.IMAGE): t for n, t in tensors.items()}
    own.load_state_dict({name: parts[name] for name in own.state_dict()})
    grey = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(3))
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    cells = own.forward_features((grey.expand(-1, 3, -1, -1) - mean) / deviation)
    pooled = cells.mean(dim=(2, 3))
    images = (grey - profile.mean) / profile.std
    assert torch.allclose(model.classification_trunk(0.0).eval()(images), pooled, atol=1e-4)
    assert torch.allclose(model.dense_trunk((12,)).eval()(images)[-1], cells, atol=1e-4)
    vectors = projected(tensors, "vis_proj", pooled)
    assert torch.allclose(model.image_embedding(images), vectors, atol=1e-4)


def test_byte_pairs_with_the_names_of_berts_special_pieces(tmp_path):
    files.beside_roberta(tmp_path)
    numbers = files.byte_pieces()
    tokenizer = BertTokenizer(text_tokenizer(tmp_path / "vocab.json"), 20, files.WORDS)
    ids, _ = tokenizer(["no eff no"])
    wanted = ["<s>", "n", "o", "Ġeff", "Ġno", "</s>"]
    assert ids[0].tolist() == [numbers[piece] for piece in wanted]
    assert tokenizer.entries == files.WORDS


def test_long_texts_are_cut(tmp_path):
    model = convirt.load(ROBERTA.write(tmp_path))
    ids, _ = model.tokenizer(["no effusion " * 60])
    assert ids.shape[1] == files.PLACES - 2


def test_wrong_vocabularies_are_refused(tmp_path):
    path = ROBERTA.write(tmp_path)
    (tmp_path / "merges.txt").unlink()
    with pytest.raises(MissingDataError, match=r"merges\.txt"):
        convirt.load(path)
    files.beside_roberta(tmp_path)
    short = dict(list(files.byte_pieces().items())[:-9])
    (tmp_path / "vocab.json").write_text(json.dumps(short), encoding="utf-8")
    with pytest.raises(BadDataError, match="291 pieces"):
        convirt.load(path)
    for content in ("[]", "{}", "no json"):
        (tmp_path / "vocab.json").write_text(content, encoding="utf-8")
        with pytest.raises(BadDataError, match="are no RoBERTa's"):
            convirt.load(path)


def test_a_tower_at_other_places_is_read(tmp_path):
    def change(tensors):
        for name in [n for n in tensors if n.startswith(files.ROBERTA)]:
            tensors["linguistic." + name.removeprefix(files.ROBERTA)] = tensors.pop(name)

    model = convirt.load(ROBERTA.write(tmp_path / "direct", change=change))
    usual = convirt.load(ROBERTA.write(tmp_path / "usual"))
    with torch.no_grad():
        assert torch.equal(model.text_embedding(TEXTS), usual.text_embedding(TEXTS))


def test_a_released_model_is_not_trained_on(tmp_path):
    with pytest.raises(NotApplicable, match="not trained on"):
        convirt.load(ROBERTA.write(tmp_path)).pretraining_loss(None, None)
