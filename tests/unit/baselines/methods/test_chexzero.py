"""CheXzero as trained here: CLS, the impression, a constant rate, patches through CLS's map."""

from __future__ import annotations

import math

import pytest
import torch

from baselines.chexzero import BASELINE, build
from baselines.objectives.contrast import cosine_logits, info_nce
from benchmark.errors import UsageError
from benchmark.interfaces import BuildContext, PretrainBatch
from benchmark.training.schedules import WarmupCosine

REPORTS = ("no effusion is seen", "small nodule. mild edema", "cardiomegaly")


def model_of(**options):
    context = BuildContext(
        BASELINE.sizes["toy"], {**BASELINE.options, **options}, 32, reports=lambda: REPORTS
    )
    return build(context)


def batch():
    images = torch.randn(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    return PretrainBatch(images, REPORTS)


@torch.no_grad()
def test_the_image_vector_is_the_projected_cls_token():
    model = model_of().eval()
    images = batch().images
    tokens = model.tokens(images)
    assert torch.allclose(model.pooled_features(images), tokens[:, 0])
    assert torch.allclose(model.image_embedding(images), model.image_projection(tokens[:, 0]))
    patches = model.patch_features(images, projected=True)
    assert torch.allclose(patches, model.image_projection(tokens[:, 1:]))
    assert not torch.allclose(patches.mean(dim=1), model.image_embedding(images), atol=1e-4)


@torch.no_grad()
def test_the_loss_is_that_of_the_embeddings_it_gives():
    model = model_of().eval()
    images, texts = model.image_embedding(batch().images), model.text_embedding(REPORTS)
    expected = info_nce(cosine_logits(images, texts, 1 / 0.07))
    found = model.pretraining_loss(batch(), torch.Generator())["total"]
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_the_scale_is_a_learned_logarithm_without_an_upper_end():
    model = model_of()
    assert float(model.scale.value.detach()) == pytest.approx(math.log(1 / 0.07))
    assert model_of(temperature=0.001).temperature() == pytest.approx(1000.0)
    assert model_of(temperature=0.001, scale_limit=100).temperature() == pytest.approx(100.0)
    model.pretraining_loss(batch(), torch.Generator())["total"].backward()
    assert float(model.scale.value.grad) != 0
    with pytest.raises(UsageError):
        model_of(temperature=0)


def test_the_recipe_reads_impressions_and_augments_nothing():
    recipe = BASELINE.pretraining
    assert recipe.text_sections == ("impression",)
    assert not recipe.sentence_sampling
    assert (recipe.batch_size, recipe.contrastive_batch, recipe.epochs) == (16, 16, 4)
    assert (recipe.flip_probability, recipe.rotation_degrees, recipe.scale) == (0, 0, (1, 1))
    rate = WarmupCosine(recipe.learning_rate, 9, 0, recipe.final_learning_rate)
    assert [rate(step) for step in range(9)] == [1e-4] * 9


def test_mean_and_deviation_are_the_official_ones_for_grey_values_to_255():
    profile = BASELINE.image_profile
    assert profile.mean * 255 == pytest.approx(101.48761)
    assert profile.std * 255 == pytest.approx(83.43944)


def test_without_gather_the_loss_asks_no_other_process(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "baselines.objectives.clip.gathered", lambda part: asked.append(len(part)) or part
    )
    model_of(gather=False).pretraining_loss(batch(), torch.Generator())
    assert asked == []
    model_of().pretraining_loss(batch(), torch.Generator())
    assert asked == [3, 3]
