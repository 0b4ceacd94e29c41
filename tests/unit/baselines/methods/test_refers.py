"""What makes REFERS: a report written from the image, and a lopsided contrast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from baselines.encoders.reports import build_with_reports
from baselines.methods.refers import Refers
from baselines.refers import BASELINE
from benchmark.errors import NotApplicable, UsageError
from benchmark.interfaces import BuildContext, PretrainBatch

SIDE = 32
REPORTS = ("Small left effusion.", "Lungs are clear. No pneumothorax.", "Mild edema.")


def model_of(**options: Any) -> Refers:
    context = BuildContext(
        size=BASELINE.sizes["toy"],
        options={**BASELINE.options, **options},
        image_size=SIDE,
        reports=lambda: REPORTS * 20,
    )
    return build_with_reports(context, Refers).eval()


def batch_of(texts: tuple[str, ...] = REPORTS) -> PretrainBatch:
    shape = (len(texts), 1, SIDE, SIDE)
    return PretrainBatch(torch.randn(shape, generator=torch.Generator().manual_seed(3)), texts)


def losses_of(model: Refers) -> dict[str, torch.Tensor]:
    return model.pretraining_loss(batch_of(), torch.Generator())


@torch.no_grad()
def test_caption_is_the_mean_over_all_pieces_but_padding() -> None:
    model, batch = model_of(), batch_of()
    ids, _ = model.tokenizer(batch.texts)
    patches = model.memory_of(model.tokens(batch.images))
    logits = model.decoder(ids[:, :-1], patches).double().numpy()
    total, count = 0.0, 0
    for row in range(len(ids)):
        for place in range(1, ids.shape[1]):
            if ids[row, place] != 0:
                values = logits[row, place - 1]
                total += np.log(np.exp(values).sum()) - values[ids[row, place]]
                count += 1
    assert float(losses_of(model)["caption"]) == pytest.approx(total / count, rel=1e-5)
    assert count < ids[:, 1:].numel()


@torch.no_grad()
def test_the_decoder_sees_the_past_and_the_image_alone() -> None:
    model = model_of()
    ids = torch.tensor([[2, 7, 8, 9]])
    patches = model.memory_of(model.tokens(batch_of().images[:1]))
    first = model.decoder(ids, patches)
    later = ids.clone()
    later[0, 2:] = 11
    assert torch.allclose(model.decoder(later, patches)[:, :2], first[:, :2], atol=1e-6)
    assert not torch.allclose(model.decoder(later, patches)[:, 2:], first[:, 2:], atol=1e-4)
    assert not torch.allclose(model.decoder(ids, -patches), first, atol=1e-5)


def test_output_is_tied_to_the_word_vectors() -> None:
    decoder = model_of().decoder
    shapes = [part.shape for part in decoder.parameters()]
    assert shapes.count(decoder.words.weight.shape) == 1


@torch.no_grad()
def test_contrast_weighs_image_to_text_with_lambda() -> None:
    model, batch = model_of(), batch_of()
    images = model.image_embedding(batch.images)
    pooled = model.report_pooler(model.read(REPORTS).last[:, 0]).tanh()
    reports = model.report_projection(pooled)
    unit = [part / part.norm(dim=1, keepdim=True) for part in (images, reports)]
    logits = (unit[0] @ unit[1].T / 0.1).double().numpy()
    rows = sum(np.log(np.exp(logits[i]).sum()) - logits[i, i] for i in range(3)) / 3
    columns = sum(np.log(np.exp(logits[:, i]).sum()) - logits[i, i] for i in range(3)) / 3
    found = losses_of(model)
    assert float(found["image_to_text"]) == pytest.approx(0.75 * rows, rel=1e-5)
    assert float(found["text_to_image"]) == pytest.approx(0.25 * columns, rel=1e-5)
    total = found["caption"] + found["image_to_text"] + found["text_to_image"]
    assert float(found["total"]) == pytest.approx(float(total), rel=1e-6)


def test_the_official_text_to_image_direction_has_no_gradient() -> None:
    paper, official = model_of(), model_of(text_to_image_gradient=False)
    first, second = losses_of(paper), losses_of(official)
    assert first["text_to_image"].requires_grad
    assert not second["text_to_image"].requires_grad
    assert torch.equal(first["total"], second["total"])
    # With all of the weight on it, nothing but the caption is left to learn from.
    alone = model_of(text_to_image_gradient=False, contrast_lambda=0.0)
    losses_of(alone)["total"].backward()
    assert float(alone.report_projection.weight.grad.abs().sum()) == 0
    whole = model_of(contrast_lambda=0.0)
    losses_of(whole)["total"].backward()
    assert float(whole.report_projection.weight.grad.abs().sum()) > 0


@torch.no_grad()
def test_memory_is_gated_patches_with_cls_added() -> None:
    model = model_of()
    tokens = model.tokens(batch_of().images)
    memory = model.memory_of(tokens)
    weight, bias = model.patch_gate.weight[0], model.patch_gate.bias[0]
    for place in (0, 5):
        patch = tokens[1, 1 + place] + tokens[1, 0]
        gate = 1 / (1 + torch.exp(-(patch @ weight + bias)))
        assert torch.allclose(memory[1, place], gate * patch, atol=1e-6)
    assert torch.equal(model.image_embedding(batch_of().images), tokens[:, 0])


def test_empty_reports_among_others_and_alone() -> None:
    model = model_of()
    found = model.pretraining_loss(batch_of(("", "Mild edema.")), torch.Generator())
    assert torch.isfinite(found["total"])
    found = model.pretraining_loss(batch_of(("", "")), torch.Generator())
    assert found["caption"].item() == 0


def test_no_layer_is_frozen_and_there_is_no_text_space() -> None:
    model = model_of()
    model.after_start([name for name, _ in model.named_parameters()])
    assert all(part.requires_grad for part in model.parameters())
    with pytest.raises(NotApplicable):
        model.text_embedding(REPORTS)
    assert BASELINE.capabilities == ("image_features", "fine_tune")
    assert "single-view" in BASELINE.title


def test_lambda_must_be_a_share() -> None:
    with pytest.raises(UsageError, match="contrast_lambda"):
        model_of(contrast_lambda=1.5)
