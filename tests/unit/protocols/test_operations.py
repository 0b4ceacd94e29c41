"""The counter: against closed forms, and against the figures that papers print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.encoders.bert import ReportEncoder
from baselines.encoders.masked_vit import MaskedAutoencoder
from baselines.encoders.settings import SIZES
from baselines.objectives.idle_language_head import with_idle_language_head
from baselines.objectives.masked_language import LanguageHead
from benchmark import registry
from benchmark.interfaces import BuildContext, PretrainBatch
from benchmark.protocols.operations import (
    PassCount,
    count_pass,
    without_memory,
    without_values,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PAPER = SIZES["paper"]
LONG_REPORT = "effusion " * 512
ATTENTION = ("bmm", "baddbmm")


def counted(build: Callable[[], nn.Module], call: Callable[[Any], object]) -> PassCount:
    """A pass of a model that has no values."""

    def count(model: nn.Module) -> PassCount:
        return count_pass(model.eval(), lambda: call(model))

    def refuse() -> nn.Module:
        raise AssertionError("the pass asked for values")

    return without_values(count, without_memory(build), refuse)


def method(name: str, size: str, image_size: int) -> Callable[[], Any]:
    spec = registry.load_baseline(name)
    context = BuildContext(
        size=spec.sizes[size],
        options=spec.options,
        image_size=image_size,
        reports=lambda: (LONG_REPORT,),
    )
    return lambda: registry.baseline_module(name).build(context)


def images(model: Any, side: int) -> Tensor:
    return torch.zeros(1, 1, side, side, device=next(model.parameters()).device)


def encode(model: Any) -> Tensor:
    features: Tensor = model.patch_features(images(model, model.image_size), False)
    return features


def pair(model: Any) -> PretrainBatch:
    return PretrainBatch(images(model, model.pretraining_image_size), (LONG_REPORT,))


def pretrain(model: Any) -> Any:
    return model.pretraining_loss(pair(model), torch.Generator())


def layers(found: PassCount) -> int:
    return sum(value for (_, name), value in found.macs.items() if name not in ATTENTION)


def attention(found: PassCount) -> int:
    return sum(value for (_, name), value in found.macs.items() if name in ATTENTION)


# Closed forms: multiply-adds of a transformer block are 4 w^2 for queries, keys, values and the
# output, 8 w^2 for a feed-forward part four times as wide, and 2 n w for attention, a token.


def block_layers(tokens: int, width: int, hidden: int) -> int:
    return tokens * (4 * width**2 + 2 * width * hidden)


def block_attention(tokens: int, width: int) -> int:
    return 2 * tokens**2 * width


def encoder_layers(size: dict[str, int], side: int, kept: int) -> int:
    patches, values = (side // size["patch"]) ** 2, size["channels"] * size["patch"] ** 2
    width = size["width"]
    blocks = size["depth"] * block_layers(kept + 1, width, 4 * width)
    return patches * values * width + blocks


def decoder_layers(size: dict[str, int], side: int, kept: int, target: int) -> int:
    patches, width = (side // size["patch"]) ** 2, size["decoder_width"]
    embed = (kept + 1) * size["width"] * width
    blocks = size["decoder_depth"] * block_layers(patches + 1, width, 4 * width)
    return embed + blocks + patches * width * size["channels"] * target**2


def text_layers(size: dict[str, int]) -> int:
    blocks = size["text_depth"] * block_layers(
        size["text_length"], size["text_width"], size["text_intermediate"]
    )
    return blocks + size["text_width"] * size["shared_width"]


def language_head(size: dict[str, int]) -> int:
    return size["text_length"] * (size["text_width"] ** 2 + size["text_width"] * size["vocabulary"])


@pytest.mark.parametrize(("size", "side"), [("toy", 32), ("toy", 48), ("paper", 224)])
def test_a_vision_transformer_costs_what_its_closed_form_says(size: str, side: int) -> None:
    entry: Any = SIZES[size]
    patches = (side // entry["patch"]) ** 2

    found = counted(method("mae", size, side), encode)
    assert layers(found) == encoder_layers(entry, side, patches)
    assert attention(found) == entry["depth"] * block_attention(patches + 1, entry["width"])


@pytest.mark.parametrize(("size", "side"), [("toy", 32), ("paper", 224)])
def test_a_pre_training_forward_costs_the_sum_of_its_parts(size: str, side: int) -> None:
    entry: Any = SIZES[size]
    patches = (side // entry["patch"]) ** 2
    kept, shared = patches // 2, entry["shared_width"]

    found = counted(method("maco", size, side), pretrain)
    expected = encoder_layers(entry, side, kept) + text_layers(entry)
    expected += decoder_layers(entry, side, kept, 2 * entry["patch"])
    expected += kept * entry["width"] * shared  # projection
    expected += patches  # scoring layer
    expected += shared  # similarity of one image with one text
    assert layers(found) == expected
    length = entry["text_length"]
    assert attention(found) == (
        entry["depth"] * block_attention(kept + 1, entry["width"])
        + entry["decoder_depth"] * block_attention(patches + 1, entry["decoder_width"])
        + entry["text_depth"] * block_attention(length, entry["text_width"])
    )


class MaskedRecords(MaskedAutoencoder):
    """The forward pass of MRM's official code, from its method sheet: the image vector is added
    to the word vectors, and a masked-language head scores all 100 positions."""

    def __init__(self) -> None:
        super().__init__(PAPER, image_size=224, target_scale=2)
        self.bert_encoder = ReportEncoder(PAPER, 0.0)
        self.bert_mlp = nn.Linear(PAPER["width"], PAPER["text_width"])
        self.language_head = LanguageHead(PAPER["text_width"], PAPER["vocabulary"])

    def losses(self) -> Tensor:
        device = self.cls_token.device
        tokens, _, restore = self.encode_masked(
            images(self, 224), torch.rand(1, 196, device=device), mask_ratio=0.75
        )
        self.decode(tokens, restore)
        self.bert_mlp(tokens)
        ids = torch.ones(1, PAPER["text_length"], dtype=torch.int64, device=device)
        states = self.bert_encoder.hidden_states(ids, torch.ones_like(ids))
        words = self.bert_encoder.model["bert"].embeddings.word_embeddings.weight
        scores: Tensor = self.language_head(states.flatten(0, 1), words)
        return scores


def official_maco() -> PassCount:
    return counted(
        method("maco", "paper", 224),
        lambda model: with_idle_language_head(model, pair(model), torch.Generator()),
    )


def official_mrm() -> PassCount:
    return counted(MaskedRecords, lambda model: model.losses())


@pytest.mark.parametrize(
    ("official", "printed", "whole"),
    [(official_maco, 16.9, 16.911), (official_mrm, 12.7, 12.677)],
    ids=["maco", "mrm"],
)
def test_published_figures_are_layers_of_the_masked_forward(
    official: Callable[[], PassCount], printed: float, whole: float
) -> None:
    """`whole` is the closed form of the official code, which sends CLS through the decoder's
    last layer and the projection too: 0.003 more."""
    gmacs = layers(official()) / 1e9
    assert round(gmacs, 1) == printed
    assert gmacs == pytest.approx(whole, abs=0.005)


def test_the_official_forward_holds_a_head_that_the_method_does_not_use() -> None:
    more = layers(official_maco()) - layers(counted(method("maco", "paper", 224), pretrain))
    assert more == language_head(dict(PAPER))
    assert more / 1e9 == pytest.approx(1.167, abs=0.001)


def test_the_plain_encoder_is_no_published_figure() -> None:
    found = counted(method("maco", "paper", 224), encode)
    assert layers(found) / 1e9 == pytest.approx(16.85, abs=0.005)
    assert (layers(found) + attention(found)) / 1e9 == pytest.approx(17.56, abs=0.005)


@pytest.mark.parametrize("size", ["toy", "demo"])
def test_values_and_shapes_give_one_count_and_leave_the_generator(size: str) -> None:
    build = method("maco", size, 64)
    before = torch.random.get_rng_state()
    real = build().eval()
    assert counted(build, pretrain) == count_pass(real, lambda: pretrain(real))
    assert torch.equal(before, torch.random.get_rng_state())


class Small(nn.Module):
    """One of each: a convolution, layers without bias on a slice, a free product."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 4, 2, stride=2, groups=1)
        self.first = nn.Linear(4, 3, bias=False)
        self.second = nn.ModuleList([nn.Linear(3, 5, bias=False), nn.Linear(5, 3)])
        self.scale = nn.Parameter(torch.ones(3))
        self.idle = nn.Linear(7, 7)

    def features(self, images: Tensor) -> Tensor:
        assert self.idle.weight.device == images.device
        tokens = self.convolution(images).flatten(2).transpose(1, 2)[:, 1:]
        tokens = self.first(tokens)
        for layer in self.second:
            tokens = layer(tokens)
        tokens = tokens * self.scale
        return functional.scaled_dot_product_attention(tokens, tokens, tokens)


@pytest.mark.parametrize("values", [False, True])
def test_modules_operations_and_parameters_are_told_apart(values: bool) -> None:
    def call(model: Any) -> Tensor:
        features: Tensor = model.features(images(model, 6).expand(2, -1, -1, -1))
        return features

    real = Small()
    found = count_pass(real, lambda: call(real)) if values else counted(Small, call)
    tokens = 2 * 8
    assert found.macs == {
        ("convolution", "convolution"): 2 * 9 * 4 * 4,
        ("first", "mm"): tokens * 4 * 3,
        ("second", "mm"): tokens * 3 * 5,
        ("second", "addmm"): tokens * 5 * 3,
        ("", "bmm"): 2 * 2 * 8 * 8 * 3,
    }
    idle = {"idle.weight", "idle.bias"}
    assert found.parameters == {name for name, _ in real.named_parameters()} - idle


def test_a_pass_that_asks_for_a_value_is_computed() -> None:
    def count(model: nn.Module) -> PassCount:
        def call() -> None:
            rows = model(torch.zeros(5, 3)).isfinite().all(dim=1)
            model(torch.zeros(int(rows.sum()), 3))

        return count_pass(model, call)

    layer = nn.Linear(3, 2)
    found = without_values(count, layer, lambda: layer)
    assert sum(found.macs.values()) == 2 * 5 * 3 * 2


def test_a_model_whose_building_reads_values_is_built_with_them() -> None:
    def build() -> nn.Module:
        rates = [rate.item() for rate in torch.linspace(0, 0.1, 3)]
        return nn.Sequential(nn.Linear(3, 2), nn.Dropout(rates[-1]))

    assert next(without_memory(lambda: nn.Linear(3, 2)).parameters()).is_meta
    model = without_memory(build)
    assert not next(model.parameters()).is_meta
    found = without_values(
        lambda layer: count_pass(layer, lambda: layer(torch.zeros(5, 3))), model, build
    )
    assert sum(found.macs.values()) == 5 * 3 * 2


def test_an_error_of_the_model_is_not_hidden() -> None:
    with pytest.raises(RuntimeError):
        counted(lambda: nn.Linear(3, 2), lambda model: model(torch.zeros(5, 4)))
