"""What makes Med-UniC: two image views, two readings of a report."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from baselines.encoders.reports import build_with_reports
from baselines.medunic import BASELINE
from baselines.methods.medunic import MedUniC
from baselines.objectives.contrast import cosine_logits, info_nce
from benchmark.errors import UsageError
from benchmark.interfaces import BuildContext, PretrainBatch

SIDE = 32
REPORTS = ("Small left effusion.", "Lungs are clear. No pneumothorax.", "Mild edema.")


def model_of(size: dict[str, Any] | None = None, **options: Any) -> MedUniC:
    context = BuildContext(
        size={**BASELINE.sizes["toy"], **(size or {})},
        options={**BASELINE.options, **options},
        image_size=SIDE,
        reports=lambda: REPORTS * 20,
    )
    return build_with_reports(context, MedUniC).eval()


def images_of(seed: int) -> torch.Tensor:
    return torch.randn(3, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def losses_of(model: MedUniC, second: int = 4) -> dict[str, float]:
    batch = PretrainBatch(images_of(3), REPORTS, images_of(second))
    with torch.no_grad():
        found = model.pretraining_loss(batch, torch.Generator())
    return {name: float(value) for name, value in found.items()}


@torch.no_grad()
def test_two_contrasts_and_their_sum() -> None:
    model = model_of()
    found = losses_of(model)
    first, second = model.image_embedding(images_of(3)), model.image_embedding(images_of(4))
    reports = model.text_embedding(REPORTS)
    factor = 1 / 0.07
    assert model.temperature() == pytest.approx(factor)
    image_text = float(info_nce(cosine_logits(first, reports, factor)))
    image_image = float(info_nce(cosine_logits(first, second, factor)))
    assert found["image_text"] == pytest.approx(image_text, rel=1e-5)
    assert found["image_image"] == pytest.approx(image_image, rel=1e-5)
    total = image_text + image_image + 0.1 * found["text"]
    assert found["total"] == pytest.approx(total, rel=1e-5)


def test_the_second_view_moves_its_loss_alone() -> None:
    model = model_of()
    first, other = losses_of(model, 4), losses_of(model, 5)
    assert first["image_image"] != pytest.approx(other["image_image"], rel=1e-4)
    assert first["image_text"] == other["image_text"]
    assert first["text"] == other["text"]


def test_without_a_second_view_there_is_no_loss() -> None:
    assert BASELINE.pretraining is not None
    assert BASELINE.pretraining.image_views == 2
    with pytest.raises(UsageError, match="image_views"):
        model_of().pretraining_loss(PretrainBatch(images_of(3), REPORTS), torch.Generator())


def test_text_options() -> None:
    forms = {form: losses_of(model_of(text_alignment=form)) for form in ("both", "features")}
    forms["instances"] = losses_of(model_of(text_alignment="instances"))
    both = forms["features"]["text"] + forms["instances"]["text"]
    assert forms["both"]["text"] == pytest.approx(both, rel=1e-5)
    assert forms["features"]["text"] > 0 and forms["instances"]["text"] > 0
    without = losses_of(model_of(text_lambda=0.0))
    parts = without["image_text"] + without["image_image"]
    assert without["total"] == pytest.approx(parts, rel=1e-6)
    with pytest.raises(UsageError, match="text_alignment"):
        model_of(text_alignment="nonsense")


@pytest.mark.parametrize("size", ["demo", "toy"])
def test_dropout_makes_the_two_readings_differ(size: str) -> None:
    assert BASELINE.sizes[size]["text_dropout"] == 0.1
    model = model_of().train()
    torch.manual_seed(0)
    first, second = (model.read(REPORTS).last[:, 0] for _ in range(2))
    assert not torch.allclose(first, second)
    dry = model_of(size={"text_dropout": 0.0}).train()
    assert torch.equal(*(dry.read(REPORTS).last[:, 0] for _ in range(2)))


def test_the_text_term_reaches_both_readings() -> None:
    """The second reading has a gradient of its own: the encoder's differs from one reading's."""
    model = model_of().train()
    calls = []
    model.alignment_head.register_forward_hook(
        lambda _, inputs, out: (inputs[0].retain_grad(), calls.append(inputs[0]))[0]
    )
    batch = PretrainBatch(images_of(3), REPORTS, images_of(4))
    model.pretraining_loss(batch, torch.Generator())["text"].backward()
    assert len(calls) == 2
    assert all(float(part.grad.abs().sum()) > 0 for part in calls)
    assert all(part.grad is None for part in model.image_head.parameters())
    assert all(part.grad is None for part in model.report_head.parameters())


def test_nine_of_twelve_layers_rest_after_a_start() -> None:
    model = model_of(size={"text_depth": 4})
    assert all(part.requires_grad for part in model.parameters())
    model.after_start([name for name, _ in model.named_parameters()])
    frozen = {name for name, part in model.named_parameters() if not part.requires_grad}
    layers = {name.split("encoder.layer.")[1].split(".")[0] for name in frozen}
    assert layers == {"0", "1", "2"}
    assert all(name.startswith("bert_encoder.model.bert.encoder.layer.") for name in frozen)


def test_zero_shot_without_grounding() -> None:
    assert "zero_shot" in BASELINE.capabilities
    assert "grounding" not in BASELINE.capabilities
    assert BASELINE.no_capability_reason
