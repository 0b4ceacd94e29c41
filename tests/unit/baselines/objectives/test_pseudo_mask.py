"""Pseudo masks against loops in numpy, and the edges: no body, ties, one grey value."""

import math

import numpy as np
import pytest
import torch

from baselines.objectives.pseudo_mask import (
    OFFICIAL,
    MaskRule,
    bilateral_filter,
    body_masks,
    otsu_thresholds,
    pseudo_masks,
    upper_component,
)
from benchmark.errors import UsageError


@pytest.fixture
def given():
    generator = torch.Generator().manual_seed(1)
    attention = torch.rand(3, 4, 4, 4, generator=generator)
    images = 0.2 * torch.rand(3, 1, 16, 16, generator=generator)
    images[:, :, 2:14, 3:12] += 0.6
    return attention, images


def loop_otsu(values, bins=256):
    """The bin after which weighted squared distance of the class means is largest."""
    low, high = min(values), max(values)
    width = (high - low) / bins
    counts, centres = [0] * bins, [low + (k + 0.5) * width for k in range(bins)]
    for value in values:
        counts[min(bins - 1, int((value - low) / width))] += 1
    best, found = -1.0, None
    for k in range(bins - 1):
        below, above = sum(counts[: k + 1]), sum(counts[k + 1 :])
        if not below or not above:
            continue
        mean = sum(c * x for c, x in zip(counts[: k + 1], centres)) / below
        other = sum(c * x for c, x in zip(counts[k + 1 :], centres[k + 1 :])) / above
        if below * above * (mean - other) ** 2 > best + 1e-9:
            best, found = below * above * (mean - other) ** 2, centres[k]
    return found


def loop_mask(attention, image, rule):
    """One aggregated mask, before smoothing."""
    heads, rows, columns = attention.shape
    height, width = image.shape
    body = image > loop_otsu(image.ravel().tolist()) if rule.body_mask else np.ones_like(image) > 0
    scores = np.zeros((height, width), dtype=np.float64)
    for y in range(height):
        for x in range(width):
            cell = attention[:, y * rows // height, x * columns // width]
            scores[y, x] = sum(cell) / heads if body[y, x] else 0
    known = scores[body] if rule.quantile_over == "body" else scores.ravel()
    share = {"85": 0.85, "75": 0.75, "median": 0.5}.get(rule.threshold)
    limit = known.mean() if share is None else np.quantile(known, share)
    # A threshold that is one of the scores must not be missed by rounding.
    near = np.isclose(scores, limit, rtol=1e-6)
    beyond = (scores > limit) & ~near
    return (beyond | near if rule.comparison == "at_or_above" else beyond) & body


@pytest.mark.parametrize("threshold", ["85", "75", "median", "mean"])
@pytest.mark.parametrize("comparison", ["at_or_above", "above"])
@pytest.mark.parametrize(("body", "over"), [(True, "body"), (True, "image"), (False, "image")])
def test_masks_as_by_loops(given, threshold, comparison, body, over):
    attention, images = given
    rule = MaskRule(True, threshold, comparison, over, body, smoothing=False)
    found = pseudo_masks(attention, images, rule)
    assert found.shape == (3, 1, 16, 16) and found.dtype == torch.float32
    for place in range(3):
        loop = loop_mask(attention[place].numpy(), images[place, 0].numpy(), rule)
        np.testing.assert_array_equal(found[place, 0].numpy(), loop)
        assert 0 < loop.sum() < loop.size


def test_without_aggregation_each_head_has_its_own_mask(given):
    attention, images = given
    together = pseudo_masks(attention, images, MaskRule(aggregation=False))
    assert together.shape == (3, 4, 16, 16)
    for head in range(4):
        alone = pseudo_masks(attention[:, head : head + 1], images, MaskRule())
        assert torch.equal(together[:, head : head + 1], alone)


def test_otsu_as_by_loops(given):
    flat = given[1].flatten(1)
    loops = [loop_otsu(row.tolist()) for row in flat]
    np.testing.assert_allclose(otsu_thresholds(flat).numpy(), loops, rtol=1e-5)


def test_the_body_is_the_same_however_grey_values_are_scaled(given):
    images = given[1]
    assert torch.equal(body_masks(images), body_masks((images - 0.5) / 0.25))
    assert body_masks(images)[0, 0, 2:14, 3:12].all()
    # A grey value of the last bin before the gap may lie above its centre.
    assert 12 * 9 <= body_masks(images)[0].sum() <= 12 * 9 + 2


def test_nothing_outside_the_body_is_marked_even_where_the_threshold_is_zero(given):
    attention, images = given
    # Half of the image is no body, so that the median over all pixels is 0.
    masks = pseudo_masks(
        attention, images, MaskRule(threshold="median", quantile_over="image", smoothing=False)
    )
    assert torch.equal(masks.bool(), body_masks(images))


def test_an_image_of_one_grey_value_is_all_body(given):
    images = torch.full((2, 1, 8, 8), 0.3)
    assert body_masks(images).all()
    assert torch.isfinite(pseudo_masks(given[0][:2], images, MaskRule())).all()


def test_equal_attention_is_marked_at_or_above_and_not_above():
    attention, images = torch.full((2, 2, 4, 4), 0.25), torch.rand(2, 1, 8, 8)
    assert pseudo_masks(attention, images, OFFICIAL).sum() == 0
    at = MaskRule(body_mask=False, smoothing=False)
    assert pseudo_masks(attention, images, at).all()


def loop_bilateral(mask, radius, spatial, values):
    height, width = mask.shape
    found = np.zeros_like(mask)
    for y in range(height):
        for x in range(width):
            total = weights = 0.0
            for dy in range(-radius, radius + 1):
                for dx in range(-radius, radius + 1):
                    other = mask[min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)]
                    weight = math.exp(-(dy**2 + dx**2) / (2 * spatial**2))
                    weight *= math.exp(-((other - mask[y, x]) ** 2) / (2 * values**2))
                    total += weight * other
                    weights += weight
            found[y, x] = total / weights
    return found


def test_bilateral_filter_as_by_loops(given):
    mask = (given[0][:1, :2].repeat_interleave(3, 2).repeat_interleave(3, 3) > 0.6).double()
    for sizes in ((4, 2.0, 0.5), (2, 1.0, 0.3)):
        found = bilateral_filter(mask, *sizes)
        for head in range(2):
            loop = loop_bilateral(mask[0, head].numpy(), *sizes)
            np.testing.assert_allclose(found[0, head].numpy(), loop, atol=1e-12)


def test_smoothing_leaves_wide_areas_and_rounds_edges():
    mask = torch.zeros(1, 1, 24, 24)
    mask[:, :, :, 12:] = 1
    smooth = bilateral_filter(mask)[0, 0, 12]
    assert smooth[3] == 0 and smooth[20] == pytest.approx(1)
    assert 0 < smooth[11] < 0.2 and 0.8 < smooth[12] < 1


def test_the_mixture_splits_two_groups_whatever_their_sizes():
    generator = torch.Generator().manual_seed(0)
    low = 0.1 + 0.01 * torch.randn(300, generator=generator)
    high = 0.5 + 0.05 * torch.randn(40, generator=generator)
    scores = torch.stack([torch.cat([low, high]), torch.cat([low, high]) * 100 - 7])
    found = upper_component(scores, torch.ones_like(scores, dtype=torch.bool))
    assert not found[:, :300].any() and found[:, 300:].all()


def test_the_mixture_agrees_with_scikit_learn():
    from sklearn.mixture import GaussianMixture

    generator = np.random.default_rng(4)
    values = np.concatenate([generator.normal(0, 1, 500), generator.normal(4, 0.8, 200)])
    model = GaussianMixture(2, random_state=0, n_init=3).fit(values[:, None])
    theirs = model.predict(values[:, None]) == model.means_[:, 0].argmax()
    scores = torch.from_numpy(values).float()[None]
    ours = upper_component(scores, torch.ones_like(scores, dtype=torch.bool))[0].numpy()
    assert (ours == theirs).mean() > 0.99


def test_the_mixture_sees_the_body_alone(given):
    attention, images = given
    rule = MaskRule(threshold="mixture", smoothing=False)
    before = pseudo_masks(attention, images, rule)
    assert before.any() and not (before.bool() & ~body_masks(images)).any()
    same = torch.full((2, 5), 0.2)
    assert upper_component(same, torch.ones_like(same, dtype=torch.bool)).shape == (2, 5)


def test_masks_carry_no_gradient(given):
    attention = given[0].requires_grad_(True)
    assert not pseudo_masks(attention, given[1], MaskRule()).requires_grad


@pytest.mark.parametrize("name", ["threshold", "comparison", "quantile_over"])
def test_unknown_values_are_refused(name):
    with pytest.raises(UsageError, match=name):
        MaskRule(**{name: "other"})
