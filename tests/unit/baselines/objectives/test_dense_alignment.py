"""G2D's losses against loops in plain Python."""

import math

import pytest
import torch

from baselines.objectives.dense_alignment import (
    dense_loss,
    dice_loss,
    global_loss,
    of_other_images,
    restoration_loss,
)
from benchmark.errors import UsageError


@pytest.fixture
def drawn():
    generator = torch.Generator().manual_seed(2)
    logits = 2 * torch.randn(3, 2, 4, 5, generator=generator)
    return logits, (torch.rand(3, 2, 4, 5, generator=generator) > 0.6).float()


def loop_dice(values, targets):
    total = 0.0
    for image, target in zip(values.flatten(0, 1).tolist(), targets.flatten(0, 1).tolist()):
        pairs = [(v, t) for row, other in zip(image, target) for v, t in zip(row, other)]
        common = sum(v * t for v, t in pairs)
        sizes = sum(v for v, _ in pairs) + sum(t for _, t in pairs)
        total += 1 - (2 * common + 1e-5) / (sizes + 1e-5)
    return total / len(values.flatten(0, 1))


def loop_entropy(logits, targets):
    terms = []
    for logit, target in zip(logits.flatten().tolist(), targets.flatten().tolist()):
        probability = 1 / (1 + math.exp(-logit))
        terms.append(-target * math.log(probability) - (1 - target) * math.log(1 - probability))
    return sum(terms) / len(terms)


def test_dense_losses_as_by_loops(drawn):
    logits, targets = drawn
    on_logits, entropy = loop_dice(logits, targets), loop_entropy(logits, targets)
    on_probabilities = loop_dice(logits.sigmoid(), targets)
    assert float(dice_loss(logits, targets)) == pytest.approx(on_logits, rel=1e-4)
    expected = {
        "paper": (on_probabilities + entropy) / 2,
        "official": on_logits + 0.2 * entropy,
        "official_probabilities": on_probabilities + 0.2 * entropy,
    }
    for form, value in expected.items():
        assert float(dense_loss(logits, targets, form)) == pytest.approx(value, rel=1e-4)
    with pytest.raises(UsageError, match="dense_loss"):
        dense_loss(logits, targets, "other")


def test_dice_on_logits_leaves_its_range_and_on_probabilities_does_not(drawn):
    targets = drawn[1]
    wrong = torch.where(targets > 0, -3.0, 1.0)
    assert dice_loss(wrong, targets) > 1 or dice_loss(wrong, targets) < 0
    assert 0 <= dice_loss(wrong.sigmoid(), targets) <= 1


def test_the_right_mask_scores_best_and_an_empty_target_is_finite(drawn):
    targets = drawn[1]
    right, wrong = 12 * (2 * targets - 1), -12 * (2 * targets - 1)
    assert dense_loss(right, targets) < 1e-3 < dense_loss(wrong, targets)
    empty = torch.zeros_like(targets)
    for form in ("paper", "official", "official_probabilities"):
        logits = drawn[0].clone().requires_grad_(True)
        loss = dense_loss(logits, empty, form)
        loss.backward()
        assert torch.isfinite(loss) and torch.isfinite(logits.grad).all()


def test_soft_targets_are_learnt_as_they_are():
    target = torch.tensor([0.2, 0.9]).view(1, 1, 1, 2)
    logits = torch.zeros(1, 1, 1, 2, requires_grad=True)
    dense_loss(logits, target).backward()
    assert logits.grad[..., 0] > 0 > logits.grad[..., 1]


def test_restoration_is_the_mean_squared_error():
    drawn, images = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 4.0]])
    assert float(restoration_loss(drawn, images)) == pytest.approx(2.5)


@pytest.mark.parametrize("count", [2, 3, 8])
def test_no_image_keeps_its_own_mask(count):
    targets = torch.arange(count).float().view(count, 1, 1, 1)
    seen = set()
    for seed in range(6):
        found = of_other_images(targets, torch.Generator().manual_seed(seed)).flatten()
        assert sorted(found.tolist()) == list(range(count))
        assert (found != targets.flatten()).all()
        seen.add(tuple(found.tolist()))
    assert len(seen) > 1 or count == 2
    again = of_other_images(targets, torch.Generator().manual_seed(5)).flatten()
    assert torch.equal(found, again)


def test_one_image_alone_keeps_its_mask():
    target = torch.ones(1, 1, 2, 2)
    assert torch.equal(of_other_images(target, torch.Generator().manual_seed(0)), target)


def test_global_loss_as_by_loops():
    generator = torch.Generator().manual_seed(0)
    images, texts = (torch.randn(4, 6, generator=generator) for _ in range(2))

    def cosine(first, second):
        dot = sum(a * b for a, b in zip(first, second))
        return dot / math.sqrt(sum(a * a for a in first) * sum(b * b for b in second))

    def direction(anchors, others):
        total = 0.0
        for row, anchor in enumerate(anchors.tolist()):
            scores = [cosine(anchor, other) / 0.07 for other in others.tolist()]
            total += math.log(sum(math.exp(score) for score in scores)) - scores[row]
        return total / len(anchors)

    one, other = direction(images, texts), direction(texts, images)
    assert float(global_loss(images, texts, 0.07)) == pytest.approx(one, rel=1e-4)
    both = float(global_loss(images, texts, 0.07, "both"))
    assert both == pytest.approx(one + other, rel=1e-4)
    with pytest.raises(UsageError, match="contrast"):
        global_loss(images, texts, 0.07, "mean")
