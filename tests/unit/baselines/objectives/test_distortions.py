"""Distortions against loops, and what each of them must keep."""

import numpy as np
import pytest
import torch

from baselines.objectives import distortions
from baselines.objectives.distortions import (
    CANDIDATES,
    CURVE_POINTS,
    GenesisRates,
    bent_intensities,
    genesis,
    holes,
    painted,
    rectangles,
    shuffled_pixels,
    swapped_patches,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(count=4, height=40, width=40, seed=1):
    return torch.randn(count, 1, height, width, generator=generator(seed))


def swapped_by_loops(pictures, seed, swaps, side):
    found = pictures.numpy().copy()
    height, width = found.shape[-2:]
    source = generator(seed)
    for _ in range(swaps):
        draws = torch.rand(2, len(found), 1 + CANDIDATES, generator=source).numpy()
        for row, picture in enumerate(found[:, 0]):
            tops = (draws[0, row] * (height - side + 1)).astype(int)
            lefts = (draws[1, row] * (width - side + 1)).astype(int)
            for top, left in zip(tops[1:], lefts[1:]):
                if abs(top - tops[0]) < side and abs(left - lefts[0]) < side:
                    continue
                first = picture[tops[0] : tops[0] + side, lefts[0] : lefts[0] + side].copy()
                second = picture[top : top + side, left : left + side].copy()
                picture[tops[0] : tops[0] + side, lefts[0] : lefts[0] + side] = second
                picture[top : top + side, left : left + side] = first
                break
    return found


@pytest.mark.parametrize(("height", "width", "side"), [(40, 40, 6), (30, 50, 9), (12, 12, 6)])
def test_swapping_equals_a_loop_over_patches(height, width, side):
    pictures = images(5, height, width)
    found = swapped_patches(pictures, generator(7), 10, side)
    np.testing.assert_array_equal(found.numpy(), swapped_by_loops(pictures, 7, 10, side))
    assert not torch.equal(found, pictures)
    assert torch.equal(found.flatten(1).sort()[0], pictures.flatten(1).sort()[0])


def test_patches_without_a_partner_stay():
    # A patch of the whole image overlaps with every other place.
    pictures = images(3, 8, 8)
    assert torch.equal(swapped_patches(pictures, generator(), 3, 8), pictures)


def test_bent_values_lie_on_the_curve():
    pictures = images(12)
    found = bent_intensities(pictures, generator(3), 1.0).numpy()
    draws = torch.rand(12, 6, generator=generator(3)).numpy()
    t = np.linspace(0, 1, CURVE_POINTS)
    directions = set()
    for row in range(12):
        picture = pictures[row, 0].numpy()
        low, high = picture.min(), picture.max()
        x, y = (
            3 * t * (1 - t) ** 2 * draws[row, start]
            + 3 * t**2 * (1 - t) * draws[row, start + 1]
            + t**3
            for start in (0, 2)
        )
        falling = draws[row, 4] < 0.5
        directions.add(bool(falling))
        heights = y[::-1] if falling else y
        expected = np.interp((picture - low) / (high - low), x, heights) * (high - low) + low
        assert np.abs(found[row, 0] - expected).max() < 1e-3
        order = np.argsort(picture, axis=None)
        steps = np.diff(found[row, 0].ravel()[order])
        assert (steps <= 1e-5).all() if falling else (steps >= -1e-5).all()
    assert directions == {True, False}


def test_a_constant_image_is_bent_to_a_finite_one():
    assert torch.isfinite(bent_intensities(torch.ones(2, 1, 8, 8), generator(), 1.0)).all()


def test_pixels_are_shuffled_within_their_window_alone(monkeypatch):
    seen = []
    original = distortions._tiles

    def noted(*arguments):
        seen.append(original(*arguments))
        return seen[-1]

    monkeypatch.setattr(distortions, "_tiles", noted)
    pictures = images(6, 50, 60)
    found = shuffled_pixels(pictures, generator(5), 1.0)
    assert not torch.equal(found, pictures)
    for row in range(6):
        tiles = seen[0][row][:, None] * 1000 + seen[1][row][None]
        assert torch.bincount(seen[0][row]).max() <= 5
        for tile in tiles.unique():
            inside = tiles == tile
            ours, theirs = found[row, 0][inside], pictures[row, 0][inside]
            assert torch.equal(ours.sort()[0], theirs.sort()[0])


def test_small_images_are_shuffled_too():
    pictures = images(8, 16, 16)
    assert not torch.equal(shuffled_pixels(pictures, generator(), 1.0), pictures)


@pytest.mark.parametrize("inner", [0.0, 1.0])
def test_painting_covers_rectangles_or_all_but_them(inner):
    pictures = images(40, 42, 42)
    found = painted(pictures, generator(2), 1.0, inner)
    covered = (found != pictures).float().mean(dim=(1, 2, 3))
    low = pictures.amin(dim=(1, 2, 3), keepdim=True)
    high = pictures.amax(dim=(1, 2, 3), keepdim=True)
    assert ((found >= low - 1e-5) & (found <= high + 1e-5)).all()
    if inner:
        # Five rectangles of a third of the side cover at most 5/9.
        assert 0.05 < covered.mean() < 5 / 9
    else:
        # One rectangle of 3/7 of the side is always kept.
        assert covered.min() > 0.1
        assert covered.max() < 1 - (17 / 42) ** 2


def test_rectangles_equal_a_loop():
    found = rectangles(6, (30, 20), (1 / 6, 1 / 3), generator(4)).numpy()
    draws = torch.rand(5, 6, 5, generator=generator(4)).numpy()
    for row in range(6):
        expected = np.zeros((30, 20), dtype=bool)
        for index in range(5):
            if draws[4, row, index] >= 0.95:
                break
            height = int(np.float32(30) * np.float32(1 / 6 + 1 / 6 * draws[0, row, index]))
            width = int(np.float32(20) * np.float32(1 / 6 + 1 / 6 * draws[1, row, index]))
            top = int(draws[2, row, index] * (30 - height + 1))
            left = int(draws[3, row, index] * (20 - width + 1))
            expected[top : top + height, left : left + width] = True
        np.testing.assert_array_equal(found[row], expected)


def test_holes_are_squares_of_the_share():
    found = holes(50, (56, 56), 1, 1 / 7, generator())
    areas = found.sum(dim=(1, 2, 3))
    assert found.shape == (50, 1, 56, 56)
    assert areas.max() <= 81
    assert areas.float().median() == 64
    assert not holes(2, (56, 56), 0, 1 / 7, generator()).any()


def test_all_probabilities_zero_change_nothing_and_one_seed_gives_one_image():
    pictures = images()
    assert torch.equal(genesis(pictures, generator(), GenesisRates(0, 0, 0, 0)), pictures)
    first, again = (genesis(pictures, generator(9), GenesisRates()) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, genesis(pictures, generator(10), GenesisRates()))


@pytest.mark.parametrize("name", ["curve", "shuffle", "paint"])
def test_each_rate_switches_its_own_distortion(name):
    pictures = images(30)
    rates = {"curve": 0.0, "shuffle": 0.0, "paint": 0.0, "inner": 1.0, name: 0.5}
    found = genesis(pictures, generator(1), GenesisRates(**rates))
    changed = (found != pictures).flatten(1).any(dim=1).float().mean()
    assert 0.2 < changed < 0.8
