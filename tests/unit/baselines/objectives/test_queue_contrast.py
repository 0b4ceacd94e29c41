"""Contrast against a queue: loops in numpy, gradient, mixing."""

import math

import numpy as np
import torch

from baselines.objectives.queue_contrast import (
    EPSILON,
    mixed,
    mixing,
    noise_contrast,
    queue_logits,
    softmax_contrast,
)


def drawn(seed=0):
    source = torch.Generator().manual_seed(seed)
    student, teacher = (torch.randn(3, 6, generator=source) for _ in range(2))
    queue = torch.nn.functional.normalize(torch.randn(7, 6, generator=source))
    return student, teacher, queue


def cosines(student, teacher, queue):
    rows = []
    for one, other in zip(student.numpy().astype(float), teacher.numpy().astype(float)):
        one, other = one / np.linalg.norm(one), other / np.linalg.norm(other)
        rows.append([one @ other, *(one @ entry for entry in queue.numpy().astype(float))])
    return np.array(rows)


def test_logits_and_softmax_loss():
    student, teacher, queue = drawn()
    expected = cosines(student, teacher, queue) / 0.07
    logits = queue_logits(student, teacher, queue, 0.07)
    np.testing.assert_allclose(logits.numpy(), expected, rtol=1e-4, atol=1e-4)
    loss = np.mean([-math.log(math.exp(row[0]) / np.exp(row).sum()) for row in expected])
    np.testing.assert_allclose(softmax_contrast(logits).item(), loss, rtol=1e-4)


def test_noise_contrast_with_the_number_of_images_written_out():
    student, teacher, queue = drawn()
    images, negatives = 1000, 7
    logits = cosines(student, teacher, queue) / 0.5
    mean = np.exp(logits).mean()
    total = 0.0
    for row in logits:
        # The definition: P = exp / Z, Z = mean x images, noise 1 / images.
        for index, value in enumerate(row):
            pair = math.exp(value) / (mean * images)
            noise = negatives / images
            total -= math.log((pair if index == 0 else noise) / (pair + noise + EPSILON))
    found = noise_contrast(torch.tensor(logits), torch.tensor(mean))
    np.testing.assert_allclose(found.item(), total / len(logits), rtol=1e-3)


def test_gradient_reaches_the_student_alone():
    student, teacher, queue = (part.requires_grad_() for part in drawn())
    softmax_contrast(queue_logits(student, teacher, queue, 0.07)).backward()
    assert student.grad.abs().sum() > 0
    assert teacher.grad is None
    assert queue.grad is None


def test_mixing_is_one_share_of_at_least_half_for_the_batch():
    shares = set()
    for seed in range(50):
        order, share = mixing(6, torch.Generator().manual_seed(seed))
        assert sorted(order.tolist()) == list(range(6))
        assert 0.5 <= share <= 1
        shares.add(round(share.item(), 3))
    assert len(shares) > 30
    values = torch.arange(6.0)[:, None]
    blended = mixed(values, order, share)
    for row in range(6):
        expected = share * row + (1 - share) * order[row]
        assert torch.isclose(blended[row, 0], expected)
