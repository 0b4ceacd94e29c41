"""Folders of transformers: image, text and both, against transformers itself."""

from __future__ import annotations

import json
import math
import os

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoModel,
    BeitConfig,
    BeitModel,
    BertConfig,
    BertModel,
    BitImageProcessor,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    ConvNextImageProcessor,
    Dinov2Config,
    Dinov2Model,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    PreTrainedTokenizerFast,
    ResNetConfig,
    ResNetModel,
    SiglipConfig,
    SiglipModel,
    SwinConfig,
    SwinModel,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessor,
    ViTMAEConfig,
    ViTMAEModel,
    ViTModel,
)

from baselines.outside import find
from baselines.outside.hugging_face import preprocessing_of, text_pooling
from baselines.outside.hugging_face_encoders import as_map
from baselines.outside.preprocessing import Prepare, checked
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


def drawn(make):
    """A model with weights from a fixed seed, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make().eval()


def stored(folder, model, side=SIDE):
    """A folder with a model, pixels and words, whatever the kind of the model."""
    model.save_pretrained(folder)
    ViTImageProcessor(
        size={"height": side, "width": side}, image_mean=MEAN, image_std=STD, resample=3
    ).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


@torch.no_grad()
def test_siglip_reads_texts_that_are_filled_up(tmp_path):
    text = {**TEXT, "max_position_embeddings": 8, "pad_token_id": 0}
    text |= {"bos_token_id": 2, "eos_token_id": 3}
    theirs = drawn(lambda: SiglipModel(SiglipConfig(text_config=text, vision_config=VISION)))
    theirs.logit_scale.fill_(1.5)
    ours = built(stored(tmp_path / "siglip", theirs))
    ids = tokenizer()(list(TEXTS), padding="max_length", max_length=8, return_tensors="pt")
    said = vectors(theirs.get_text_features(ids["input_ids"], ids["attention_mask"]))
    assert torch.allclose(ours.text_embedding(TEXTS), said, atol=1e-5)
    assert torch.allclose(ours.text_embedding(TEXTS[:1]), said[:1], atol=1e-5)
    wanted = vectors(theirs.get_image_features(pixel_values=prepared(grey())))
    assert torch.allclose(ours.image_embedding(grey()), wanted, atol=1e-5)
    assert ours.temperature() == pytest.approx(math.exp(1.5))
    # Its patches are pooled by attention: no map of the class token could place them.
    assert "grounding" not in find(f"hf:{tmp_path / 'siglip'}").BASELINE.capabilities


@pytest.mark.parametrize("kind", ["clip", "bert"])
@torch.no_grad()
def test_batch_mates_do_not_matter(kind, write):
    model = built(write(kind))
    alone = torch.cat([model.text_embedding([text]) for text in TEXTS])
    assert torch.allclose(model.text_embedding(TEXTS), alone, atol=1e-5)


@given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 5), st.integers(1, 3))
def test_a_map_is_row_by_row(side, patch, front, width):
    rows, columns, channels = torch.meshgrid(
        *(torch.arange(float(count)) for count in (side, side, width)), indexing="ij"
    )
    patches = (10_000 * rows + 100 * columns + channels).reshape(1, side * side, width)
    tokens = torch.cat([torch.full((1, front, width), -1.0), patches], dim=1)
    found = as_map(tokens, torch.zeros(1, 3, side * patch, side * patch), patch)
    wanted = 10_000 * rows + 100 * columns + channels
    assert torch.equal(found[0], wanted.permute(2, 0, 1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: ViTModel(ViTConfig(**{**VISION, "num_hidden_layers": 0})),
        lambda: Dinov2WithRegistersModel(
            Dinov2WithRegistersConfig(**{**VISION, "num_hidden_layers": 0}, num_register_tokens=4)
        ),
    ],
    ids=["class", "class and registers"],
)
@torch.no_grad()
def test_a_changed_patch_changes_its_place_alone(make, tmp_path):
    """Without layers no token sees another one."""
    model = built(stored(tmp_path / "model", drawn(make)))
    images, places = grey()[:1], SIDE // PATCH
    changed = images.clone()
    changed[..., 2 * PATCH : 3 * PATCH, PATCH : 2 * PATCH] = 0.0
    before, after = (model.patch_features(one, projected=False) for one in (images, changed))
    moved = (before != after).any(dim=2)[0].nonzero().flatten().tolist()
    assert moved == [2 * places + 1]


@torch.no_grad()
def test_a_vision_model_may_have_a_vocabulary_or_merge_patches(tmp_path):
    beit = drawn(lambda: BeitModel(BeitConfig(**VISION)))
    sizes = {"embed_dim": 8, "depths": [1, 1], "num_heads": [2, 2], "window_size": 4}
    swin = drawn(lambda: SwinModel(SwinConfig(image_size=SIDE, patch_size=4, **sizes)))
    for name, model in {"beit": beit, "swin": swin}.items():
        ours = built(stored(tmp_path / name, model))
        wanted = model(pixel_values=prepared(grey())).pooler_output
        assert torch.allclose(ours.pooled_features(grey()), wanted, atol=1e-5)
        assert ours.grid == (4, 4)
        assert "text_features" not in find(f"hf:{tmp_path / name}").BASELINE.capabilities


@torch.no_grad()
def test_a_classifier_without_pooler_gives_its_first_token(tmp_path):
    """Else transformers pools with weights that it draws."""
    model = drawn(lambda: ViTForImageClassification(ViTConfig(**VISION)))
    ours = built(stored(tmp_path / "vit", model))
    wanted = model.vit(pixel_values=prepared(grey())).last_hidden_state[:, 0]
    assert torch.allclose(ours.pooled_features(grey()), wanted, atol=1e-5)
    assert ours.loaded_from["missing"] == ["pooler.dense.bias", "pooler.dense.weight"]
    assert ours.loaded_from["unused"] == ["classifier.bias", "classifier.weight"]
    assert ours.loaded_from["form"] == "hf:vit"


def test_half_a_pooler_is_not_enough(write):
    folder = write("vit")
    tensors = load_file(folder / "model.safetensors")
    del tensors["pooler.dense.bias"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadDataError, match=r"pooler\.dense\.bias"):
        built(folder)


def test_an_encoder_that_drops_patches_at_random_is_refused(tmp_path):
    folder = stored(tmp_path / "mae", drawn(lambda: ViTMAEModel(ViTMAEConfig(**VISION))))
    with pytest.raises(UsageError, match="at random"):
        find(f"hf:{folder}")


@pytest.mark.parametrize("last", ["Pooling", "Normalize", "Dense"])
def test_modules_behind_the_pooling_are_read_or_refused(last, write):
    folder = write("bert")
    modules = [{"type": f"sentence_transformers.models.{n}"} for n in ("Transformer", last)]
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    if last == "Dense":
        with pytest.raises(UsageError, match="Dense"):
            find(f"hf:{folder}")
    else:
        assert find(f"hf:{folder}").BASELINE.capabilities == ("text_features",)


@pytest.mark.parametrize("length", [0, 10])
def test_damaged_weights_are_refused_in_one_line(length, write):
    folder = write("vit")
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    for name, content in {
        "model.safetensors": whole[: -length or None][: len(whole) // 2 + length],
        "pytorch_model.bin": b"x" * length,
    }.items():
        path.unlink(missing_ok=True)
        (folder / name).write_bytes(content)
        find.cache_clear()
        with pytest.raises(BadDataError) as caught:
            built(folder)
        assert "\n" not in str(caught.value) and str(folder) in str(caught.value)


def picture(rows, columns=None):
    """8-bit grey noise over a ramp: smooth enough for two resamplers, not symmetric."""
    draws = np.random.default_rng(3)
    columns = columns or rows
    coarse = Image.fromarray(draws.integers(0, 256, (7, 7), dtype=np.uint8))
    return np.asarray(coarse.resize((columns, rows), Image.Resampling.BICUBIC))


PROCESSORS = {
    "resized and cropped": lambda: BitImageProcessor(
        size={"shortest_edge": 36}, crop_size={"height": SIDE, "width": SIDE}
    ),
    "bilinear": lambda: ViTImageProcessor(size={"height": SIDE, "width": SIDE}, resample=2),
    "cropped by a part": lambda: ConvNextImageProcessor(
        size={"shortest_edge": SIDE}, crop_pct=0.8, resample=3
    ),
    "squeezed": lambda: ConvNextImageProcessor(
        size={"shortest_edge": 384}, crop_pct=0.8, resample=3
    ),
}


@pytest.mark.parametrize("kind", PROCESSORS)
def test_pixels_are_those_of_the_folders_processor(kind, tmp_path):
    processor = PROCESSORS[kind]()
    MODELS["resnet"].save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    pixels = picture(64)
    colours = Image.fromarray(pixels).convert("RGB")
    wanted = processor(images=colours, return_tensors="pt")["pixel_values"]
    content = json.loads((tmp_path / "preprocessor_config.json").read_text(encoding="utf-8"))
    prepare = Prepare(checked(preprocessing_of(content, tmp_path, Vision()), "it"))
    found = prepare(torch.tensor(pixels)[None, None] / 255)
    assert found.shape == wanted.shape
    # Theirs is rounded to grey levels between the steps.
    assert (found - wanted).abs().max() < 2.1 / 255 / min(content["image_std"])


def test_a_processor_of_both_holds_the_image_processor(write):
    folder = write("clip")
    (folder / "preprocessor_config.json").unlink()
    images = CLIPImageProcessor(size={"shortest_edge": 40}, crop_size=SIDE, image_mean=MEAN)
    CLIPProcessor(images, tokenizer()).save_pretrained(folder)
    (folder / "preprocessor_config.json").unlink(missing_ok=True)
    read = built(folder).loaded_from["preprocessing"]
    assert (read["image_size"], read["crop_fraction"]) == (SIDE, 0.8)
    assert read["mean"] == pytest.approx(MEAN)
