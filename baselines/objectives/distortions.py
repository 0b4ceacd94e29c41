"""Distortions of grey images that a network learns to undo. Images are (B, 1, H, W).

Patch swapping: Chen et al., "Self-supervised learning for medical image analysis using image
context restoration", Medical Image Analysis 2019. The others: Zhou et al., "Models Genesis",
Medical Image Analysis 2021, with the probabilities of its official code; that code is for 64-voxel
cubes, this for planes. Its images lie in [0, 1], ours are normalised, so that grey values are
taken relative to the least and the greatest of an image.

All randomness is drawn from a CPU generator, whatever the device of the images, and how much is
drawn depends on the shapes alone, not on what was drawn before.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

CURVE_POINTS = 1000
"""Points at which a Bezier curve is computed; between them it is straight."""
CANDIDATES = 16
"""Places that are tried for a partner that does not overlap; where none fits nothing is swapped."""
RECTANGLES = 5
ONE_MORE = 0.95
"""Probability that another rectangle is painted, until there are `RECTANGLES`."""


@dataclass(frozen=True)
class GenesisRates:
    """How probable each distortion of Models Genesis is for an image.

    Attributes:
        curve: The grey values are bent.
        shuffle: Pixels change places within small windows.
        paint: Parts are covered with noise.
        inner: Of the painted images, the share with covered rectangles; in the others all but
            rectangles is covered.
    """

    curve: float = 0.9
    shuffle: float = 0.5
    paint: float = 0.9
    inner: float = 0.2


def swapped_patches(images: Tensor, generator: torch.Generator, swaps: int, side: int) -> Tensor:
    """Exchange two square patches that do not overlap, several times in a row.

    Args:
        images: (B, 1, H, W).
        generator: CPU generator.
        swaps: How many times; a patch may be moved again.
        side: Of the patches in pixels.
    """
    count, _, height, width = images.shape
    rows, columns = height - side + 1, width - side + 1
    places = torch.arange(height * width).repeat(count, 1)
    inside = (torch.arange(side)[:, None] * width + torch.arange(side)).flatten()
    for _ in range(swaps):
        draws = torch.rand(2, count, 1 + CANDIDATES, generator=generator)
        top, left = (draws[0] * rows).long(), (draws[1] * columns).long()
        apart = (top[:, 1:] - top[:, :1]).abs() >= side
        apart |= (left[:, 1:] - left[:, :1]).abs() >= side
        # Where no candidate stands apart the first patch is its own partner.
        chosen = torch.where(apart.any(1), apart.to(torch.uint8).argmax(1) + 1, 0)[:, None]
        corner = top * width + left
        first = corner[:, :1] + inside
        second = corner.gather(1, chosen) + inside
        held = places.gather(1, first)
        places.scatter_(1, first, places.gather(1, second))
        places.scatter_(1, second, held)
    return images.flatten(2).gather(2, places.to(images.device)[:, None]).view_as(images)


def bent_intensities(images: Tensor, generator: torch.Generator, probability: float) -> Tensor:
    """Grey values through a random Bezier curve, for half of the images a falling one.

    The curve begins in (0, 0) and ends in (1, 1); its two inner control points are uniform in the
    unit square, which makes it rise throughout. A falling one is the same with the order of its
    heights reversed.
    """
    count = len(images)
    draws = torch.rand(count, 6, generator=generator)
    t = torch.linspace(0, 1, CURVE_POINTS)
    inner = torch.stack([3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t)])
    across, heights = (draws[:, start : start + 2] @ inner + t**3 for start in (0, 2))
    falling = draws[:, 4:5] < 0.5
    heights = torch.where(falling, heights.flip(1), heights)
    low, span = _range(images)
    unit = ((images - low) / span).flatten(1)
    bent = _interpolated(unit.float(), across.to(images.device), heights.to(images.device))
    bent = (bent.to(images.dtype).view_as(images) * span + low).to(images.dtype)
    return _where(draws[:, 5] < probability, bent, images)


def shuffled_pixels(images: Tensor, generator: torch.Generator, probability: float) -> Tensor:
    """Pixels change places within windows of up to a tenth of the side.

    The official code draws thousands of windows one after the other, each shuffled from the
    original. Here the whole image is tiled once, with a window size and an offset of its own.
    """
    count, _, height, width = images.shape
    draws = torch.rand(count, 5, generator=generator)
    noise = torch.rand(count, height * width, generator=generator)
    window_rows = _tiles(height, draws[:, 0], draws[:, 1])
    window_columns = _tiles(width, draws[:, 2], draws[:, 3])
    window = (window_rows[:, :, None] * (width + 1) + window_columns[:, None]).flatten(1)
    window, noise = window.to(images.device), noise.to(images.device)
    by_noise = noise.argsort(dim=1)
    taken = by_noise.gather(1, window.gather(1, by_noise).argsort(dim=1, stable=True))
    filled = window.argsort(dim=1, stable=True)
    pixels = images.flatten(2).squeeze(1)
    shuffled = torch.empty_like(pixels).scatter(1, filled, pixels.gather(1, taken))
    return _where(draws[:, 4] < probability, shuffled.view_as(images), images)


def painted(images: Tensor, generator: torch.Generator, probability: float, inner: float) -> Tensor:
    """Cover rectangles with noise, or all that is outside of rectangles.

    Inner rectangles have sides of 1/6 to 1/3 of the image; at most five, a further one with
    probability 0.95, maybe none. Outer ones have 3/7 to 4/7; there is at least one. The noise is
    uniform over the grey values of the image, one value a pixel.
    """
    count, _, height, width = images.shape
    draws = torch.rand(count, 2, generator=generator)
    noise = torch.rand(count, 1, height, width, generator=generator)
    low, span = _range(images)
    noise = (noise.to(images.device) * span + low).to(images.dtype)
    few = rectangles(count, (height, width), (1 / 6, 1 / 3), generator)
    many = rectangles(count, (height, width), (3 / 7, 4 / 7), generator, at_least_one=True)
    inside = (draws[:, 1] < inner)[:, None, None]
    hidden = torch.where(inside, few, ~many)[:, None].to(images.device)
    return _where(draws[:, 0] < probability, torch.where(hidden, noise, images), images)


def rectangles(
    count: int,
    sides: tuple[int, int],
    shares: tuple[float, float],
    generator: torch.Generator,
    at_least_one: bool = False,
) -> Tensor:
    """(count, H, W) bool: the union of up to five random rectangles an image.

    Args:
        count: Images.
        sides: H and W.
        shares: Sides of a rectangle as shares of the image's, uniform between these.
        generator: CPU generator.
        at_least_one: Whether the first rectangle is always there.
    """
    draws = torch.rand(5, count, RECTANGLES, generator=generator)
    there = draws[4] < ONE_MORE
    if at_least_one:
        there[:, 0] = True
    there = there.long().cumprod(dim=1).bool()
    spans = []
    for index, side in enumerate(sides):
        length = (side * (shares[0] + (shares[1] - shares[0]) * draws[index])).long().clamp(min=1)
        start = (draws[2 + index] * (side - length + 1)).long()
        pixel = torch.arange(side)
        begun = pixel >= start[:, :, None]
        spans.append(begun & (pixel < (start + length)[:, :, None]))
    covered = spans[0][:, :, :, None] & spans[1][:, :, None] & there[:, :, None, None]
    return covered.any(dim=1)


def holes(
    count: int, sides: tuple[int, int], number: int, share: float, generator: torch.Generator
) -> Tensor:
    """(count, 1, H, W) bool: squares of one size whose centre is anywhere (DeVries, "Cutout").

    Args:
        count: Images.
        sides: H and W.
        number: Squares an image; they may overlap and reach over the border.
        share: Side of a square as a share of H.
        generator: CPU generator.
    """
    draws = torch.rand(2, count, number, generator=generator)
    half = share * sides[0] / 2
    near = [
        ((torch.arange(side) + 0.5) - draws[index, :, :, None] * side).abs() < half
        for index, side in enumerate(sides)
    ]
    return (near[0][:, :, :, None] & near[1][:, :, None]).any(dim=1, keepdim=True)


def genesis(images: Tensor, generator: torch.Generator, rates: GenesisRates) -> Tensor:
    """All distortions of Models Genesis in its order: shuffle, bend, paint."""
    shuffled = shuffled_pixels(images, generator, rates.shuffle)
    bent = bent_intensities(shuffled, generator, rates.curve)
    return painted(bent, generator, rates.paint, rates.inner)


def _range(images: Tensor) -> tuple[Tensor, Tensor]:
    """Least value of each image, and how far the greatest lies above it, (B, 1, 1, 1)."""
    low = images.amin(dim=(2, 3), keepdim=True)
    return low, (images.amax(dim=(2, 3), keepdim=True) - low).clamp(min=1e-6)


def _where(chosen: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    return torch.where(chosen.to(no.device)[:, None, None, None], yes, no)


def _tiles(side: int, size_draw: Tensor, offset_draw: Tensor) -> Tensor:
    """(B, side): in which tile each row (or column) lies, tiles of 1 to a tenth of the side."""
    # At least 2, so that there is something to shuffle in images of less than 20 px.
    largest = max(side // 10, 2)
    size = 1 + (size_draw * largest).long().clamp(max=largest - 1)
    offset = (offset_draw * size).long()
    return (torch.arange(side) + offset[:, None]) // size[:, None]


def _interpolated(values: Tensor, across: Tensor, heights: Tensor) -> Tensor:
    """Piecewise linear functions (B, P) at values (B, N), the abscissae rising."""
    right = torch.searchsorted(across.contiguous(), values.contiguous())
    right = right.clamp(1, across.shape[1] - 1)
    x0, x1 = across.gather(1, right - 1), across.gather(1, right)
    y0, y1 = heights.gather(1, right - 1), heights.gather(1, right)
    share = ((values - x0) / (x1 - x0).clamp(min=1e-12)).clamp(0, 1)
    return y0 + share * (y1 - y0)
