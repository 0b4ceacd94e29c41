"""What a zero-shot score comes from: with images and reports shuffled, it is gone.

A two-class micro phantom: a bright disc or none, at a place that varies, with noise, and reports
in several wordings. Every method that claims zero-shot is trained on true pairs and scored on
images and prompts that it has not seen; one method a family is trained for equally many steps on
shuffled pairs, too. The two classes are easily told apart, so without a relation to learn a single
run may point to either of them with confidence: chance is the mean over several seeds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.nn import functional

from benchmark import registry
from benchmark.interfaces import BuildContext, PretrainBatch, Representation

if TYPE_CHECKING:
    from collections.abc import Iterator

SIDE, BATCH, STEPS, RATE = 32, 24, 300, 1e-3
PRESENT = (
    "There is a large consolidation. The heart is normal.",
    "Dense consolidation is seen. Heart size is normal.",
    "New consolidation. Normal heart.",
)
ABSENT = (
    "There is no consolidation. The heart is normal.",
    "No consolidation is seen. Heart size is normal.",
    "Without consolidation. Normal heart.",
)
PROMPTS = ("consolidation is seen.", "no consolidation.")
SEEDS = range(7)
FAMILIES = ("maco", "convirt", "gloria", "chexzero", "mgca", "g2d", "mflag", "medklip")
METHODS = [
    name
    for name in registry.method_names()
    if "zero_shot" in (spec := registry.load_baseline(name)).capabilities
    and spec.pretraining is not None
    and spec.pretraining.epochs > 0
]


def draw(count: int, side: int, generator: np.random.Generator) -> tuple[torch.Tensor, np.ndarray]:
    """Images (count, 1, side, side) around 0, and which of them hold a disc."""
    truth = generator.integers(0, 2, count)
    centres = generator.uniform(0.3, 0.7, (count, 2)) * side
    rows, columns = np.mgrid[:side, :side]
    distance = np.hypot(rows - centres[:, :1, None], columns - centres[:, 1:, None])
    disc = (distance < 0.2 * side) * truth[:, None, None]
    images = 1.5 * disc + 0.5 * generator.standard_normal((count, side, side))
    return torch.from_numpy(images).float()[:, None], truth


def texts_of(truth: np.ndarray, generator: np.random.Generator) -> list[str]:
    wordings = generator.integers(0, len(PRESENT), len(truth))
    return [(PRESENT if has else ABSENT)[form] for has, form in zip(truth, wordings, strict=True)]


def build(name: str, seed: int) -> Representation:
    spec = registry.load_baseline(name)
    context = BuildContext(
        size=spec.sizes["toy"],
        options=spec.options,
        image_size=SIDE,
        seed=seed,
        reports=lambda: (*PRESENT, *ABSENT) * 20,
    )
    return registry.baseline_module(name).build(context)


def trained(name: str, shuffled: bool, seed: int = 0) -> Representation:
    spec = registry.load_baseline(name)
    model = build(name, seed).train()
    generator = np.random.default_rng(seed)
    side = model.pretraining_image_size
    optimizer = torch.optim.AdamW(
        [item for item in model.parameters() if item.requires_grad], lr=RATE
    )
    two = spec.pretraining.image_views == 2
    for step in range(STEPS):
        images, truth = draw(BATCH, side, generator)
        texts = texts_of(generator.permutation(truth) if shuffled else truth, generator)
        second = images + 0.2 * torch.from_numpy(generator.standard_normal(images.shape)).float()
        batch = PretrainBatch(images, texts, second if two else None)
        loss = model.pretraining_loss(batch, torch.Generator().manual_seed(step))["total"]
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval()


def zero_shot_auc(model: Representation) -> float:
    images, truth = draw(300, SIDE, np.random.default_rng(77))
    with torch.inference_mode():
        if hasattr(model, "text_similarities"):
            scores = model.text_similarities(images, PROMPTS)
        else:
            vectors = functional.normalize(model.image_embedding(images), dim=1)
            scores = vectors @ functional.normalize(model.text_embedding(PROMPTS), dim=1).T
    return float(roc_auc_score(truth, (scores[:, 0] - scores[:, 1]).numpy()))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.full
@pytest.mark.parametrize("name", METHODS)
def test_true_pairs_are_learned(name: str) -> None:
    assert zero_shot_auc(trained(name, shuffled=False)) >= 0.8


@pytest.mark.full
@pytest.mark.parametrize("name", FAMILIES)
def test_shuffled_pairs_bring_zero_shot_to_chance(name: str) -> None:
    found = [zero_shot_auc(trained(name, shuffled=True, seed=seed)) for seed in SEEDS]
    # Were all runs to point the same way, as the true pairs make them, the mean would be near 1.
    assert 0.15 < float(np.mean(found)) < 0.85
