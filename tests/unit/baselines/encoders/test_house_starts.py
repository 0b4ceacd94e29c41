"""The house starts of the image encoders: what learns, what passes through."""

import importlib

import pytest
import torch

from benchmark import registry
from benchmark.interfaces import BuildContext, PretrainBatch

REPORTS = ("no effusion is seen", "small nodule. mild edema", "cardiomegaly", "lungs are clear")
STARTS = ("house_vit", "house_resnet")


def build(name, size="toy", seed=0):
    spec = registry.load_baseline(name)
    context = BuildContext(spec.sizes[size], spec.options, 32, seed, reports=lambda: REPORTS)
    return importlib.import_module(f"baselines.{spec.base}").build(context)


def batch_of(model, seed=0):
    side = model.pretraining_image_size
    generator = torch.Generator().manual_seed(seed)
    return PretrainBatch(torch.randn(4, 1, side, side, generator=generator), REPORTS)


@pytest.mark.parametrize("name", STARTS)
def test_the_text_tower_passes_through(name):
    model = build(name).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    learned = [item for item in model.parameters() if item.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=1e-2)
    batch = batch_of(model)
    for step in range(3):
        loss = model.pretraining_loss(batch, torch.Generator().manual_seed(step))["total"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    texts = {key for key in before if key.startswith("bert_encoder.")}
    assert texts
    after = model.state_dict()
    moved = {key for key in before if not torch.equal(before[key], after[key])}
    assert not texts & moved
    assert any(key.startswith(("blocks.", "backbone.layer4")) for key in moved)


@pytest.mark.parametrize("name", STARTS)
def test_the_texts_do_not_matter(name):
    model = build(name).eval()
    batch = batch_of(model)
    other = PretrainBatch(batch.images, REPORTS[::-1])
    losses = [
        model.pretraining_loss(item, torch.Generator().manual_seed(1))["total"]
        for item in (batch, other)
    ]
    assert torch.equal(*losses)


def test_the_resnet_sees_no_pixel_that_it_restores():
    model = build("house_resnet").eval()
    batch = batch_of(model)
    images = batch.images.clone().requires_grad_(True)
    seen = []
    hook = model.backbone.forward_features

    def features(given):
        seen.append(given.detach().clone())
        return hook(given)

    model.backbone.forward_features = features
    model.pretraining_loss(PretrainBatch(images, REPORTS), torch.Generator().manual_seed(2))
    cells = (seen[0] == 0).view(4, 1, *[part for side in model.grid for part in (side, model.cell)])
    blank = cells.all(dim=5).all(dim=3)
    assert blank.float().mean() == pytest.approx(0.5)
    kept = ~blank.repeat_interleave(model.cell, 2).repeat_interleave(model.cell, 3)
    assert torch.equal(seen[0][kept], images[kept])


def test_every_house_start_fits_the_methods_that_name_it():
    """Names and shapes are what is taken: all of the encoder and the text tower must be."""
    for name in registry.method_names():
        spec = registry.load_baseline(name)
        if not spec.house or not spec.uses_text:
            continue
        start, method = (build(item, size="demo").state_dict() for item in (spec.house, name))
        parts = ("bert_encoder.model.bert.encoder.", "bert_encoder.model.bert.embeddings.")
        parts += ("backbone.",) if spec.house == "house_resnet" else ("blocks.", "patch_embed.")
        wanted = {key: value.shape for key, value in method.items() if key.startswith(parts)}
        fitting = {key for key in wanted if key in start and start[key].shape == wanted[key]}
        assert wanted
        missing = sorted(set(wanted) - fitting)
        assert not [key for key in missing if not key.endswith("position_ids")], name
