"""Folders of transformers: image, text and both, against transformers itself."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoModel,
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPModel,
    Dinov2Config,
    Dinov2Model,
    PreTrainedTokenizerFast,
    ResNetConfig,
    ResNetModel,
    ViTConfig,
    ViTModel,
)

from baselines.outside import find
from baselines.outside.hugging_face import preprocessing_of, text_pooling
from baselines.outside.hugging_face_encoders import as_map
from benchmark.errors import BadDataError, MissingDataError, UsageError
from benchmark.interfaces import BuildContext

ANY = BuildContext(size={}, options={}, image_size=0)
SIDE, PATCH = 32, 8
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "no", "effusion", "there", "is", "a", "large"]
TEXTS = ("no effusion", "there is a large large effusion")
MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
TRANSFORMER = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
}  # fmt: skip
VISION = {**TRANSFORMER, "image_size": SIDE, "patch_size": PATCH}
TEXT = {**TRANSFORMER, "vocab_size": len(WORDS), "max_position_embeddings": 12}


def small_models():
    """Models with weights drawn from a fixed seed; the end of a text is its last token."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        clip = CLIPConfig(
            text_config={**TEXT, "eos_token_id": 3, "bos_token_id": 2, "pad_token_id": 0},
            vision_config=VISION,
            projection_dim=10,
        )
        sizes = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]}
        return {
            "clip": CLIPModel(clip),
            "vit": ViTModel(ViTConfig(**VISION)),
            "dinov2": Dinov2Model(Dinov2Config(**VISION)),
            "resnet": ResNetModel(ResNetConfig(**sizes, layer_type="basic")),
            "bert": BertModel(BertConfig(**TEXT)),
        }


MODELS = small_models()
IMAGE_MODELS = ("clip", "vit", "dinov2", "resnet")


@pytest.fixture(autouse=True)
def nothing_remembered():
    find.cache_clear()


@pytest.fixture
def write(tmp_path):
    def make(kind, model=None, **pixels):
        folder = tmp_path / kind
        (model or MODELS[kind]).save_pretrained(folder)
        if kind in IMAGE_MODELS:
            content = {
                "size": {"height": SIDE, "width": SIDE}, "image_mean": MEAN, "image_std": STD,
                "resample": 3, "do_normalize": True, **pixels,
            }  # fmt: skip
            path = folder / "preprocessor_config.json"
            path.write_text(json.dumps(content), encoding="utf-8")
        if kind in ("clip", "bert"):
            tokenizer().save_pretrained(folder)
        return folder

    return make


def tokenizer():
    words = Tokenizer(models.WordLevel({w: n for n, w in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    named = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=words, model_max_length=10, **named)


def built(folder):
    return find(f"hf:{folder}").build(ANY)


def grey(side=SIDE):
    return torch.rand(2, 1, side, side, generator=torch.Generator().manual_seed(5))


def prepared(images):
    mean, std = torch.tensor(MEAN).view(1, 3, 1, 1), torch.tensor(STD).view(1, 3, 1, 1)
    return (images.expand(-1, 3, -1, -1) - mean) / std


def tokens_of(texts):
    ids = tokenizer()(list(texts), padding=True, return_tensors="pt")
    return {key: ids[key] for key in ("input_ids", "attention_mask")}


def vectors(found):
    return found if isinstance(found, torch.Tensor) else found.pooler_output


@torch.no_grad()
def test_a_pair_gives_transformers_vectors(write):
    ours, theirs = built(write("clip")), MODELS["clip"].eval()
    wanted = vectors(theirs.get_image_features(pixel_values=prepared(grey())))
    assert torch.allclose(ours.image_embedding(grey()), wanted, atol=1e-5)
    assert torch.allclose(ours.pooled_features(grey()), wanted, atol=1e-5)
    said = vectors(theirs.get_text_features(**tokens_of(TEXTS)))
    assert torch.allclose(ours.text_embedding(TEXTS), said, atol=1e-5)
    assert ours.temperature() == pytest.approx(float(theirs.logit_scale.exp()))
    assert find(f"hf:{write('clip')}").BASELINE.capabilities == (
        "image_features", "fine_tune", "zero_shot", "text_features", "grounding",
    )  # fmt: skip


@torch.no_grad()
def test_patches_of_clip_go_the_way_of_the_class_token(write):
    ours, theirs = built(write("clip")), MODELS["clip"].eval()
    tower = theirs.vision_model
    last = tower(pixel_values=prepared(grey())).last_hidden_state
    projected = theirs.visual_projection(tower.post_layernorm(last))
    assert torch.allclose(projected[:, 0], ours.image_embedding(grey()), atol=1e-5)
    found = ours.patch_features(grey(), projected=True)
    assert ours.grid == (SIDE // PATCH,) * 2
    assert torch.allclose(found, projected[:, 1:], atol=1e-5)


@pytest.mark.parametrize("kind", ["vit", "dinov2", "resnet"])
@torch.no_grad()
def test_image_models_give_their_pooled_output(kind, write):
    ours, theirs = built(write(kind)), MODELS[kind].eval()
    wanted = theirs(pixel_values=prepared(grey()))
    assert torch.allclose(ours.pooled_features(grey()), wanted.pooler_output.flatten(1), atol=1e-5)
    last = wanted.last_hidden_state
    rows = last[:, 1:] if last.ndim == 3 else last.flatten(2).transpose(1, 2)
    assert torch.allclose(ours.patch_features(grey(), projected=False), rows, atol=1e-5)
    assert find(f"hf:{write(kind)}").BASELINE.capabilities == ("image_features", "fine_tune")


@pytest.mark.parametrize("form", ["mean", "cls", "max"])
@torch.no_grad()
def test_texts_are_pooled_without_their_padding(form, write):
    folder = write("bert")
    (folder / "1_Pooling").mkdir()
    modes = {"mean": "mean_tokens", "cls": "cls_token", "max": "max_tokens"}
    content = {f"pooling_mode_{mode}": name == form for name, mode in modes.items()}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(content), encoding="utf-8")
    found = built(folder).text_embedding(TEXTS).numpy()
    ids = tokens_of(TEXTS)
    last = MODELS["bert"].eval()(**ids).last_hidden_state.numpy()
    pool = {"mean": lambda t: t.mean(0), "cls": lambda t: t[0], "max": lambda t: t.max(0)}[form]
    lengths = ids["attention_mask"].sum(1)
    wanted = np.stack([pool(one[:length]) for one, length in zip(last, lengths)])
    assert lengths[0] < lengths[1]
    assert np.abs(found - wanted).max() < 1e-5


def test_poolings_that_are_not_offered_are_named():
    assert text_pooling(None) == "mean"
    assert text_pooling({"pooling_mode": "cls"}) == "cls"
    with pytest.raises(UsageError, match="weightedmean"):
        text_pooling({"pooling_mode_weightedmean_tokens": True})
    with pytest.raises(UsageError, match="is not offered"):
        text_pooling({"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True})


@torch.no_grad()
def test_long_texts_are_cut(write):
    folder = write("bert")
    model = built(folder)
    long = "no effusion " * 40
    assert torch.isfinite(model.text_embedding([long])).all()
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 4}', encoding="utf-8")
    find.cache_clear()
    short = built(folder)
    assert torch.allclose(short.text_embedding([long]), short.text_embedding(["no effusion"]))


def test_patches_are_told_from_tokens_in_front_of_them():
    rows = torch.arange(16.0).view(1, 16, 1)
    image = torch.zeros(1, 3, SIDE, SIDE)
    for front in (0, 1, 5):
        tokens = torch.cat([torch.full((1, front, 1), -1.0), rows], dim=1)
        found = as_map(tokens, image, PATCH)
        assert torch.equal(found, torch.arange(16.0).view(1, 1, 4, 4))
    with pytest.raises(UsageError, match="no square"):
        as_map(torch.zeros(1, 90, 1), torch.zeros(1, 3, 16, 16), None)


class Vision:
    image_size = 48


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ({"size": 40}, {"image_size": 40, "crop_fraction": 1.0}),
        ({"size": {"height": 40, "width": 40}}, {"image_size": 40}),
        ({}, {"image_size": 48, "mean": [0.5] * 3, "std": [0.5] * 3}),
        (
            {"size": {"shortest_edge": 50}, "do_center_crop": True, "crop_size": 40},
            {"image_size": 40, "crop_fraction": 0.8},
        ),
        (
            {"size": {"shortest_edge": 50}, "do_center_crop": False, "crop_size": 40},
            {"image_size": 50, "crop_fraction": 1.0},
        ),
        ({"do_normalize": False, "image_mean": MEAN}, {"mean": [0.0] * 3, "std": [1.0] * 3}),
        ({"image_mean": MEAN, "image_std": STD}, {"mean": MEAN, "std": STD}),
        ({"resample": 2}, {"interpolation": "bilinear"}),
        ({"resample": 3}, {"interpolation": "bicubic"}),
        ({"resample": 1}, {"interpolation": "bicubic"}),
    ],
)
def test_the_preprocessor_is_understood(content, wanted, tmp_path):
    found = preprocessing_of(content, tmp_path, Vision())
    assert {key: found[key] for key in wanted} == wanted


def test_what_a_folder_lacks_is_said(write, tmp_path):
    with pytest.raises(MissingDataError, match=r"config\.json"):
        find(f"hf:{tmp_path / 'none'}")
    folder = write("vit")
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(MissingDataError, match="how images are normalised"):
        built(folder)
    (folder / "model.safetensors").unlink()
    find.cache_clear()
    with pytest.raises(MissingDataError, match="no weights"):
        find(f"hf:{folder}")
    folder = write("bert")
    for path in folder.glob("*token*"):
        path.unlink()
    with pytest.raises(MissingDataError, match="no tokenizer"):
        built(folder)


def test_code_of_a_folder_is_not_run(write):
    folder = write("vit")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["auto_map"] = {"AutoModel": "modeling.Mine"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(UsageError, match="MODULE:FUNCTION"):
        find(f"hf:{folder}")


class Dangerous:
    def __reduce__(self):
        return os.mkdir, ("should-not-exist",)


def test_a_file_that_would_run_code_is_refused(write, monkeypatch, tmp_path):
    folder = write("vit")
    monkeypatch.chdir(tmp_path)
    (folder / "model.safetensors").unlink()
    torch.save({**MODELS["vit"].state_dict(), "more": Dangerous()}, folder / "pytorch_model.bin")
    with pytest.raises(BadDataError) as caught:
        built(folder)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "should-not-exist").exists()


def test_missing_and_other_tensors_are_named(write):
    state = dict(MODELS["vit"].state_dict())
    name = next(key for key in state if key.endswith("mlp.fc1.weight") or "intermediate" in key)
    folder = write("vit")
    (folder / "model.safetensors").unlink()
    torch.save({k: v for k, v in state.items() if k != name}, folder / "pytorch_model.bin")
    with pytest.raises(BadDataError) as caught:
        built(folder)
    assert name in str(caught.value)
    torch.save({**state, name: torch.zeros(3)}, folder / "pytorch_model.bin")
    find.cache_clear()
    with pytest.raises(BadDataError) as caught:
        built(folder)
    assert name in str(caught.value)


@torch.no_grad()
def test_half_precision_is_read_in_single_and_nothing_is_printed(write, capfd):
    folder = write("vit", AutoModel.from_pretrained(write("vit"), dtype=torch.float16))
    capfd.readouterr()
    model = built(folder)
    assert {value.dtype for value in model.state_dict().values()} == {torch.float32}
    assert capfd.readouterr() == ("", "")


def test_the_checksum_is_of_what_decides(write):
    folder = write("vit")
    sums = [find(f"hf:{folder}").checksum()]

    def again():
        find.cache_clear()
        sums.append(find(f"hf:{folder}").checksum())

    (folder / "README.md").write_text("read me", encoding="utf-8")
    again()
    assert sums[0] == sums[1]
    write("vit", image_mean=[0.1, 0.2, 0.3])
    again()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        write("vit", ViTModel(ViTConfig(**VISION)), image_mean=[0.1, 0.2, 0.3])
    again()
    assert len(set(sums)) == 3
