from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from benchmark.training.augment import (
    brightness_and_contrast,
    flip_and_affine,
    gaussian_blur,
    random_resized_crop,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def smooth(count: int, side: int = 48) -> Tensor:
    raw = np.random.default_rng(0).random((count, side, side))
    return torch.from_numpy(ndimage.gaussian_filter(raw, (0, 4, 4))).float().unsqueeze(1)


def test_flip_alone_is_exact() -> None:
    images = torch.rand(200, 1, 6, 6, generator=generator())
    result = flip_and_affine(images, generator(1), rotation_degrees=0, scale=(1.0, 1.0))
    flipped = (result == images.flip(-1)).flatten(1).all(1)
    same = (result == images).flatten(1).all(1)
    assert bool((flipped ^ same).all())
    assert 70 < int(flipped.sum()) < 130


def test_nothing_asked_nothing_done() -> None:
    images = smooth(3)
    result = flip_and_affine(
        images, generator(), flip_probability=0, rotation_degrees=0, scale=(1.0, 1.0)
    )
    assert torch.equal(result, images)


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_equals_an_independent_resampling(flip: float) -> None:
    images = smooth(4)
    draws = torch.rand(3, 4, generator=generator(5))
    result = flip_and_affine(
        images, generator(5), flip_probability=flip, rotation_degrees=20, scale=(0.8, 1.2)
    )
    centre = np.array([23.5, 23.5])
    for index in range(4):
        angle = (2 * float(draws[1, index]) - 1) * np.deg2rad(20)
        magnification = 0.8 + 0.4 * float(draws[2, index])
        picture = images[index, 0].numpy()
        picture = picture[:, ::-1] if flip else picture
        cosine, sine = np.cos(angle), np.sin(angle)
        # Rows and columns, from output to input.
        matrix = np.array([[cosine, -sine], [sine, cosine]]) / magnification
        offset = centre - matrix @ centre
        expected = ndimage.affine_transform(picture, matrix, offset, order=1, mode="grid-constant")
        np.testing.assert_allclose(result[index, 0].numpy(), expected, atol=2e-4)


def test_outside_is_black() -> None:
    images = torch.ones(8, 1, 32, 32)
    result = flip_and_affine(images, generator(), scale=(0.5, 0.5), rotation_degrees=0)
    assert float(result[:, :, 0].abs().max()) == 0
    assert float(result[:, :, 16, 16].min()) == 1


def test_switching_the_flip_off_leaves_the_angles() -> None:
    images = smooth(20)
    with_flip = flip_and_affine(images, generator(3), flip_probability=0.5)
    without = flip_and_affine(images, generator(3), flip_probability=0.0)
    same = (with_flip == without).flatten(1).all(1)
    assert 3 <= int(same.sum()) <= 17


def test_crop_shows_the_cut_rectangle() -> None:
    columns = torch.linspace(0.5, 63.5, 64).expand(64, 64)
    images = torch.stack([columns, columns.T])[None].expand(300, 2, 64, 64).clone()
    result = random_resized_crop(images, generator(), 16, scale=(0.1, 0.9), flip_probability=0.5)
    assert result.shape == (300, 2, 16, 16)
    width = (result[:, 0, 8, -1] - result[:, 0, 8, 0]).abs() * 16 / 15
    height = (result[:, 1, -1, 8] - result[:, 1, 0, 8]).abs() * 16 / 15
    area, aspect = width * height / 64**2, width / height
    assert 0.095 < float(area.min()) < 0.2
    assert 0.7 < float(area.max()) < 0.93
    assert float(aspect.min()) > 0.74
    assert float(aspect.max()) < 1.35
    flipped = result[:, 0, 8, -1] < result[:, 0, 8, 0]
    assert 100 < int(flipped.sum()) < 200
    assert float(result.min()) >= 0.5


def test_whole_image_when_nothing_fits() -> None:
    images = smooth(2, 32)
    result = random_resized_crop(
        images, generator(), 32, scale=(1.0, 1.0), ratio=(2.0, 2.0), flip_probability=0
    )
    torch.testing.assert_close(result, images, atol=1e-5, rtol=0)


def test_same_generator_same_result() -> None:
    images = smooth(5)
    for function in (flip_and_affine, lambda x, g: random_resized_crop(x, g, 24)):
        assert torch.equal(function(images, generator(2)), function(images, generator(2)))
        assert not torch.equal(function(images, generator(2)), function(images, generator(3)))


def test_shear_and_shift_equal_an_independent_resampling() -> None:
    images, side = smooth(4), 48
    moved = flip_and_affine(
        images,
        generator(3),
        flip_probability=0.0,
        rotation_degrees=0.0,
        scale=(1.0, 1.0),
        shear_degrees=15.0,
        translation=0.1,
    )
    draws = generator(3)
    torch.rand(3, 4, generator=draws)
    more = (2 * torch.rand(3, 4, generator=draws) - 1).numpy()
    middle = (side - 1) / 2
    for index in range(4):
        shear = np.tan(np.radians(15.0) * more[0, index])
        right, down = 0.1 * side * more[1:, index]
        expected = np.zeros((side, side))
        for row in range(side):
            for column in range(side):
                y = row - middle - down
                x = column - middle - right - shear * y
                place = [[y + middle], [x + middle]]
                expected[row, column] = ndimage.map_coordinates(
                    images[index, 0].numpy(), place, order=1, mode="grid-constant"
                )[0]
        assert np.abs(moved[index, 0].numpy() - expected).max() < 1e-4


def test_no_shear_draws_no_more_numbers() -> None:
    images = smooth(3)
    plain, same = generator(1), generator(1)
    first = flip_and_affine(images, plain)
    second = flip_and_affine(images, same, shear_degrees=0.0, translation=0.0)
    assert torch.equal(first, second)
    assert torch.equal(plain.get_state(), same.get_state())


def test_brightness_and_contrast_are_those_of_torchvision() -> None:
    from torchvision.transforms.v2 import functional as reference

    images = smooth(5)
    ours = brightness_and_contrast(images, generator(2), brightness=(0.6, 1.4), contrast=(0.5, 1.5))
    draws = torch.rand(2, 5, generator=generator(2))
    for index in range(5):
        bright = reference.adjust_brightness(images[index], 0.6 + 0.8 * float(draws[0, index]))
        both = reference.adjust_contrast(bright, 0.5 + float(draws[1, index]))
        assert torch.allclose(ours[index], both, atol=1e-6)
    assert brightness_and_contrast(images, generator()) is images


def test_blur_equals_an_independent_filter() -> None:
    images = torch.rand(3, 1, 40, 40, generator=generator(7))
    ours = gaussian_blur(images, generator(4), (5.0, 60.0))
    sigmas = (5.0 + 55.0 * torch.rand(3, generator=generator(4))).numpy() * 40 / 1000
    reach = int(np.ceil(3 * 60.0 * 40 / 1000))
    for index, sigma in enumerate(sigmas):
        expected = ndimage.gaussian_filter(
            images[index, 0].numpy(), sigma, mode="mirror", truncate=reach / sigma
        )
        assert np.abs(ours[index, 0].numpy() - expected).max() < 1e-4
    assert gaussian_blur(images, generator(), (0.0, 0.0)) is images
