"""Pixels as an outside encoder wants them, against Pillow."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from baselines.outside.preprocessing import Prepare, Preprocessing, checked
from benchmark.errors import UsageError

VALID = {"image_size": 32, "mean": [0.5], "std": [0.25]}
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mode": "RGB"}, "field of the preprocessing of x called `mode`"),
        ({"image_size": 0}, "`image_size` must be positive"),
        ({"mean": [0.5, 0.5]}, "1 or 3 values"),
        ({"mean": [0.5] * 3}, "1 or 3 values"),
        ({"std": [0.0]}, "`std` must be positive"),
        ({"mean": [123.7], "std": [58.4]}, "divide those of [0, 255] by 255"),
        ({"interpolation": "nearest"}, "bilinear, bicubic"),
        ({"crop_fraction": 0}, "(0, 1]"),
        ({"crop_fraction": 1.1}, "(0, 1]"),
    ],
)
def test_what_cannot_be_is_refused(change, said):
    with pytest.raises(UsageError) as caught:
        checked({**VALID, **change}, "x")
    assert said in str(caught.value)


@pytest.mark.parametrize("field", VALID)
def test_what_is_missing_is_named(field):
    content = {name: value for name, value in VALID.items() if name != field}
    with pytest.raises(UsageError, match=f"lacks {field}"):
        checked(content, "x")


@given(
    size=st.integers(1, 1024),
    bands=st.sampled_from([1, 3]),
    mean=st.floats(-1, 2),
    std=st.floats(1e-6, 2),
    interpolation=st.sampled_from(sorted(FILTERS)),
    crop=st.floats(0.1, 1),
)
def test_what_can_be_is_kept(size, bands, mean, std, interpolation, crop):
    found = checked(
        {
            "image_size": size,
            "mean": [mean] * bands,
            "std": [std] * bands,
            "interpolation": interpolation,
            "crop_fraction": crop,
        },
        "x",
    )
    assert found == Preprocessing(size, (mean,) * bands, (std,) * bands, interpolation, crop)
    assert found.channels == bands
    assert found.whole_size >= size


def resized(pixels: np.ndarray, side: int, interpolation: str) -> np.ndarray:
    image = Image.fromarray(pixels.astype(np.float32), mode="F")
    found = np.asarray(image.resize((side, side), FILTERS[interpolation]))
    return np.clip(found, 0, 1)


@pytest.mark.parametrize("interpolation", sorted(FILTERS))
@pytest.mark.parametrize(("before", "after"), [(64, 24), (24, 64), (40, 40)])
def test_resampling_and_normalising_are_those_of_pillow(interpolation, before, after):
    pixels = np.random.default_rng(0).random((before, before)).astype(np.float32)
    mean, std = (0.48, 0.45, 0.4), (0.22, 0.23, 0.24)
    prepare = Prepare(Preprocessing(after, mean, std, interpolation))
    found = prepare(torch.from_numpy(pixels)[None, None])[0].numpy()
    grey = resized(pixels, after, interpolation)
    wanted = np.stack([(grey - m) / s for m, s in zip(mean, std)])
    assert found.shape == (3, after, after)
    assert np.abs(found - wanted).max() < 1e-4


def test_the_crop_is_the_centre_and_only_for_the_whole_image():
    pixels = np.random.default_rng(1).random((50, 50)).astype(np.float32)
    prepare = Prepare(Preprocessing(40, (0.0,), (1.0,), "bicubic", 0.8))
    assert prepare.preprocessing.whole_size == 50
    image = torch.from_numpy(pixels)[None, None]
    assert np.array_equal(prepare(image)[0, 0].numpy(), pixels[5:45, 5:45])
    whole = prepare.uncut(image)[0, 0].numpy()
    assert np.abs(whole - resized(pixels, 40, "bicubic")).max() < 1e-4
