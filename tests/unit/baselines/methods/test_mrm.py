from __future__ import annotations

from typing import Any

import pytest
import torch

from baselines.encoders.positions import sincos_table
from baselines.encoders.reports import build_with_reports
from baselines.methods.mrm import MASK_ID, MaskedRecordModel
from baselines.mrm import BASELINE
from baselines.objectives.reconstruction import patchify, reduced
from benchmark.errors import NotApplicable, UsageError
from benchmark.interfaces import BuildContext, PretrainBatch

SIDE = 32
REPORTS = (
    "The heart is enlarged. Small left effusion.",
    "Lungs are clear.",
    "Right upper lobe consolidation.",
)


def model_of(**options: Any) -> MaskedRecordModel:
    context = BuildContext(
        size=BASELINE.sizes["toy"],
        options={**BASELINE.options, **options},
        image_size=SIDE,
        reports=lambda: REPORTS * 20,
    )
    model = build_with_reports(context, MaskedRecordModel)
    # At the start nothing has been learned; wider words and images make every path visible.
    with torch.no_grad():
        model.bert_mlp.weight.mul_(3)
        model.bert_encoder.model["bert"].embeddings.word_embeddings.weight.mul_(20)
    return model.eval()


def images_of(model: MaskedRecordModel, seed: int = 3) -> torch.Tensor:
    side = model.pretraining_image_size
    return torch.randn(3, 1, side, side, generator=torch.Generator().manual_seed(seed))


def losses_of(model: MaskedRecordModel, seed: int = 5, images: int = 3) -> dict[str, float]:
    batch = PretrainBatch(images=images_of(model, images), texts=REPORTS)
    with torch.no_grad():
        found = model.pretraining_loss(batch, torch.Generator().manual_seed(seed))
    return {name: float(value) for name, value in found.items()}


def test_both_losses_are_summed_and_drawn_from_the_generator_alone() -> None:
    model = model_of()
    first = losses_of(model)
    assert set(first) == {"total", "reconstruction", "language"}
    assert first["total"] == pytest.approx(first["reconstruction"] + first["language"], rel=1e-6)
    assert losses_of(model) == first
    other = losses_of(model, seed=6)
    assert other["reconstruction"] != first["reconstruction"]
    assert other["language"] != first["language"]


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({"mlm_positions": "all"}, "language"),
        ({"token_mask_ratio": 0.9}, "language"),
        ({"tied_words": True}, "language"),
        ({"mask_ratio": 0.5}, "reconstruction"),
        ({"norm_pix_loss": False}, "reconstruction"),
        ({"antialias": False}, "reconstruction"),
        ({"high_resolution": False}, "reconstruction"),
    ],
)
def test_every_option_moves_its_loss(change: dict[str, Any], moved: str) -> None:
    assert losses_of(model_of())[moved] != losses_of(model_of(**change))[moved]


def test_pieces_of_a_word_are_hidden_together_unless_told_otherwise() -> None:
    seen: dict[bool, bool] = {}
    for whole in (True, False):
        model = model_of(whole_words=whole)
        # Every second id continues a word, so that short reports have long words.
        model.continues[5::2] = True
        hidden = hidden_ids(model, list(REPORTS) * 10)
        labels, _ = model.tokenizer(list(REPORTS) * 10)
        masked = hidden == MASK_ID
        inner = model.continues[labels][:, 2:]
        seen[whole] = bool((masked[:, 2:] != masked[:, 1:-1])[inner].any())
    assert seen == {True: False, False: True}


def hidden_ids(model: MaskedRecordModel, texts: list[str]) -> torch.Tensor:
    """What the text tower reads in a pre-training step."""
    found: list[torch.Tensor] = []
    embeddings = model.bert_encoder.model["bert"].embeddings
    handle = embeddings.register_forward_pre_hook(
        lambda module, args, kwargs: found.append(kwargs["input_ids"]), with_kwargs=True
    )
    images = images_of(model)[:1].expand(len(texts), -1, -1, -1)
    with torch.no_grad():
        model.pretraining_loss(
            PretrainBatch(images=images, texts=texts), torch.Generator().manual_seed(9)
        )
    handle.remove()
    return found[0]


def test_hidden_words_are_always_the_mask_token_and_cls_stays() -> None:
    model = model_of()
    labels, attention = model.tokenizer(list(REPORTS) * 20)
    hidden = hidden_ids(model, list(REPORTS) * 20)
    changed = hidden != labels
    assert (hidden[changed] == MASK_ID).all()
    assert not changed[:, 0].any()
    assert not changed[attention == 0].any()
    words = attention.bool()
    words[:, 0] = False
    assert abs(float(changed[words].float().mean()) - 0.5) < 0.1


def test_the_official_form_reads_padding_up_to_the_full_length() -> None:
    length = BASELINE.sizes["toy"]["text_length"]
    assert hidden_ids(model_of(mlm_positions="all"), list(REPORTS)).shape[1] == length
    assert hidden_ids(model_of(), list(REPORTS)).shape[1] < length


@pytest.mark.parametrize(("positions", "counts"), [("masked", False), ("all", True)])
def test_padding_and_visible_words_count_in_the_official_form_alone(
    positions: str, counts: bool
) -> None:
    """Fact: the official loss runs over all positions."""
    model = model_of(mlm_positions=positions)
    labels, attention = model.tokenizer(REPORTS)
    picked = torch.zeros_like(attention, dtype=torch.bool)
    picked[0, 2] = True
    noise = torch.rand(3, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = model.losses(images_of(model), labels, attention, picked, noise)["language"]
        model.language_head.bias[0] += 5.0  # the padding's own score
        padded = model.losses(images_of(model), labels, attention, picked, noise)["language"]
        rest = labels.clone()
        rest[2, 1] = labels[1, 1]
        visible = model.losses(images_of(model), rest, attention, picked, noise)["language"]
    assert (float(padded) < float(before)) == counts
    assert (float(visible) != float(padded)) == counts


def test_the_image_helps_the_words_and_the_words_do_not_help_the_image() -> None:
    model = model_of()
    batch = PretrainBatch(images=images_of(model), texts=REPORTS)
    other = PretrainBatch(images=images_of(model, 4), texts=REPORTS)
    words = PretrainBatch(images=images_of(model), texts=REPORTS[::-1])
    with torch.no_grad():
        first, second, third = (
            model.pretraining_loss(each, torch.Generator().manual_seed(5))
            for each in (batch, other, words)
        )
    assert first["language"] != second["language"]
    assert first["reconstruction"] == third["reconstruction"]
    model.zero_grad()
    losses = model.pretraining_loss(batch, torch.Generator().manual_seed(5))
    losses["language"].backward()
    assert model.blocks[0].attn.qkv.weight.grad.abs().max() > 0
    assert model.decoder_embed.weight.grad is None


def test_the_context_is_added_after_the_embedding_norm() -> None:
    model = model_of()
    ids, attention = model.tokenizer(REPORTS)
    context = torch.randn(3, model.bert_mlp.out_features)
    bert = model.bert_encoder.model["bert"]
    found: list[torch.Tensor] = []
    handle = bert.encoder.layer[0].register_forward_pre_hook(
        lambda module, args: found.append(args[0])
    )
    with torch.no_grad():
        model.restored_states(ids, attention, context)
        words = (
            bert.embeddings.word_embeddings(ids) + bert.embeddings.token_type_embeddings.weight[0]
        )
        words = words + bert.embeddings.position_embeddings.weight[: ids.shape[1]]
        expected = bert.embeddings.LayerNorm(words) + context[:, None]
    handle.remove()
    assert torch.allclose(found[0], expected, atol=1e-5)


def test_without_context_the_words_read_as_the_shared_text_tower_reads() -> None:
    model = model_of()
    ids, attention = model.tokenizer(REPORTS)
    with torch.no_grad():
        ours = model.restored_states(ids, attention, torch.zeros(3, model.bert_mlp.out_features))
        shared = model.read_ids(ids, attention).last
    assert torch.allclose(ours[attention.bool()], shared[attention.bool()], atol=1e-5)


def test_the_context_is_the_mean_of_the_visible_patches_alone() -> None:
    model = model_of()
    tokens = torch.randn(2, 5, model.feature_dim)
    changed = tokens.clone()
    changed[:, 0] += 1  # CLS
    expected = torch.stack([sum(model.bert_mlp(patch) for patch in row[1:]) / 4 for row in tokens])
    with torch.no_grad():
        assert torch.allclose(model.context_of(tokens), expected, atol=1e-5)
        assert torch.equal(model.context_of(changed), model.context_of(tokens))


def test_the_image_is_restored_at_twice_the_side() -> None:
    model = model_of()
    assert model.pretraining_image_size == 2 * SIDE
    images = images_of(model)
    noise = torch.rand(3, 16, generator=torch.Generator().manual_seed(0))
    labels, attention = model.tokenizer(REPORTS)
    with torch.no_grad():
        loss = model.losses(images, labels, attention, attention.bool(), noise)["reconstruction"]
        tokens, mask, restore = model.encode_masked(reduced(images, SIDE, True), noise, 0.75)
        predictions = model.decode(tokens, restore)
    total, count = 0.0, 0
    for row in range(3):
        for cell in range(16):
            if mask[row, cell] == 0:
                continue
            top, left = 16 * (cell // 4), 16 * (cell % 4)
            target = images[row, 0, top : top + 16, left : left + 16].reshape(-1)
            target = (target - target.mean()) / (target.var(unbiased=True) + 1e-6).sqrt()
            total += float((predictions[row, cell] - target).square().mean())
            count += 1
    assert count == 3 * 12
    assert patchify(images, 16).shape == predictions.shape
    assert float(loss) == pytest.approx(total / count, rel=1e-4)


def test_positions_have_the_odd_frequencies() -> None:
    model = model_of()
    assert torch.equal(model.pos_embed, sincos_table(48, (4, 4), "odd"))
    assert not torch.allclose(model.decoder_pos_embed, sincos_table(48, (4, 4), "mae"))


def test_the_word_tables_are_tied_only_where_asked() -> None:
    assert "output_words.weight" in model_of().state_dict()
    assert "output_words.weight" not in model_of(tied_words=True).state_dict()


def test_there_is_no_vector_of_a_text() -> None:
    assert "zero_shot" not in BASELINE.capabilities
    assert "grounding" not in BASELINE.capabilities
    with pytest.raises(NotApplicable):
        model_of().text_embedding(REPORTS)


@pytest.mark.parametrize(
    "change", [{"mlm_positions": "some"}, {"mask_ratio": 1.0}, {"token_mask_ratio": 0.0}]
)
def test_a_value_that_does_not_exist_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(change))):
        model_of(**change)
