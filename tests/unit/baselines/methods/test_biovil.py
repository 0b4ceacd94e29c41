"""BioViL: raw pixels, mean of projected patches, prompts, masked language beside the contrast."""

from __future__ import annotations

import pytest
import torch

from baselines.biovil import BASELINE, build
from baselines.objectives.contrast import cosine_logits, info_nce
from benchmark.errors import UsageError
from benchmark.interfaces import BuildContext, PretrainBatch

REPORTS = ("no effusion is seen", "small nodule. mild edema", "cardiomegaly")


def model_of(**options):
    context = BuildContext(
        BASELINE.sizes["toy"], {**BASELINE.options, **options}, 32, reports=lambda: REPORTS
    )
    return build(context)


def batch():
    images = torch.randn(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    return PretrainBatch(images, REPORTS)


def losses_of(model, seed=0):
    return model.pretraining_loss(batch(), torch.Generator().manual_seed(seed))


def test_pixels_are_not_standardised_and_the_title_says_what_this_is():
    assert (BASELINE.image_profile.mean, BASELINE.image_profile.std) == (0.0, 1.0)
    assert "re-implementation, recipe not public" in BASELINE.title
    assert BASELINE.pretraining.flip_probability == 0


def test_heads_have_the_names_of_the_official_files():
    names = set(model_of().state_dict())
    assert {f"projector.model.{part}" for part in ("0.weight", "1.running_mean", "3.bias")} <= names
    for part in ("dense_to_hidden", "LayerNorm", "dense_to_output"):
        assert f"cls_projection_head.{part}.weight" in names


@torch.no_grad()
def test_the_image_vector_is_the_mean_of_projected_patches_not_the_projected_mean():
    model = model_of().train()
    model.projector(model.last_map(batch().images))
    model.eval()
    images = batch().images
    patches = model.patch_features(images, projected=True)
    assert torch.allclose(model.image_embedding(images), patches.mean(dim=1))
    pooled = model.last_map(images).mean(dim=(2, 3), keepdim=True)
    assert not torch.allclose(model.projector(pooled)[:, :, 0, 0], patches.mean(dim=1), atol=1e-4)


@torch.no_grad()
def test_patches_are_those_of_the_map_in_row_major_order():
    model = model_of().eval()
    images = batch().images
    maps = model.projector(model.last_map(images))
    patches = model.patch_features(images, projected=True)
    assert torch.allclose(patches[1, 6], maps[1, :, 1, 2])


@torch.no_grad()
def test_prompts_are_read_without_their_stops():
    model, plain = model_of().eval(), model_of(strip_prompts=False).eval()
    first, second = model.text_embedding(["small nodule.", "small nodule"])
    assert torch.allclose(first, second, atol=1e-6)
    first, second = plain.text_embedding(["small nodule.", "small nodule"])
    assert not torch.allclose(first, second, atol=1e-4)


@torch.no_grad()
def test_the_contrast_reads_whole_texts_at_a_fixed_temperature():
    model = model_of(strip_prompts=False).eval()
    assert model.temperature() == pytest.approx(2.0)
    images, texts = model.image_embedding(batch().images), model.text_embedding(REPORTS)
    losses = losses_of(model)
    expected = info_nce(cosine_logits(images, texts, 2.0))
    assert float(losses["contrastive"]) == pytest.approx(float(expected), rel=1e-5)
    total = losses["contrastive"] + 0.1 * losses["language"]
    assert float(losses["total"]) == pytest.approx(float(total), rel=1e-6)


@torch.no_grad()
def test_hidden_words_come_from_the_generator_alone():
    model = model_of().eval()
    first, again, other = losses_of(model), losses_of(model), losses_of(model, 1)
    assert torch.equal(first["language"], again["language"])
    assert not torch.equal(first["language"], other["language"])
    assert torch.equal(first["contrastive"], other["contrastive"])


def test_what_the_options_change():
    alone = model_of(language_weight=0.0)
    assert set(losses_of(alone)) == {"total", "contrastive"}
    assert not hasattr(alone, "language_head")
    assert model_of(temperature=0.1).temperature() == pytest.approx(10.0)
    for wrong in ({"temperature": 0.0}, {"language_weight": -1.0}):
        with pytest.raises(UsageError):
            model_of(**wrong)


def test_without_gather_the_loss_asks_no_other_process(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "baselines.objectives.clip.gathered", lambda part: asked.append(len(part)) or part
    )
    losses_of(model_of(gather=False))
    assert asked == []
    losses_of(model_of())
    assert asked == [3, 3]


@torch.no_grad()
def test_batch_norm_of_the_projector_stands_still_in_eval_mode():
    model = model_of().eval()
    images = batch().images
    before = model.projector.model[1].running_mean.clone()
    alone = model.patch_features(images[:1], projected=True)
    assert torch.allclose(alone, model.patch_features(images, projected=True)[:1], atol=1e-5)
    assert torch.equal(before, model.projector.model[1].running_mean)
