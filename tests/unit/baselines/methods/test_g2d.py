"""What makes G2D itself: each option changes what it should, and the decoder can be handed on."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from baselines.encoders.reports import build_with_reports
from baselines.g2d import BASELINE
from baselines.methods.g2d import G2D
from baselines.methods.g2d_text import TextProjection, padded
from benchmark.errors import BadDataError, UsageError
from benchmark.interfaces import BuildContext, PretrainBatch
from benchmark.protocols.segment_model import Segmenter, start_decoder
from benchmark.recipes.segment import SegmentRecipe

SIDE = 64
REPORTS = (
    "The heart is enlarged. Small left effusion.",
    "Lungs are clear.",
    "Right upper lobe consolidation.",
    "Mild edema. Unchanged devices.",
)


def model_of(size: str = "toy", **options: Any) -> G2D:
    context = BuildContext(
        size=BASELINE.sizes[size],
        options={**BASELINE.options, **options},
        image_size=SIDE,
        reports=lambda: REPORTS * 20,
    )
    model: G2D = build_with_reports(context, G2D)
    with torch.no_grad():
        # At the start all images have nearly one attention; sharper ones differ.
        model.attnpool.in_proj.weight.mul_(20)
    return model


def batch(seed: int = 3, side: int = SIDE) -> PretrainBatch:
    generator = torch.Generator().manual_seed(seed)
    images = 0.1 * torch.rand(4, 1, side, side, generator=generator)
    body = torch.rand(4, 1, side // 8, side // 8, generator=generator)
    body = body.repeat_interleave(8, 2).repeat_interleave(8, 3)[:, :, 8:-8, 12:-10]
    images[:, :, 8:-8, 12:-10] += 0.3 + 0.5 * body
    return PretrainBatch(images=images, texts=REPORTS)


def losses_of(model: G2D, seed: int = 5) -> dict[str, float]:
    with torch.no_grad():
        found = model.pretraining_loss(batch(), torch.Generator().manual_seed(seed))
    return {name: float(value) for name, value in found.items()}


def test_total_is_the_sum_and_nothing_is_drawn_unless_masks_are_shuffled() -> None:
    model = model_of().eval()
    found = losses_of(model)
    assert set(found) == {"total", "global", "dense"}
    assert found["total"] == pytest.approx(found["global"] + found["dense"], rel=1e-6)
    assert losses_of(model, 6) == found


def test_shuffled_masks_are_those_of_other_images() -> None:
    generator = torch.Generator().manual_seed(1)
    drawn = 3 * torch.randn(4, 1, SIDE, SIDE, generator=generator)
    attention = torch.rand(4, 3, 8, 8, generator=generator)
    plain, shuffled = model_of(), model_of(shuffled_masks=True)

    def loss(model: G2D, order: list[int], seed: int = 0) -> float:
        drawn_by = torch.Generator().manual_seed(seed)
        return float(model.decoder_loss(drawn, attention[order], batch().images[order], drawn_by))

    own = loss(plain, [0, 1, 2, 3])
    assert own == loss(plain, [0, 1, 2, 3], seed=1)
    values = {loss(shuffled, [0, 1, 2, 3], seed) for seed in range(8)}
    assert len(values) > 1 and own not in values
    cycles = ([1, 2, 3, 0], [1, 3, 0, 2], [2, 3, 1, 0], [2, 0, 3, 1], [3, 2, 0, 1], [3, 0, 1, 2])
    expected = [loss(plain, cycle) for cycle in cycles]
    assert all(any(value == pytest.approx(e, rel=1e-6) for e in expected) for value in values)


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": "75"},
        {"threshold": "median"},
        {"threshold": "mixture"},
        {"threshold": "mean"},
        {"body_mask": False},
        {"smoothing": False},
        {"quantile_over": "image"},
        {"comparison": "above", "smoothing": False, "threshold": "75", "body_mask": False},
        {"dense_loss": "official"},
        {"dense_loss": "official_probabilities"},
    ],
)
def test_a_change_of_the_mask_or_its_loss_moves_the_dense_part_alone(
    change: dict[str, Any],
) -> None:
    plain, other = losses_of(model_of().eval()), losses_of(model_of(**change).eval())
    assert other["global"] == pytest.approx(plain["global"])
    assert other["dense"] != pytest.approx(plain["dense"], rel=1e-6)


def test_both_directions_are_summed() -> None:
    plain = losses_of(model_of().eval())
    both = losses_of(model_of(contrast="both").eval())
    assert both["dense"] == pytest.approx(plain["dense"])
    model = model_of().eval()
    with torch.no_grad():
        images = model.image_embedding(batch().images)
        texts = model.text_embedding(REPORTS)
        forth, back = model.contrast(images, texts), model.contrast(texts, images)
    assert both["global"] == pytest.approx(float(forth + back), rel=1e-5)
    assert plain["global"] == pytest.approx(float(forth), rel=1e-5)


def test_the_mask_teaches_the_decoder_and_the_encoder_but_not_the_attention() -> None:
    model = model_of().train()
    losses = model.pretraining_loss(batch(), torch.Generator())
    losses["dense"].backward()
    assert model.unet is not None and model.unet.last.weight.grad is not None
    assert next(model.backbone.parameters()).grad is not None
    for part in (model.attnpool, model.proj_v, model.proj_t, model.bert_encoder):
        assert all(parameter.grad is None for parameter in part.parameters())


def test_without_decoder_loss_there_is_no_decoder() -> None:
    model = model_of(decoder_loss="none").eval()
    assert set(losses_of(model)) == {"total", "global"}
    assert model.segmentation_decoder() is None
    assert not any(name.startswith("unet.") for name in model.state_dict())


def test_reconstruction_compares_with_the_image() -> None:
    model = model_of(decoder_loss="reconstruction", aggregation=False).eval()
    images = batch().images
    with torch.no_grad():
        assert model.unet is not None
        drawn = model.unet(model.stages(images), images)
    assert drawn.shape == images.shape
    expected = float((drawn - images).square().mean())
    assert losses_of(model)["dense"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("heads", [1, 2, 3, 4])
def test_heads_have_a_fixed_width_or_share_the_projectors(heads: int) -> None:
    fixed = model_of(heads=heads).attnpool
    assert fixed.in_proj.out_features == 3 * heads * 8
    if heads == 3:
        with pytest.raises(UsageError, match="evenly"):
            model_of(heads=heads, head_width="shared")
    else:
        assert model_of(heads=heads, head_width="shared").attnpool.head_width == 16 // heads


def test_without_aggregation_a_mask_is_drawn_for_each_head() -> None:
    model = model_of(aggregation=False, heads=2)
    assert model.unet is not None and model.unet.last.out_channels == 2
    assert losses_of(model.eval())["dense"] > 0


@pytest.mark.parametrize(("option", "width"), [(128, 16), (256, 32), (512, 64)])
def test_the_projectors_width_follows_the_option(option: int, width: int) -> None:
    model = model_of(projector_width=option).eval()
    with torch.no_grad():
        assert model.image_embedding(batch().images).shape == (4, width)
        assert model.patch_features(batch().images, True).shape == (4, 64, width)
        assert model.patch_features(batch().images, False).shape == (4, 64, model.feature_dim)
        assert model.text_embedding(REPORTS).shape == (4, width)


def test_the_decoders_loss_waits_for_its_first_passes_in_training() -> None:
    model = model_of(warmup_steps=2)
    model.eval()
    losses_of(model)
    assert int(model.forward_passes) == 0, "only training counts"
    model.train()
    for expected in (0.0, 0.0, 1.0):
        found = losses_of(model)
        share = (found["total"] - found["global"]) / found["dense"]
        assert share == pytest.approx(expected, abs=1e-5)
    state = model.state_dict()
    again = model_of(warmup_steps=2)
    again.load_state_dict(state, strict=True)
    assert int(again.forward_passes) == 3
    found = losses_of(model_of().train())
    assert found["total"] == pytest.approx(found["global"] + found["dense"], rel=1e-5)


def test_waiting_leaves_the_decoder_with_a_gradient_of_zero() -> None:
    model = model_of(warmup_steps=5).train()
    model.pretraining_loss(batch(), torch.Generator())["total"].backward()
    assert model.unet is not None
    assert not model.unet.last.weight.grad.any()  # type: ignore[union-attr]
    assert next(model.backbone.parameters()).grad.any()  # type: ignore[union-attr]


def statistics(model: G2D, texts: tuple[str, ...]) -> Tensor:
    model.proj_t.norm.reset_running_stats()
    model.train()
    with torch.no_grad():
        model.text_vectors(texts)
    model.eval()
    return model.proj_t.norm.running_mean.clone()  # type: ignore[union-attr]


def test_padding_enters_the_statistics_officially_and_up_to_the_whole_length() -> None:
    def seen(model: G2D) -> list[int]:
        found: list[int] = []
        read = model.read_ids
        model.read_ids = lambda ids, mask: found.append(ids.shape[1]) or read(ids, mask)  # type: ignore
        statistics(model, REPORTS[:2])
        model.text_embedding(REPORTS[:2])
        return found

    official = seen(model_of())
    assert official[0] == 32 and official[1] < 32
    assert max(seen(model_of(text_statistics="pieces"))) < 32


def test_statistics_of_pieces_alone_do_not_see_padding() -> None:
    projection = TextProjection(4, 3)
    states = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
    counted = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    noisy = torch.where(counted[..., None] == 1, states, 50.0)
    projection.train()
    with torch.no_grad():
        assert torch.allclose(projection(states, counted), projection(noisy, counted))
        assert not torch.allclose(projection(states), projection(noisy))
        rows = projection.first(states)
        kept = torch.cat([rows[0, :3], rows[1]])
        hidden = (rows[:, 0] - kept.mean(0)) / (kept.var(0, unbiased=False) + 1e-5).sqrt()
        expected = projection.second(hidden.clamp(min=0))
        assert torch.allclose(projection(states, counted), expected, atol=1e-5)
        every = rows.flatten(0, 1)
        hidden = (rows[:, 0] - every.mean(0)) / (every.var(0, unbiased=False) + 1e-5).sqrt()
        expected = projection.second(hidden.clamp(min=0))
        assert torch.allclose(projection(states), expected, atol=1e-5)


def test_a_text_is_the_same_beside_a_longer_one_when_it_is_scored() -> None:
    model = model_of().train()
    losses_of(model)
    model.eval()
    with torch.no_grad():
        alone = model.text_embedding([REPORTS[1]])
        beside = model.text_embedding(list(REPORTS))[1:2]
    assert torch.allclose(alone, beside, atol=1e-5)
    assert torch.equal(padded(torch.ones(1, 2), 4), torch.tensor([[1.0, 1.0, 0.0, 0.0]]))


def test_long_reports_are_cut_below_the_number_of_positions() -> None:
    size = {**BASELINE.sizes["toy"], "report_length": 6}
    context = BuildContext(size, BASELINE.options, SIDE, reports=lambda: REPORTS * 20)
    model = build_with_reports(context, G2D)
    assert model.tokenizer(["heart " * 50])[0].shape == (1, 6)
    positions = model.bert_encoder.model["bert"].embeddings.position_embeddings.weight
    assert positions.shape[0] == size["text_length"]


def test_nine_twelfths_of_bert_are_frozen_after_a_start_and_words_are_not() -> None:
    model = model_of("demo")
    model.after_start(list(model.state_dict()))
    frozen = {name for name, part in model.named_parameters() if not part.requires_grad}
    assert frozen and all(".encoder.layer.0." in name for name in frozen)
    assert not any("embeddings" in name for name in frozen)
    assert G2D.frozen_layers == 9 and not G2D.frozen_words


def test_temperature_is_fixed() -> None:
    assert model_of().temperature() == pytest.approx(1 / 0.07)
    assert not any("temperature" in name for name, _ in model_of().named_parameters())


@pytest.mark.parametrize("aggregation", [True, False])
def test_segmentation_begins_with_the_decoder(aggregation: bool) -> None:
    model = model_of(aggregation=aggregation).eval()
    recipe = SegmentRecipe(source="test", decoder="unet", unet_channels=(16, 16, 8, 8, 8))
    segmenter = Segmenter(model.dense_trunk(recipe.taps), recipe, 1)
    facts = start_decoder(segmenter, model, recipe)
    # A mask a head makes three maps, which the last convolution of segmentation has not.
    missing = 0 if aggregation else 2
    assert facts["decoder_tensors_from_pretraining"] == facts["decoder_tensors"] - missing
    images = batch().images
    with torch.no_grad():
        ours = model.unet(model.stages(images), images)  # type: ignore[misc]
        assert torch.allclose(segmenter.eval()(images)[0], ours, atol=1e-6) == aggregation


def test_handing_over_copies() -> None:
    model = model_of()
    given = model.segmentation_decoder()
    assert given is not None
    given["last.weight"].zero_()
    assert model.unet is not None and model.unet.last.weight.any()


@pytest.mark.parametrize(
    "change",
    [
        {"decoder_loss": "other"},
        {"threshold": "90"},
        {"heads": 5},
        {"projector_width": 64},
        {"dense_loss": "other"},
        {"contrast": "mean"},
        {"head_width": "wide"},
        {"text_statistics": "other"},
        {"comparison": "below"},
        {"quantile_over": "lungs"},
        {"temperature": 0.0},
        {"warmup_steps": -1},
    ],
)
def test_unknown_values_are_refused_when_the_model_is_built(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(change))):
        model_of(**change)


def test_images_and_texts_come_in_pairs() -> None:
    with pytest.raises(BadDataError, match="4 images meet 3 texts"):
        wrong = PretrainBatch(batch().images, REPORTS[:3])
        model_of().pretraining_loss(wrong, torch.Generator())
