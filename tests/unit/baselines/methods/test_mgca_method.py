"""What makes MGCA: its parts, its options, its prototypes."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from baselines import mgca, mgca_resnet50
from baselines.encoders.reports import build_with_reports
from baselines.methods.mgca import MGCAResNet, MGCAViT, MultiGranularity
from baselines.methods.mgca_attention import CrossAttention, by_token, first_token_attention
from benchmark.errors import UsageError
from benchmark.interfaces import BuildContext, PretrainBatch

SIDE = 32
REPORTS = (
    "The heart is enlarged. Small left effusion.",
    "Lungs are clear. No pneumothorax is seen.",
    "Right upper lobe consolidation.",
    "Mild edema. " * 40,
)
KINDS = {"vit": (mgca.BASELINE, MGCAViT), "resnet": (mgca_resnet50.BASELINE, MGCAResNet)}


def model_of(kind: str = "vit", size: dict[str, Any] | None = None, **options: Any) -> Any:
    spec, class_ = KINDS[kind]
    context = BuildContext(
        size={**spec.sizes["toy"], **(size or {})},
        options={**spec.options, **options},
        image_size=SIDE,
        reports=lambda: REPORTS * 20,
    )
    return build_with_reports(context, class_).eval()


def images_of(count: int = 4) -> torch.Tensor:
    return torch.randn(count, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(2))


def losses_of(model: MultiGranularity, texts: Any = REPORTS) -> dict[str, float]:
    batch = PretrainBatch(images_of(len(texts)), texts)
    with torch.no_grad():
        found = model.pretraining_loss(batch, torch.Generator())
    return {name: float(value) for name, value in found.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_total_is_the_weighted_sum(kind: str) -> None:
    for name, weights in {"cli": (1, 1, 1), "constructor": (1, 0.7, 0.5)}.items():
        found = losses_of(model_of(kind, loss_weights=name))
        parts = (found["instance"], found["token"], found["prototype"])
        expected = sum(weight * part for weight, part in zip(weights, parts))
        assert found["total"] == pytest.approx(expected, rel=1e-5)


def test_official_sums_are_twice_the_paper_s() -> None:
    paper, official = losses_of(model_of()), losses_of(model_of(sums="official"))
    assert official["instance"] == pytest.approx(2 * paper["instance"], rel=1e-5)
    assert official["token"] == pytest.approx(2 * paper["token"], rel=1e-5)
    assert official["prototype"] == pytest.approx(paper["prototype"], rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "option", "value"),
    [
        ("vit", "token_attention", "plain"),
        ("vit", "word_attention", "official"),
        ("vit", "patch_context", "official"),
        ("vit", "padding_words", "left_out"),
        ("resnet", "word_attention", "official"),
        ("resnet", "padding_words", "left_out"),
    ],
)
def test_token_options_move_the_token_loss_alone(kind: str, option: str, value: str) -> None:
    # One model whose option is changed, so that its weights are the same.
    model = model_of(kind, token_attention="plain")
    if option == "token_attention":
        other = model_of(kind)
        missing, unexpected = other.load_state_dict(model.state_dict(), strict=False)
        assert not unexpected and all("_context." in name for name in missing)
    else:
        other = model_of(kind, token_attention="plain", **{option: value})
        other.load_state_dict(model.state_dict())
    first, second = losses_of(model), losses_of(other)
    assert first["token"] != pytest.approx(second["token"], rel=1e-5)
    assert first["instance"] == pytest.approx(second["instance"], rel=1e-6)
    assert first["prototype"] == pytest.approx(second["prototype"], rel=1e-6)


def test_the_resnet_normalises_patch_contexts_in_both_forms() -> None:
    first = model_of("resnet")
    second = model_of("resnet", patch_context="official")
    assert losses_of(first) == losses_of(second)


@pytest.mark.parametrize("option", ["loss_weights", "sums", "word_attention", "patch_context"])
def test_unknown_words_are_usage_errors(option: str) -> None:
    with pytest.raises(UsageError, match=option):
        model_of(**{option: "nonsense"})


def prototype_gradient(model: Any) -> float:
    model.zero_grad()
    model.pretraining_loss(PretrainBatch(images_of(), REPORTS), torch.Generator())[
        "total"
    ].backward()
    return float(model.prototypes.weight.grad.abs().sum())


def test_prototypes_rest_in_the_first_steps() -> None:
    model = model_of(frozen_prototype_steps=2).train()
    gradients = [prototype_gradient(model) for _ in range(3)]
    assert gradients[:2] == [0, 0]
    assert gradients[2] > 0
    assert int(model.prototype_steps) == 3
    # What is stored goes on counting where it stopped, and evaluation does not count.
    again = model_of(frozen_prototype_steps=2)
    again.load_state_dict(model.state_dict())
    losses_of(again)
    assert int(again.prototype_steps) == 3


def test_null_takes_the_frozen_steps_of_the_size() -> None:
    assert model_of(size={"frozen_prototype_steps": 5}).frozen_steps == 5
    assert model_of(size={"frozen_prototype_steps": 5}, frozen_prototype_steps=0).frozen_steps == 0


def test_prototypes_have_length_one() -> None:
    model = model_of()
    with torch.no_grad():
        model.prototypes.weight.mul_(3)
    losses_of(model)
    assert torch.allclose(model.prototypes.weight.norm(dim=1), torch.ones(16))


def test_patch_weights_are_the_last_block_s_attention() -> None:
    model = model_of()
    attention = model.blocks[-1].attn
    attention.fused_attn = False
    seen: list[torch.Tensor] = []
    # Unfused, timm passes the map through its dropout.
    handle = attention.attn_drop.register_forward_hook(lambda _, inputs, out: seen.append(out))
    with torch.no_grad():
        parts = model.image_parts(images_of())
    handle.remove()
    assert torch.allclose(parts.attention, seen[0][:, :, 0, 1:].mean(dim=1), atol=1e-6)
    assert not attention._forward_pre_hooks
    values = torch.randn(2, 3, 48)
    assert first_token_attention(attention, values).shape == (2, 2)


@torch.no_grad()
def test_the_vit_s_vector_is_cls() -> None:
    model = model_of()
    tokens = model.tokens(images_of())
    assert torch.equal(model.pooled_features(images_of()), tokens[:, 0])
    assert torch.equal(model.image_embedding(images_of()), model.image_head(tokens[:, 0]))
    assert torch.equal(model.patch_features(images_of(), projected=False), tokens[:, 1:])
    projected = model.patch_features(images_of(), projected=True)
    assert torch.equal(projected, by_token(model.patch_head, tokens[:, 1:]))
    assert projected.shape[2] == model.text_embedding(["a"]).shape[1]


@torch.no_grad()
def test_the_resnet_s_patches_are_the_third_stage_of_enlarged_images() -> None:
    model = model_of("resnet", size={"enlargement": 1.5, "output_stride": 16})
    assert model.grid == (3, 3)
    parts = model.image_parts(images_of())
    assert parts.patches.shape == (4, 9, 24)
    assert parts.attention is None
    larger = torch.nn.functional.interpolate(
        images_of(), size=(48, 48), mode="bilinear", align_corners=True
    )
    maps = model.stages(larger)
    assert torch.equal(parts.patches, maps[2].flatten(2).transpose(1, 2))
    assert torch.equal(parts.whole, maps[3].mean(dim=(2, 3)))
    assert torch.equal(model.pooled_features(images_of()), parts.whole)


def test_projected_attention_learns_and_leaves_padding_out() -> None:
    attention = CrossAttention(6)
    tokens, others = torch.randn(2, 3, 6), torch.randn(2, 4, 6)
    padding = torch.tensor([[False, False, True, True]] * 2)
    found = attention(tokens, others, padding)
    assert torch.allclose(found, attention(tokens, others[:, :2]), atol=1e-6)
    found.sum().backward()
    assert attention.query.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("kind", KINDS)
def test_reports_without_words_and_a_batch_of_two(kind: str) -> None:
    model = model_of(kind).train()
    batch = PretrainBatch(images_of(2), ("", "Lungs are clear."))
    losses = model.pretraining_loss(batch, torch.Generator())
    losses["total"].backward()
    assert all(torch.isfinite(value) for value in losses.values())
    assert all(
        torch.isfinite(part.grad).all() for part in model.parameters() if part.grad is not None
    )


def test_real_sizes_are_the_paper_s() -> None:
    for spec in (mgca.BASELINE, mgca_resnet50.BASELINE):
        size = spec.sizes["paper"]
        assert (size["text_depth"], size["text_width"], size["prototypes"]) == (6, 768, 500)
        assert (size["head_width"], size["shared_width"], size["text_length"]) == (2048, 128, 112)
    assert round(224 * mgca_resnet50.BASELINE.sizes["paper"]["enlargement"]) == 299
