"""Maps and masks against scipy, torch and loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from benchmark.errors import BadDataError
from benchmark.metrics.grounding_maps import (
    bilinear_matrix,
    box_counts,
    box_coverage,
    heat_maps,
    rescale,
    smoothing_matrix,
    softmax_weights,
)


@pytest.mark.parametrize(("rows", "columns"), [(14, 14), (8, 8), (7, 9)])
def test_smoothing_equals_scipy(rows, columns):
    values = np.random.default_rng(0).normal(size=(rows, columns))
    ours = smoothing_matrix(rows, 1.5) @ values @ smoothing_matrix(columns, 1.5).T
    sigma = (1.5 * rows / 14, 1.5 * columns / 14)
    np.testing.assert_allclose(ours, gaussian_filter(values, sigma), atol=1e-12)
    np.testing.assert_array_equal(smoothing_matrix(5, 0.0), np.eye(5))


@pytest.mark.parametrize(("cells", "pixels"), [(14, 224), (8, 224), (7, 50), (15, 480), (9, 9)])
def test_enlargement_equals_torch(cells, pixels):
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(1).normal(size=(cells, cells))
    matrix = bilinear_matrix(cells, pixels)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(values)[None, None], (pixels, pixels), mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(matrix @ values @ matrix.T, theirs[0, 0].numpy(), atol=1e-12)


def test_the_whole_chain_equals_scipy_and_torch():
    torch = pytest.importorskip("torch")
    maps = np.random.default_rng(2).normal(size=(3, 196)) * 40 + 500
    heat = heat_maps(maps, (14, 14), 224, 1.5)
    for one, values in zip(heat, maps, strict=True):
        smooth = gaussian_filter(values.reshape(14, 14), 1.5)
        large = torch.nn.functional.interpolate(
            torch.from_numpy(smooth)[None, None], (224, 224), mode="bilinear", align_corners=False
        )[0, 0].numpy()
        expected = 2 * (large - large.min()) / (large.max() - large.min()) - 1
        np.testing.assert_allclose(one, expected, atol=2e-6)
    assert heat.dtype == np.float32


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 50), st.floats(-100, 100))
def test_heat_ignores_positive_scale_and_shift(scale, shift):
    maps = np.random.default_rng(3).normal(size=(2, 49))
    first = heat_maps(maps, (7, 7), 56, 1.5)
    np.testing.assert_allclose(heat_maps(maps * scale + shift, (7, 7), 56, 1.5), first, atol=2e-5)
    np.testing.assert_allclose(heat_maps(-maps, (7, 7), 56, 1.5), -first, atol=2e-5)


def test_constant_maps_become_zeros():
    maps = np.stack([np.zeros(196), np.full(196, 123.4), np.arange(196.0)])
    heat = heat_maps(maps, (14, 14), 224, 1.5)
    assert not heat[:2].any()
    assert heat[2].min() == -1
    assert heat[2].max() == pytest.approx(1)
    assert not rescale(np.full((1, 4, 4), 7.0)).any()


def test_grid_must_fit():
    with pytest.raises(BadDataError, match="grid"):
        heat_maps(np.zeros((1, 195)), (14, 14), 224, 1.5)


def test_softmax_weights():
    weights = np.array([0.01, 0.02, -0.01])
    expected = np.exp(weights / 0.02) / np.exp(weights / 0.02).sum()
    np.testing.assert_allclose(softmax_weights(weights, 0.02), expected)
    assert np.isfinite(softmax_weights(weights * 1e6, 0.02)).all()


def test_box_counts_by_loops():
    boxes = np.array([[1.7, 2.2, 3.9, 2.9], [3, 3, 4, 4], [-2, -1, 4.0, 3.0], [6.5, 6.5, 0.4, 0.2]])
    owner = np.array([0, 0, 1, 2])
    counts = box_counts(boxes, owner, 4, 8)
    expected = np.zeros((4, 8, 8), dtype=int)
    for (x, y, w, h), pair in zip(boxes, owner, strict=True):
        x, y, w, h = (int(np.floor(value)) for value in (x, y, w, h))
        for row in range(y, y + max(h, 1)):
            for column in range(x, x + max(w, 1)):
                if 0 <= row < 8 and 0 <= column < 8:
                    expected[pair, row, column] += 1
    np.testing.assert_array_equal(counts, expected)
    assert counts[0].max() == 2
    assert counts[2].sum() == 1
    assert not counts[3].any()


@pytest.mark.parametrize("grid", [(4, 4), (3, 5)])
def test_coverage_keeps_the_area_and_counts_overlap_once(grid):
    boxes = np.array([[0, 0, 10, 6], [5, 3, 10, 10], [2, 2, 4, 4]], dtype=float)
    owner = np.array([0, 0, 2])
    coverage = box_coverage(boxes, owner, 3, grid, 20)
    mask = box_counts(boxes, owner, 3, 20) > 0
    np.testing.assert_allclose(coverage.mean(axis=1), mask.mean(axis=(1, 2)), atol=1e-6)
    assert coverage.max() <= 1 + 1e-6
    if grid == (4, 4):
        blocks = mask.reshape(3, 4, 5, 4, 5).mean(axis=(2, 4)).reshape(3, 16)
        np.testing.assert_allclose(coverage, blocks, atol=1e-6)


def test_coverage_of_many_pairs_does_not_mix_pieces():
    rng = np.random.default_rng(0)
    boxes = np.column_stack([rng.integers(0, 10, (600, 2)), np.full((600, 2), 3)])
    coverage = box_coverage(boxes, np.arange(600), 600, (4, 4), 16)
    for pair in (0, 63, 64, 511, 599):
        alone = box_coverage(boxes[pair : pair + 1], np.zeros(1, int), 1, (4, 4), 16)
        np.testing.assert_allclose(coverage[pair], alone[0])
