from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from baselines.encoders.reports import build_with_reports
from baselines.m3ae import BASELINE
from baselines.methods.m3ae import Corruption, MultiModalMaskedAutoencoder
from benchmark.errors import NotApplicable, UsageError
from benchmark.interfaces import BuildContext, PretrainBatch

SIDE = 32
REPORTS = (
    "The heart is enlarged. Small left effusion.",
    "Lungs are clear.",
    "Right upper lobe consolidation.",
    "Mild edema. Unchanged devices.",
)


def model_of(**options: Any) -> MultiModalMaskedAutoencoder:
    context = BuildContext(
        size=BASELINE.sizes["toy"],
        options={**BASELINE.options, **options},
        image_size=SIDE,
        reports=lambda: REPORTS * 20,
    )
    model = build_with_reports(context, MultiModalMaskedAutoencoder)
    with torch.no_grad():
        # BERT's small start hides the words; wider ones make every path visible.
        model.bert_encoder.model["bert"].embeddings.word_embeddings.weight.mul_(20)
    return model.eval()


def images_of(seed: int = 3) -> torch.Tensor:
    return torch.randn(4, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def given(
    model: MultiModalMaskedAutoencoder, seed: int = 5
) -> tuple[torch.Tensor, torch.Tensor, Corruption]:
    ids, attention = model.tokenizer(REPORTS)
    corruption = model._corruption(ids, attention, torch.Generator().manual_seed(seed))
    return ids, attention, corruption


def losses_of(model: MultiModalMaskedAutoencoder, seed: int = 5) -> dict[str, float]:
    batch = PretrainBatch(images=images_of(), texts=REPORTS)
    with torch.no_grad():
        found = model.pretraining_loss(batch, torch.Generator().manual_seed(seed))
    return {name: float(value) for name, value in found.items()}


def test_three_objectives_of_weight_one_drawn_from_the_generator_alone() -> None:
    model = model_of()
    first = losses_of(model)
    parts = [first["language"], first["reconstruction"], first["matching"]]
    assert set(first) == {"total", "language", "reconstruction", "matching"}
    assert first["total"] == pytest.approx(sum(parts), rel=1e-5)
    assert losses_of(model) == first
    assert losses_of(model, seed=6)["total"] != first["total"]


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({"mask_ratio": 0.5}, "reconstruction"),
        ({"norm_pix_loss": False}, "reconstruction"),
        ({"mim_layer": "last"}, "reconstruction"),
        ({"token_mask_ratio": 0.6}, "language"),
    ],
)
def test_every_option_moves_its_loss_alone(change: dict[str, Any], moved: str) -> None:
    plain, changed = losses_of(model_of()), losses_of(model_of(**change))
    for name in ("language", "reconstruction", "matching"):
        assert (plain[name] != changed[name]) == (name == moved)


def test_pieces_of_a_word_are_chosen_together_unless_told_otherwise() -> None:
    seen = {}
    for whole in (True, False):
        model = model_of(whole_words=whole, token_mask_ratio=0.5)
        model.continues[5::2] = True
        ids, attention, corruption = given(model)
        inner = model.continues[ids][:, 2:] & attention[:, 2:].bool()
        split = corruption.picked[:, 2:] != corruption.picked[:, 1:-1]
        seen[whole] = bool(split[inner].any())
    assert seen == {True: False, False: True}


@torch.no_grad()
def test_each_objective_sees_its_own_corruption_alone() -> None:
    model = model_of()
    ids, attention, corruption = given(model)
    first = model.losses(images_of(), ids, attention, corruption)
    changes = {
        "language": {"hidden": torch.where(corruption.picked, 4, ids)},
        "reconstruction": {"noise": corruption.noise.flip(1)},
        "matching": {"partner": corruption.partner.roll(1)},
    }
    for moved, change in changes.items():
        second = model.losses(images_of(), ids, attention, replace(corruption, **change))
        for name in changes:
            assert (float(first[name]) != float(second[name])) == (name == moved), (moved, name)


@torch.no_grad()
def test_image_and_text_help_each_other() -> None:
    model = model_of()
    ids, attention, corruption = given(model)
    first = model.losses(images_of(), ids, attention, corruption)
    other_image = model.losses(images_of(8), ids, attention, corruption)
    assert float(first["language"]) != float(other_image["language"])
    other_text = ids.clone()
    other_text[:, 1] = ids[:, 1].roll(1)
    assert not torch.equal(other_text, ids)
    second = model.losses(images_of(), other_text, attention, corruption)
    assert float(first["reconstruction"]) != float(second["reconstruction"])


def test_patches_are_restored_before_the_last_fusion_layers() -> None:
    depth = BASELINE.sizes["paper"]["fusion_depth"]
    assert depth == 6
    for layer, reached in (("middle", False), ("last", True)):
        model = model_of(mim_layer=layer)
        ids, attention, corruption = given(model)
        model.losses(images_of(), ids, attention, corruption)["reconstruction"].backward()
        found = model.fusion.image_layers[-1].linear1.weight.grad
        assert (found is not None) == reached
        assert model.fusion.image_layers[0].linear1.weight.grad.abs().max() > 0


@torch.no_grad()
def test_fusion_ignores_padding() -> None:
    model = model_of()
    text = torch.randn(2, 5, BASELINE.sizes["toy"]["text_width"])
    image = torch.randn(2, 4, model.feature_dim)
    attention = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    x, y = model.fusion(text, attention, image)
    changed = text.clone()
    changed[0, 3:] += 5
    again_x, again_y = model.fusion(changed, attention, image)
    assert torch.allclose(x[0, :3], again_x[0, :3], atol=1e-6)
    assert torch.allclose(y, again_y, atol=1e-6)
    changed[1, 4] += 5
    assert not torch.allclose(y, model.fusion(changed, attention, image)[1], atol=1e-3)


@torch.no_grad()
def test_both_sides_of_a_layer_read_the_state_before_it() -> None:
    model = model_of()
    fusion = model.fusion
    text = torch.randn(2, 5, BASELINE.sizes["toy"]["text_width"])
    image = torch.randn(2, 4, model.feature_dim)
    x = fusion.text_projection(text) + fusion.modalities.weight[0]
    y = fusion.image_projection(image) + fusion.modalities.weight[1]
    expected = fusion.text_layers[0](x, y), fusion.image_layers[0](y, x)
    found = fusion(text, torch.ones(2, 5), image, depth=1)
    assert torch.allclose(found[0], expected[0], atol=1e-5)
    assert torch.allclose(found[1], expected[1], atol=1e-5)
    # Attention is free to both sides: the last word reaches the first.
    later = text.clone()
    later[:, -1] += 1
    assert not torch.allclose(
        fusion(later, torch.ones(2, 5), image, depth=1)[0][:, 0], found[0][:, 0]
    )


def test_words_are_restored_where_they_were_chosen() -> None:
    model = model_of()
    ids, attention, corruption = given(model)
    with torch.no_grad():
        loss = model.losses(images_of(), ids, attention, corruption)["language"]
        text = model.read_ids(corruption.hidden, attention).last
        fused = model.fusion(text, attention, model.tokens(images_of()))[0]
    terms = []
    for row, place in corruption.picked.nonzero().tolist():
        scores = model.word_scores(fused[row, place][None])[0].detach().double()
        terms.append(float(scores.logsumexp(0) - scores[ids[row, place]]))
    assert float(loss) == pytest.approx(sum(terms) / len(terms), rel=1e-4)


def test_features_are_those_of_the_image_tower_before_fusion() -> None:
    model = model_of()
    with torch.no_grad():
        before = model.image_embedding(images_of())
        for parameter in model.fusion.parameters():
            parameter.zero_()
        assert torch.equal(before, model.image_embedding(images_of()))
        assert torch.allclose(before, model.tokens(images_of())[:, 1:].mean(dim=1))
    with pytest.raises(NotApplicable):
        model.text_embedding(REPORTS)


@pytest.mark.parametrize(
    "change", [{"mim_layer": "first"}, {"mask_ratio": 0.0}, {"token_mask_ratio": 1.5}]
)
def test_a_value_that_does_not_exist_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(change))):
        model_of(**change)
