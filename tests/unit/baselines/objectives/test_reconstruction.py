"""Masked reconstruction against loops over patches and pixels."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.objectives.reconstruction import (
    masked_patch_loss,
    patchify,
    reduced,
    standardised,
    unpatchify,
)


def test_patches_are_row_major_and_hold_row_column_channel():
    images = torch.arange(2 * 3 * 4 * 6, dtype=torch.float32).reshape(2, 3, 4, 6)
    patches = patchify(images, 2)
    assert patches.shape == (2, 6, 12)
    for item in range(2):
        for cell in range(6):
            top, left = 2 * (cell // 3), 2 * (cell % 3)
            expected = [
                float(images[item, channel, top + row, left + column])
                for row in range(2)
                for column in range(2)
                for channel in range(3)
            ]
            assert patches[item, cell].tolist() == expected


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.integers(1, 3))
def test_unpatchify_inverts_patchify(rows, columns, patch, channels):
    images = torch.rand(2, channels, rows * patch, columns * patch)
    assert torch.equal(unpatchify(patchify(images, patch), (rows, columns), patch), images)


def test_loss_counts_removed_patches_only():
    generator = torch.Generator().manual_seed(1)
    predictions, targets = torch.randn(2, 2, 5, 3, generator=generator)
    mask = torch.tensor([[1, 0, 0, 1, 1], [0, 1, 0, 0, 0]], dtype=torch.float32)
    errors = [
        sum((float(predictions[b, n, p]) - float(targets[b, n, p])) ** 2 for p in range(3)) / 3
        for b in range(2)
        for n in range(5)
        if mask[b, n] == 1
    ]
    loss = masked_patch_loss(predictions, targets, mask)
    assert float(loss) == pytest.approx(sum(errors) / 4, rel=1e-5)
    changed = predictions + 100 * (1 - mask)[:, :, None]
    assert torch.equal(masked_patch_loss(changed, targets, mask), loss)
    assert float(masked_patch_loss(predictions, targets, torch.zeros(2, 5))) == 0.0


def test_standardised_uses_the_unbiased_variance():
    patch = torch.tensor([[[1.0, 2.0, 4.0]]])
    mean, variance = 7 / 3, ((4 / 3) ** 2 + (1 / 3) ** 2 + (5 / 3) ** 2) / 2
    expected = [(value - mean) / (variance + 1e-6) ** 0.5 for value in (1.0, 2.0, 4.0)]
    assert standardised(patch).flatten().tolist() == pytest.approx(expected, rel=1e-5)


def test_antialias_changes_the_reduction_and_equal_size_changes_nothing():
    images = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert reduced(images, 32, True) is images
    smooth, rough = reduced(images, 16, True), reduced(images, 16, False)
    assert smooth.shape == rough.shape == (1, 1, 16, 16)
    assert smooth.var() < rough.var()
