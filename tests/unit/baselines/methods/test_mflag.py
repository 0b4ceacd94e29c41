"""M-FLAG: what is frozen and when, dropout of the frozen tower, its two losses."""

from __future__ import annotations

import pytest
import torch

from baselines.mflag import BASELINE, build
from baselines.objectives.mflag import alignment_loss, orthogonality_loss
from benchmark.errors import BadDataError, UsageError
from benchmark.interfaces import BuildContext, PretrainBatch

REPORTS = ("no effusion is seen", "small nodule. mild edema", "cardiomegaly")
TEXT = "bert_encoder."


def model_of(size=None, **options):
    context = BuildContext(
        {**BASELINE.sizes["toy"], **(size or {})},
        {**BASELINE.options, **options},
        32,
        reports=lambda: REPORTS,
    )
    return build(context)


def started(**options):
    """With all of BERT from a start, and a dropout that the small sizes do not have."""
    model = model_of({"text_dropout": 0.5}, **options)
    model.after_start([name for name in model.state_dict() if name.startswith(TEXT)])
    return model


def batch():
    images = torch.randn(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    return PretrainBatch(images, REPORTS)


def test_all_of_bert_is_frozen_after_a_start_and_nothing_else():
    model = started()
    learning = {name for name, part in model.named_parameters() if part.requires_grad}
    assert model.language_model_is_frozen()
    assert learning == {name for name, _ in model.named_parameters() if not name.startswith(TEXT)}
    model.train().pretraining_loss(batch(), torch.Generator())["total"].backward()
    for name, part in model.named_parameters():
        assert (part.grad is None) == name.startswith(TEXT)


def test_without_a_start_the_language_model_learns():
    model = model_of()
    assert not model.language_model_is_frozen()
    with pytest.raises(UsageError, match="no text tower"):
        model.after_start(["backbone.conv1.weight"])
    assert not model.language_model_is_frozen()
    model.train().pretraining_loss(batch(), torch.Generator())["total"].backward()
    assert all(part.grad is not None for part in model.parameters())


@pytest.mark.parametrize(("dropout", "same"), [("official", False), ("off", True)])
def test_dropout_of_the_frozen_language_model(dropout, same):
    for model in (started(frozen_dropout=dropout).train(), _trained_before_its_start(dropout)):
        torch.manual_seed(0)
        first, second = model.read(REPORTS).last, model.read(REPORTS).last
        assert torch.equal(first, second) == same
        assert model.proj_t.training
        assert model.backbone.training


def _trained_before_its_start(dropout):
    model = model_of({"text_dropout": 0.5}, frozen_dropout=dropout).train()
    model.after_start([name for name in model.state_dict() if name.startswith(TEXT)])
    return model


def test_off_leaves_the_dropout_of_a_language_model_that_learns():
    model = model_of({"text_dropout": 0.5}, frozen_dropout="off").train()
    assert not torch.equal(model.read(REPORTS).last, model.read(REPORTS).last)
    assert torch.equal(model.eval().read(REPORTS).last, model.read(REPORTS).last)


@torch.no_grad()
def test_orthogonality_is_of_the_pooled_features_before_their_head():
    model = model_of().eval()
    losses = model.pretraining_loss(batch(), torch.Generator())
    pooled = model.patch_features(batch().images, projected=False).mean(dim=1)
    assert float(losses["orthogonality"]) == pytest.approx(
        float(orthogonality_loss(pooled)), rel=1e-5
    )
    aligned = alignment_loss(model.image_embedding(batch().images), model.text_embedding(REPORTS))
    assert float(losses["alignment"]) == pytest.approx(float(aligned), rel=1e-4)
    total = losses["alignment"] + losses["orthogonality"]
    assert float(losses["total"]) == pytest.approx(float(total), rel=1e-6)


@torch.no_grad()
def test_what_the_options_change():
    images = batch()

    def losses(**options):
        return model_of(**options).eval().pretraining_loss(images, torch.Generator())

    plain, once = losses(), losses(alignment="once")
    assert float(once["alignment"]) == pytest.approx(float(plain["alignment"]) / 2, rel=1e-6)
    assert losses(off_diagonal=1.0)["orthogonality"] > plain["orthogonality"]
    assert losses(nominal_batch=3)["orthogonality"] == plain["orthogonality"]
    assert losses(nominal_batch=6)["orthogonality"] != plain["orthogonality"]
    for wrong in ({"alignment": "twice"}, {"frozen_dropout": "on"}, {"nominal_batch": -1}):
        with pytest.raises(UsageError):
            model_of(**wrong)


def test_pairs_that_do_not_fit_are_refused():
    with pytest.raises(BadDataError, match="3 images meet 2 texts"):
        model_of().pretraining_loss(PretrainBatch(batch().images, REPORTS[:2]), torch.Generator())


def test_patches_have_no_place_beside_texts():
    assert "grounding" not in BASELINE.capabilities
    assert BASELINE.no_capability_reason
    model = model_of().eval()
    with torch.no_grad():
        patches = model.patch_features(batch().images, projected=True)
        assert patches.shape[2] == model.feature_dim != model.text_embedding(REPORTS).shape[1]
