"""The official checkpoint form, made up at a small size and checked at the real one."""

import argparse

import pytest
import torch

from baselines import maco
from baselines.checkpoints.formats.maco import maco_fields
from baselines.checkpoints.loading import load_checkpoint
from baselines.checkpoints.released import load_content
from baselines.checkpoints.shapes import Shapes
from baselines.encoders.image_text import MaskedImageTextModel
from baselines.encoders.settings import SIZES
from baselines.encoders.wordpiece import train_wordpiece
from benchmark.errors import BadDataError, MissingDataError

TOKENIZER = train_wordpiece(["no effusion is seen", "small nodule"], 60)
LAYER = ("norm1", "norm2")


def block_shapes(prefix, width):
    yield from ((f"{prefix}.{norm}.{part}", (width,)) for norm in LAYER for part in PARTS)
    linear = {
        "attn.qkv": (3 * width, width),
        "attn.proj": (width, width),
        "mlp.fc1": (4 * width, width),
        "mlp.fc2": (width, 4 * width),
    }
    for name, shape in linear.items():
        yield f"{prefix}.{name}.weight", shape
        yield f"{prefix}.{name}.bias", shape[:1]


PARTS = ("weight", "bias")


def linear_shapes(name, rows, columns):
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}


def norm_shapes(name, width):
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def bert_shapes(size):
    width, middle, words = size["text_width"], size["text_intermediate"], size["vocabulary"]
    bert, heads = "bert_encoder.model.bert.", "bert_encoder.model.cls.predictions."
    shapes = {
        bert + "embeddings.word_embeddings.weight": (words, width),
        bert + "embeddings.position_embeddings.weight": (size["text_length"], width),
        bert + "embeddings.token_type_embeddings.weight": (2, width),
        **norm_shapes(bert + "embeddings.LayerNorm", width),
        **linear_shapes(bert + "pooler.dense", size["shared_width"], width),
        heads + "bias": (words,),
        **linear_shapes(heads + "decoder", words, width),
        **linear_shapes(heads + "transform.dense", width, width),
        **norm_shapes(heads + "transform.LayerNorm", width),
    }
    for index in range(size["text_depth"]):
        layer = f"{bert}encoder.layer.{index}."
        for name in ("query", "key", "value"):
            shapes |= linear_shapes(f"{layer}attention.self.{name}", width, width)
        shapes |= linear_shapes(layer + "attention.output.dense", width, width)
        shapes |= norm_shapes(layer + "attention.output.LayerNorm", width)
        shapes |= linear_shapes(layer + "intermediate.dense", middle, width)
        shapes |= linear_shapes(layer + "output.dense", width, middle)
        shapes |= norm_shapes(layer + "output.LayerNorm", width)
    return shapes


def official_shapes(size, patches, target_scale=2):
    """Names and shapes of an official `model` dictionary, without the optional strays."""
    width, decoder, values = size["width"], size["decoder_width"], 3 * size["patch"] ** 2
    shapes = {
        "cls_token": (1, 1, width),
        "mask_token": (1, 1, decoder),
        "pos_embed": (1, patches + 1, width),
        "decoder_pos_embed": (1, patches + 1, decoder),
        "logit_scale": (),
        "Tpar": (),
        "patch_embed.proj.weight": (width, 3, size["patch"], size["patch"]),
        "patch_embed.proj.bias": (width,),
        **norm_shapes("norm", width),
        **norm_shapes("decoder_norm", decoder),
        **linear_shapes("decoder_embed", decoder, width),
        **linear_shapes("decoder_pred", values * target_scale**2, decoder),
        **linear_shapes("img_mlp", size["shared_width"], width),
        **linear_shapes("pos_weight_img", 1, patches),
        **linear_shapes("pos_weight_text", 1, width),
        **linear_shapes("pos_cat", 1, 2),
        **bert_shapes(size),
    }
    for index in range(size["depth"]):
        shapes |= dict(block_shapes(f"blocks.{index}", width))
    for index in range(size["decoder_depth"]):
        shapes |= dict(block_shapes(f"decoder_blocks.{index}", decoder))
    return shapes


SMALL = {
    "patch": 8,
    "channels": 3,
    "width": 128,
    "depth": 3,
    "heads": 2,
    "decoder_width": 128,
    "decoder_depth": 2,
    "decoder_heads": 1,
    "shared_width": 128,
    "text_width": 64,
    "text_depth": 2,
    "text_heads": 1,
    "text_intermediate": 96,
    "vocabulary": 80,
    "text_length": 20,
    "text_dropout": 0.1,
}
UNUSED = {
    "logit_scale",
    "pos_weight_text.weight",
    "pos_weight_text.bias",
    "pos_cat.weight",
    "pos_cat.bias",
    "WCE.weight",
    "bert_encoder.model.bert.embeddings.position_ids",
}


def official_state(target_scale=2):
    generator = torch.Generator().manual_seed(9)
    state = {
        name: 0.1 * torch.randn(shape, generator=generator)
        for name, shape in official_shapes(SMALL, 16, target_scale).items()
    }
    state["WCE.weight"] = torch.ones(512)
    state["bert_encoder.model.bert.embeddings.position_ids"] = torch.arange(20)[None]
    return state


def write(folder, state, tokenizer=True):
    path = folder / "checkpoint-50.pth"
    arguments = argparse.Namespace(model="maco", SR=1.0, mask_ratio=0.5)
    torch.save({"model": state, "optimizer": {}, "epoch": 50, "args": arguments}, path)
    if tokenizer:
        (folder / "mimic_wordpiece.json").write_text(TOKENIZER, encoding="utf-8")
    return path


@pytest.mark.parametrize("scale", [1, 2])
def test_every_wanted_tensor_lands_and_the_rest_is_listed(tmp_path, scale):
    state = official_state(scale)
    path = write(tmp_path, state)
    loaded = load_content("maco", maco.build, load_checkpoint(path), path, maco.BASELINE.options)
    assert loaded.fields.size == SMALL
    assert loaded.fields.image_size == 32
    assert loaded.fields.options["high_resolution"] == (scale == 2)
    ours = loaded.model.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in ours.items())
    heads = {name for name in state if ".cls.predictions." in name}
    assert set(loaded.unused) == UNUSED | heads
    assert set(ours) | set(loaded.unused) == set(state)
    assert loaded.model.temperature() == pytest.approx(float(state["Tpar"]))


@torch.no_grad()
def test_the_baseline_loads_it_and_gives_features(tmp_path):
    path = write(tmp_path, official_state())
    model = maco.load(path)
    images = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert model.image_embedding(images).shape == (2, 128)
    assert model.text_embedding(["there is effusion. "]).shape == (1, 128)
    assert model.patch_weights().shape == (16,)
    assert not model.training


def test_missing_tensors_are_named(tmp_path):
    state = official_state()
    del state["blocks.1.mlp.fc2.bias"], state["img_mlp.bias"]
    path = write(tmp_path, state)
    with pytest.raises(BadDataError, match=r"blocks\.1\.mlp\.fc2\.bias, img_mlp\.bias"):
        maco.load(path)
    del state["img_mlp.weight"]
    with pytest.raises(BadDataError, match=r"lacks `img_mlp\.weight`"):
        maco.load(write(tmp_path, state))


def test_the_published_class_with_its_narrow_pooler_is_refused(tmp_path):
    state = official_state()
    name = "bert_encoder.model.bert.pooler.dense.weight"
    state[name] = state[name][:64]
    with pytest.raises(BadDataError, match="pooler gives 64 values and the image projection 128"):
        maco.load(write(tmp_path, state))


@torch.no_grad()
def test_weights_without_decoder_give_the_same_features(tmp_path):
    state = official_state()
    full = maco.load(write(tmp_path, state))
    short = {n: t for n, t in state.items() if not n.startswith(("decoder_", "mask_token"))}
    bare = maco.load(write(tmp_path, {n: t for n, t in short.items() if ".cls." not in n}))
    images = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(full.image_embedding(images), bare.image_embedding(images))
    del state["decoder_blocks.0.norm1.weight"]
    with pytest.raises(BadDataError, match=r"decoder_blocks\.0\.norm1\.weight"):
        maco.load(write(tmp_path, state))


def test_the_tokenizer_is_asked_for_by_name_and_place(tmp_path):
    path = write(tmp_path, official_state(), tokenizer=False)
    with pytest.raises(MissingDataError) as caught:
        maco.load(path)
    message = str(caught.value)
    for part in ("mimic_wordpiece.json", "SZUHvern/MaCo", str(tmp_path)):
        assert part in message
    assert maco.load(path, None, TOKENIZER).tokenizer_json == TOKENIZER


def test_the_real_size_has_every_official_name_and_shape():
    shapes = official_shapes(SIZES["paper"], 196)
    assert len(shapes) == 326
    tensors = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    fields = maco_fields(Shapes(tensors, "MaCo"))
    assert (fields.size, fields.image_size) == (dict(SIZES["paper"]), 224)
    options = {**maco.BASELINE.options, **fields.options}
    with torch.device("meta"):
        model = MaskedImageTextModel(fields.size, options, 224, TOKENIZER)
    ours = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    assert ours.items() <= shapes.items()
    left = {name for name in set(shapes) - set(ours) if ".cls.predictions." not in name}
    assert left == UNUSED - {"WCE.weight", "bert_encoder.model.bert.embeddings.position_ids"}
