"""G2D's pseudo masks: where the attention of an image is high, as a target for a decoder.

Liu et al., NeurIPS 2024: heads averaged, a threshold at a percentile, a mask of the body by a
histogram of the image, smoothing by a bilateral filter. The official code has the average and the
threshold alone. What the paper leaves open is chosen here: Otsu's rule for the body, and width and
range of the filter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from benchmark.errors import unknown_name

QUANTILES = {"85": 0.85, "75": 0.75, "median": 0.5}
THRESHOLDS = (*QUANTILES, "mean", "mixture")
COMPARISONS = ("at_or_above", "above")
AREAS = ("body", "image")
OTSU_BINS = 256
MIXTURE_ROUNDS = 30


@dataclass(frozen=True)
class MaskRule:
    """How masks are made; the defaults are the paper's, `OFFICIAL` is the code's.

    Attributes:
        aggregation: One mask of the mean of the heads; without it one mask a head.
        threshold: A quantile of the scores, `85` (percent), `75` or `median`; their `mean`; or
            `mixture`, the upper one of two Gaussians.
        comparison: `at_or_above` the threshold, or `above`.
        quantile_over: Scores that the threshold is computed from: those inside the `body`, or all
            of the `image`, where those outside the body are 0. The same thing without body mask.
        body_mask: Nothing outside the body is marked.
        smoothing: The mask goes through a bilateral filter and has values between 0 and 1.
    """

    aggregation: bool = True
    threshold: str = "85"
    comparison: str = "at_or_above"
    quantile_over: str = "body"
    body_mask: bool = True
    smoothing: bool = True

    def __post_init__(self) -> None:
        for name, known in (
            ("threshold", THRESHOLDS),
            ("comparison", COMPARISONS),
            ("quantile_over", AREAS),
        ):
            if getattr(self, name) not in known:
                raise unknown_name(f"value of option `{name}`", str(getattr(self, name)), known)


OFFICIAL = MaskRule(comparison="above", quantile_over="image", body_mask=False, smoothing=False)


@torch.no_grad()
def pseudo_masks(attention: Tensor, images: Tensor, rule: MaskRule) -> Tensor:
    """(B, K, H, W) float targets, without gradient; K is 1, or the heads without aggregation.

    Args:
        attention: (B, heads, rows, columns).
        images: (B, 1, H, W), any range of grey values: only their order and distances matter.
        rule: How.
    """
    maps = attention.float()
    if rule.aggregation:
        maps = maps.mean(dim=1, keepdim=True)
    scores = functional.interpolate(maps, images.shape[-2:], mode="nearest")
    everywhere = torch.ones_like(scores, dtype=torch.bool)
    body = body_masks(images).expand_as(scores) if rule.body_mask else everywhere
    scores = scores.where(body, 0.0)
    area = body if rule.quantile_over == "body" else everywhere
    masks = (marked(scores, area, rule) & body).float()
    return bilateral_filter(masks) if rule.smoothing else masks


def marked(scores: Tensor, area: Tensor, rule: MaskRule) -> Tensor:
    """(B, K, H, W) bool: scores beyond the threshold that those in `area` give, a map at a time."""
    flat, inside = scores.flatten(2), area.flatten(2)
    if rule.threshold == "mixture":
        return upper_component(flat, inside).view_as(scores)
    known = flat.masked_fill(~inside, torch.nan)
    if rule.threshold == "mean":
        limit = known.nanmean(dim=2, keepdim=True)
    else:
        limit = known.nanquantile(QUANTILES[rule.threshold], dim=2, keepdim=True)
    found = flat >= limit if rule.comparison == "at_or_above" else flat > limit
    return found.view_as(scores)


def upper_component(scores: Tensor, inside: Tensor) -> Tensor:
    """(..., P) bool: where the Gaussian of the higher mean is the likelier of two.

    Beyond a component's own mean a score stays with it, whatever the widths. Expectation
    maximisation over the scores inside, begun with the halves on either side of their mean; a
    fixed number of rounds, so that equal scores give equal masks.

    Args:
        scores: (..., P).
        inside: (..., P) bool; at least one a row.
    """
    weight = inside.to(scores.dtype)
    count = weight.sum(-1, keepdim=True)
    mean = (weight * scores).sum(-1, keepdim=True) / count
    spread = ((weight * (scores - mean) ** 2).sum(-1, keepdim=True) / count).sqrt()
    # Scores of one value have no spread; what lies far outside may not overflow.
    values = ((scores - mean) / spread.clamp(min=1e-12)).clamp(-1e3, 1e3)
    upper = (values > 0).to(scores.dtype)
    for _ in range(MIXTURE_ROUNDS):
        high, high_mean = _log_density(values, weight * upper)
        low, low_mean = _log_density(values, weight * (1 - upper))
        upper = torch.sigmoid(high - low)
    likelier = (upper > 0.5) & (values > low_mean)
    return inside & (likelier | (values >= high_mean))


def _log_density(values: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Log of share times density of the Gaussian fitted to weighted values, and its mean."""
    total = share.sum(-1, keepdim=True).clamp(min=1e-6)
    mean = (share * values).sum(-1, keepdim=True) / total
    variance = (share * (values - mean) ** 2).sum(-1, keepdim=True) / total + 1e-4
    exponent = (values - mean) ** 2 / (2 * variance)
    return total.log() - 0.5 * variance.log() - exponent, mean


def body_masks(images: Tensor) -> Tensor:
    """(B, 1, H, W) bool: pixels above Otsu's threshold; all of an image of one grey value."""
    flat = images.flatten(1)
    above = images > otsu_thresholds(flat)[:, None, None, None]
    blank = flat.amax(dim=1) == flat.amin(dim=1)
    return above | blank[:, None, None, None]


def otsu_thresholds(values: Tensor) -> Tensor:
    """(B,) centres of the histogram bins after which the two classes lie furthest apart.

    256 bins from the least to the largest value of a row, as scikit-image has them.

    Args:
        values: (B, P).
    """
    ordered = values.double().sort(dim=1).values
    low, high = ordered[:, :1], ordered[:, -1:]
    steps = torch.arange(OTSU_BINS + 1, device=values.device, dtype=ordered.dtype) / OTSU_BINS
    edges = low + (high - low) * steps
    below = torch.searchsorted(ordered, edges[:, 1:-1].contiguous(), right=False)
    total = torch.full_like(below[:, :1], ordered.shape[1])
    counts = torch.cat([below, total], dim=1).diff(dim=1, prepend=torch.zeros_like(total)).double()
    centres = (edges[:, 1:] + edges[:, :-1]) / 2
    sums = (counts * centres).cumsum(dim=1)
    first = counts.cumsum(dim=1)
    second = first[:, -1:] - first
    difference = sums / first - (sums[:, -1:] - sums) / second
    between = (first * second * difference**2)[:, :-1].nan_to_num(nan=-1.0)
    found = centres.gather(1, between.argmax(dim=1, keepdim=True))[:, 0]
    return found.to(values.dtype)


def bilateral_filter(
    masks: Tensor, radius: int = 4, spatial_sigma: float = 2.0, range_sigma: float = 0.5
) -> Tensor:
    """(B, K, H, W): each pixel a mean of its square window, weighted by nearness and likeness.

    Edges are rounded and single pixels fade. The border is repeated outwards. Parameters are
    ours: the paper names none. A mask has two values, and so has the weight by likeness: the
    filter is exactly a Gaussian mean whose two sides are weighed differently.

    Args:
        masks: (B, K, H, W) of 0 and 1.
        radius: Of the window, in pixels.
        spatial_sigma: Of the weight by distance, in pixels.
        range_sigma: Of the weight by difference of value.
    """
    offsets = torch.arange(-radius, radius + 1, dtype=masks.dtype, device=masks.device)
    kernel = torch.exp(-(offsets**2) / (2 * spatial_sigma**2))
    kernel = kernel / kernel.sum()
    flat = functional.pad(masks.flatten(0, 1)[:, None], (radius,) * 4, mode="replicate")
    flat = functional.conv2d(
        functional.conv2d(flat, kernel.view(1, 1, -1, 1)), kernel.view(1, 1, 1, -1)
    )
    inside = flat[:, 0].view_as(masks).clamp(0, 1)
    unlike = math.exp(-1 / (2 * range_sigma**2))
    within = inside / (inside + unlike * (1 - inside))
    without = unlike * inside / (1 - inside + unlike * inside)
    return torch.where(masks > 0, within, without)
