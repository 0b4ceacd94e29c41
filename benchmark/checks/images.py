"""What a baseline makes of images."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.checks.subject import (
    CheckFailed,
    CheckSkipped,
    Subject,
    expect_equal,
    expect_finite,
    expect_shape,
)


def image_shapes_fit(subject: Subject) -> None:
    """Features have the shapes that the baseline states."""
    subject.needs("image_features")
    model = subject.model
    found = subject.features(subject.noise(3))
    cells = model.grid[0] * model.grid[1]
    wanted: dict[str, tuple[int | None, ...]] = {
        "patch_features": (3, None if subject.can("grounding") else cells, None),
        "projected patch_features": (3, cells, None),
        "pooled_features": (3, model.feature_dim),
        "image_embedding": (3, None),
    }
    for name, values in found.items():
        expect_shape(name, values, wanted[name])
        if values.dtype != torch.float32:
            raise CheckFailed(f"{name} is {values.dtype}, not float32")


def image_features_are_finite(subject: Subject) -> None:
    """Features of noise, of a black and of a white image are finite."""
    subject.needs("image_features")
    side = subject.model.image_size
    for name, value in (("a black image", 0.0), ("a white image", 1.0)):
        images = subject.normalised(torch.full((2, 1, side, side), value))
        for kind, values in subject.features(images).items():
            expect_finite(f"{kind} of {name}", values)
    for kind, values in subject.features(subject.noise(2)).items():
        expect_finite(f"{kind} of noise", values)


def images_are_read(subject: Subject) -> None:
    """Different images have different features."""
    subject.needs("image_features")
    for kind, values in subject.features(subject.noise(2)).items():
        if torch.equal(values[0], values[1]):
            raise CheckFailed(f"{kind} of two different images are equal")


def image_features_repeat(subject: Subject) -> None:
    """A second pass gives the same features: no dropout, nothing drawn."""
    subject.needs("image_features")
    images = subject.noise(3)
    first, second = subject.features(images), subject.features(images)
    for kind, values in first.items():
        expect_equal(f"{kind} of two passes", values, second[kind])


def batch_mates_do_not_matter(subject: Subject) -> None:
    """An image's features do not depend on the images beside it."""
    subject.needs("image_features")
    images = subject.noise(4)
    together, alone = subject.features(images), subject.features(images[1:2])
    for kind, values in together.items():
        expect_equal(f"{kind} of an image in a batch and alone", values[1:2], alone[kind])


def patches_lie_where_they_were_seen(subject: Subject) -> None:
    """Changing a quarter of the image changes most the patches of that quarter, row by row."""
    subject.needs("image_features")
    rows, columns = subject.model.grid
    if rows < 2 or columns < 2:
        raise CheckSkipped("its features are of the whole image, not of places")
    projected = subject.can("grounding")
    side = subject.model.image_size
    half = side // 2
    generator = torch.Generator().manual_seed(4)
    grey = 0.4 + 0.2 * torch.rand(1, 1, side, side, generator=generator)
    texture = torch.rand(1, 1, half, half, generator=generator)
    with torch.inference_mode():
        before = subject.model.patch_features(subject.normalised(grey), projected)
        for name, down, right in _QUARTERS:
            changed = grey.clone()
            place = slice(down * half, (down + 1) * half), slice(right * half, (right + 1) * half)
            changed[0, 0, place[0], place[1]] = texture[0, 0]
            after = subject.model.patch_features(subject.normalised(changed), projected)
            change = (after - before).norm(dim=2)[0].view(rows, columns)
            seen = _quarter_of_largest(change)
            if seen != (down, right):
                where = next(other for other, *place in _QUARTERS if tuple(place) == seen)
                raise CheckFailed(
                    f"a change in the {name} quarter of the image changes the {where} quarter of "
                    "the patches most"
                )


_QUARTERS = (
    ("upper left", 0, 0),
    ("upper right", 0, 1),
    ("lower left", 1, 0),
    ("lower right", 1, 1),
)


def _quarter_of_largest(change: Tensor) -> tuple[int, int]:
    """The quarter whose cells changed most on average; a middle row or column counts for none."""
    rows, columns = change.shape
    sums = {
        (down, right): change[
            slice(0, rows // 2) if down == 0 else slice(-(rows // 2), None),
            slice(0, columns // 2) if right == 0 else slice(-(columns // 2), None),
        ].mean()
        for _, down, right in _QUARTERS
    }
    return max(sums, key=lambda place: float(sums[place]))
