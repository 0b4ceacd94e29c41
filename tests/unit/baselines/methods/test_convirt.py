"""What makes ConVIRT: one sentence, pooled tokens, two heads, unequal directions."""

import dataclasses

import pytest
import torch

from baselines.convirt import BASELINE, build
from benchmark.errors import BadDataError, UsageError
from benchmark.interfaces import BuildContext, PretrainBatch

REPORTS = (
    "The heart is enlarged. Small left effusion.",
    "Lungs are clear. No pneumothorax is seen.",
    "Right upper lobe consolidation. Stable nodule in the left lung. No edema.",
)


def model(**options):
    context = BuildContext(
        BASELINE.sizes["toy"], {**BASELINE.options, **options}, 32, 1, reports=lambda: REPORTS * 20
    )
    return build(context)


def batch():
    images = torch.randn(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    return PretrainBatch(images, REPORTS)


def losses(built, seed=0):
    found = built.eval().pretraining_loss(batch(), torch.Generator().manual_seed(seed))
    return {name: float(value.detach()) for name, value in found.items()}


def test_a_sentence_is_drawn_from_the_generator():
    built = model()
    assert losses(built, 1) == losses(built, 1)
    assert len({losses(built, seed)["total"] for seed in range(8)}) > 1
    whole = model(sentence="all")
    assert len({losses(whole, seed)["total"] for seed in range(4)}) == 1


def test_image_weight_balances_the_directions():
    found = losses(model())
    expected = 0.75 * found["image_to_text"] + 0.25 * found["text_to_image"]
    assert found["total"] == pytest.approx(expected, rel=1e-5)
    assert losses(model(image_weight=1.0))["total"] == pytest.approx(found["image_to_text"])


def test_temperature():
    assert model().temperature() == pytest.approx(10)
    assert losses(model(temperature=1.0)) != losses(model())


@pytest.mark.parametrize("pooling", ["max", "mean", "cls"])
@torch.no_grad()
def test_pooling_equals_a_loop_and_leaves_padding_out(pooling):
    built = model(text_pooling=pooling).eval()
    reading = built.read(REPORTS)
    ours = built.text_embedding(REPORTS)
    for row, (states, mask) in enumerate(zip(reading.last, reading.attention)):
        real = states[: int(mask.sum())]
        pooled = {"max": real.max(0).values, "mean": real.mean(0), "cls": real[0]}[pooling]
        assert torch.allclose(ours[row], built.text_head(pooled), atol=1e-5)
    assert torch.allclose(built.text_embedding(REPORTS[:1]), ours[:1], atol=1e-5)


def test_the_text_head_and_tower_learn():
    built = model().train()
    built.pretraining_loss(batch(), torch.Generator().manual_seed(0))["total"].backward()
    assert built.text_head[0].weight.grad.abs().sum() > 0
    words = built.bert_encoder.model["bert"].embeddings.word_embeddings.weight
    assert words.grad.abs().sum() > 0


@torch.no_grad()
def test_a_cell_goes_through_the_head_of_the_whole_image():
    built = model().eval()
    images = batch().images
    cells, raw = built.patch_features(images, True), built.patch_features(images, False)
    assert cells.shape == (3, 16, 32)
    assert torch.allclose(cells, built.image_head(raw), atol=1e-6)
    assert torch.allclose(built.image_embedding(images), built.image_head(raw.mean(1)), atol=1e-5)


def test_frozen_after_a_start_only():
    built = model()
    assert all(parameter.requires_grad for parameter in built.parameters())
    built.after_start([name for name, _ in built.named_parameters() if "word_emb" in name])
    frozen = [name for name, part in built.named_parameters() if not part.requires_grad]
    assert frozen == ["bert_encoder.model.bert.embeddings.word_embeddings.weight"]


def test_wrong_values_are_named():
    with pytest.raises(UsageError, match="text_pooling"):
        model(text_pooling="median")
    with pytest.raises(UsageError, match="sentence"):
        model(sentence="two")
    with pytest.raises(UsageError, match="temperature"):
        model(temperature=0)
    with pytest.raises(UsageError, match="image_weight"):
        model(image_weight=1.5)
    with pytest.raises(BadDataError, match="3 images meet 1 texts"):
        model().pretraining_loss(dataclasses.replace(batch(), texts=REPORTS[:1]), torch.Generator())


def test_hidden_layers_of_the_heads_can_be_given():
    usual = model()
    assert usual.image_head[0].out_features == usual.feature_dim
    size = {**BASELINE.sizes["toy"], "head_width": 20}
    found = build(BuildContext(size, BASELINE.options, 32, 1, reports=lambda: REPORTS * 20))
    for head in (found.image_head, found.text_head):
        assert (head[0].out_features, head[2].in_features) == (20, 20)


def test_the_pooler_is_for_released_weights_alone():
    with pytest.raises(UsageError, match="text_pooling"):
        model(text_pooling="pooler")
