"""Every baseline that is pre-trained here behaves as the engine expects.

Runs over whatever files stand in `baselines/`, at the toy size.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmark import registry
from benchmark.errors import NotApplicable
from benchmark.interfaces import BuildContext, PretrainBatch, Representation
from benchmark.specs import BaselineSpec

METHODS = [
    name for name in registry.baseline_names() if registry.load_baseline(name).kind == "method"
]
LEARNING = [
    name
    for name in METHODS
    if (recipe := registry.load_baseline(name).pretraining) is not None and recipe.epochs > 0
]
UNTRAINED = sorted(set(METHODS) - set(LEARNING))
IMAGE_SIZE = 32

# Parameters that a pre-training step leaves without gradient, and why.
WITHOUT_GRADIENT = {
    "pos_embed": "fixed sine-cosine table",
    "decoder_pos_embed": "fixed sine-cosine table",
}
REPORTS = (
    "The heart is enlarged. Small left effusion.",
    "Lungs are clear. No pneumothorax is seen.",
    "Right upper lobe consolidation.",
    "Mild edema. Unchanged devices.",
)


def build(name: str, seed: int = 0) -> Representation:
    spec = registry.load_baseline(name)
    context = BuildContext(
        size=spec.sizes["toy"],
        options=spec.options,
        image_size=IMAGE_SIZE,
        seed=seed,
        reports=lambda: REPORTS * 20,
    )
    return registry.baseline_module(name).build(context)


def batch_for(model: Representation, spec: BaselineSpec, pairs: int = 4) -> PretrainBatch:
    side = model.pretraining_image_size
    images = torch.randn(pairs, 1, side, side, generator=torch.Generator().manual_seed(3))
    views = spec.pretraining.image_views if spec.pretraining else 1
    return PretrainBatch(
        images=images,
        texts=REPORTS[:pairs] if spec.uses_text else (),
        second_images=images.flip(3) if views == 2 else None,
    )


@pytest.mark.parametrize("name", LEARNING)
def test_twenty_steps_on_a_fixed_batch_lower_the_loss(name: str) -> None:
    spec = registry.load_baseline(name)
    model = build(name).train()
    batch = batch_for(model, spec)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    losses = []
    # A queue of earlier batches would fill with this one, and its negatives with the positives.
    queued = {key: model.get_buffer(key) for key in getattr(model, "earlier_batches", ())}
    before = {key: value.clone() for key, value in queued.items()}
    for _ in range(20):
        for key, value in queued.items():
            value.copy_(before[key])
        loss = model.pretraining_loss(batch, torch.Generator().manual_seed(11))["total"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", LEARNING)
def test_gradients_reach_every_parameter_that_should_learn(name: str) -> None:
    spec = registry.load_baseline(name)
    model = build(name).train()
    losses = model.pretraining_loss(batch_for(model, spec), torch.Generator().manual_seed(5))
    losses["total"].backward()
    allowed = set(WITHOUT_GRADIENT) | set(getattr(model, "without_gradient", ()))
    silent = [
        key
        for key, parameter in model.named_parameters()
        if parameter.requires_grad
        and parameter.grad is None
        and not any(key == item or key.startswith(item + ".") for item in allowed)
    ]
    assert not silent


@pytest.mark.parametrize("name", UNTRAINED)
def test_a_method_that_is_not_pretrained_has_an_objective_or_says_that_it_has_none(
    name: str,
) -> None:
    spec = registry.load_baseline(name)
    model = build(name).train()
    batch, generator = batch_for(model, spec), torch.Generator().manual_seed(5)
    try:
        losses = model.pretraining_loss(batch, generator)
    except NotApplicable as error:
        assert "objective" in str(error)
        return
    losses["total"].backward()
    assert torch.isfinite(losses["total"])


@pytest.mark.parametrize("name", METHODS)
def test_same_seed_same_weights_and_global_state_is_left_alone(name: str) -> None:
    torch.manual_seed(99)
    before = torch.random.get_rng_state()
    first, again, other = build(name, 1), build(name, 1), build(name, 2)
    assert torch.equal(before, torch.random.get_rng_state())
    states = [model.state_dict() for model in (first, again, other)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert any(not torch.equal(states[0][key], states[2][key]) for key in states[0])


@pytest.mark.parametrize("name", METHODS)
def test_features_do_not_depend_on_batch_mates(name: str) -> None:
    model = build(name).eval()
    images = torch.randn(5, 1, IMAGE_SIZE, IMAGE_SIZE, generator=torch.Generator().manual_seed(0))
    trunk = model.classification_trunk(0.1).eval()
    with torch.inference_mode():
        together = model.image_embedding(images)
        alone = torch.cat([model.image_embedding(image[None]) for image in images])
        assert torch.allclose(together, alone, atol=1e-5)
        pooled = trunk(images)
        assert pooled.shape == (5, model.feature_dim)
        assert torch.allclose(pooled[2:3], trunk(images[2:3]), atol=1e-5)
        patches = model.patch_features(images, True)
    assert patches.shape[:2] == (5, model.grid[0] * model.grid[1])


@pytest.mark.parametrize("name", METHODS)
def test_other_image_sizes_are_encoded_and_leave_the_model_as_it_is(name: str) -> None:
    model = build(name).eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    trunk = model.classification_trunk(0.0).eval()
    for side in (IMAGE_SIZE * 3 // 2, IMAGE_SIZE * 2):
        images = torch.randn(2, 1, side, side, generator=torch.Generator().manual_seed(side))
        with torch.inference_mode():
            patches = model.patch_features(images, projected=False)
            pooled = trunk(images)
        assert patches.shape[1] == (side * model.grid[0] // IMAGE_SIZE) ** 2
        assert pooled.shape == (2, model.feature_dim)
        assert torch.isfinite(patches).all()
        assert torch.isfinite(pooled).all()
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


@pytest.mark.parametrize("name", METHODS)
def test_training_a_trunk_leaves_the_model_as_it_is(name: str) -> None:
    model = build(name).eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    trunk = model.classification_trunk(0.1).train()
    optimizer = torch.optim.SGD(trunk.parameters(), lr=0.1)
    images = torch.randn(4, 1, IMAGE_SIZE, IMAGE_SIZE, generator=torch.Generator().manual_seed(2))
    trunk(images).square().sum().backward()
    optimizer.step()
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("name", METHODS)
def test_save_and_load_give_the_same_features(name: str) -> None:
    spec = registry.load_baseline(name)
    model = build(name, 1).eval()
    context = BuildContext(
        size=spec.sizes["toy"],
        options=spec.options,
        image_size=IMAGE_SIZE,
        seed=2,
        tokenizer_json=model.tokenizer_json,
        reports=None,
    )
    loaded = registry.baseline_module(name).build(context).eval()
    loaded.load_state_dict(model.state_dict(), strict=True)
    images = torch.randn(2, 1, IMAGE_SIZE, IMAGE_SIZE, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert torch.equal(model.image_embedding(images), loaded.image_embedding(images))
        if "zero_shot" in spec.capabilities:
            texts = ["There is effusion. ", "the lung is clear."]
            assert torch.equal(model.text_embedding(texts), loaded.text_embedding(texts))


@pytest.mark.parametrize("name", METHODS)
def test_text_and_image_share_a_space_where_zero_shot_is_declared(name: str) -> None:
    spec = registry.load_baseline(name)
    if "zero_shot" not in spec.capabilities:
        assert spec.no_capability_reason, "a baseline without zero-shot says why"
        return
    model = build(name).eval()
    images = torch.zeros(2, 1, IMAGE_SIZE, IMAGE_SIZE)
    with torch.inference_mode():
        width = model.image_embedding(images).shape[1]
        texts = model.text_embedding(["There is edema. ", "no hernia. ", "x"])
    assert texts.shape == (3, width)
    assert np.isfinite(texts.numpy()).all()
