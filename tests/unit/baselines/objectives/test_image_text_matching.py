from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.objectives.image_text_matching import matching_loss, swapped_images


@pytest.mark.parametrize("count", [2, 3, 7, 16])
def test_half_of_the_images_are_swapped_and_none_for_itself(count: int) -> None:
    for seed in range(60):
        partner, matched = swapped_images(count, torch.Generator().manual_seed(seed))
        assert int(matched.sum()) == count // 2
        own = torch.arange(count)
        assert torch.equal(partner == own, matched == 1)
        assert int(partner.min()) >= 0
        assert int(partner.max()) < count


def test_each_false_image_is_equally_likely() -> None:
    counts = np.zeros((4, 4))
    for seed in range(3000):
        partner, _ = swapped_images(4, torch.Generator().manual_seed(seed))
        counts[np.arange(4), partner.numpy()] += 1
    shares = counts / 3000
    assert np.abs(np.diag(shares) - 0.5).max() < 0.05
    assert np.abs(shares[~np.eye(4, dtype=bool)] - 1 / 6).max() < 0.04


def test_a_single_pair_stays_matched() -> None:
    partner, matched = swapped_images(1, torch.Generator().manual_seed(0))
    assert partner.tolist() == [0]
    assert matched.tolist() == [1]


def test_the_loss_is_the_mean_cross_entropy() -> None:
    scores = torch.tensor([[0.5, -1.0], [2.0, 0.25], [-0.3, 0.3]])
    labels = torch.tensor([1, 0, 1])
    expected = []
    for row, label in zip(scores.double().numpy(), labels.tolist()):
        expected.append(np.log(np.exp(row).sum()) - row[label])
    assert abs(float(matching_loss(scores, labels)) - np.mean(expected)) < 1e-6
    halves = matching_loss(scores.bfloat16(), labels)
    assert halves.dtype == torch.float32
