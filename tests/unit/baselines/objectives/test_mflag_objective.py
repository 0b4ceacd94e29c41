"""M-FLAG's losses against loops in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.objectives.mflag import alignment_loss, orthogonality_loss
from benchmark.errors import UsageError


def drawn(rows, width, seed=0):
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("counted", "times"), [("official", 2), ("once", 1)])
def test_alignment_is_the_squared_distance_of_unit_vectors(counted, times):
    images, texts = drawn(5, 6), drawn(5, 6, 1)
    total = 0.0
    for image, text in zip(images.double().numpy(), texts.double().numpy()):
        first, second = image / np.linalg.norm(image), text / np.linalg.norm(text)
        total += times * sum((a - b) ** 2 for a, b in zip(first, second))
    found = alignment_loss(images, texts, counted)
    assert float(found) == pytest.approx(total / 5, rel=1e-5)
    assert float(alignment_loss(images, 3 * images, counted)) == pytest.approx(0, abs=1e-5)


def test_an_unknown_count_is_refused():
    with pytest.raises(UsageError, match="once"):
        alignment_loss(drawn(2, 3), drawn(2, 3), "onc")


@pytest.mark.parametrize(("rows", "nominal"), [(2, 0), (4, 0), (4, 16)])
def test_orthogonality_term_by_term(rows, nominal):
    features = drawn(rows, 5).abs()
    values = features.double().numpy()
    total = 0.0
    for i in range(5):
        for j in range(5):
            entry = sum(values[b, i] * values[b, j] for b in range(rows)) / (nominal or rows)
            total += (entry - 1) ** 2 if i == j else 0.3 * entry**2
    found = orthogonality_loss(features, 0.3, nominal)
    assert float(found) == pytest.approx(total / 2, rel=1e-5)


def test_features_are_neither_centred_nor_normalised():
    features = drawn(6, 4).abs()
    assert orthogonality_loss(10 * features) > 100 * orthogonality_loss(features)
    # Orthogonal columns of mean square 1 are what it asks for.
    assert float(orthogonality_loss(2 * torch.eye(4))) == pytest.approx(0, abs=1e-6)
    assert float(orthogonality_loss(2 * torch.eye(4) + 1)) > 0.1


def test_large_features_in_half_precision_do_not_overflow():
    features = (drawn(8, 16) * 100).half()
    with torch.autocast("cpu", torch.bfloat16):
        found = orthogonality_loss(features)
    assert torch.isfinite(found)
    assert torch.equal(found, orthogonality_loss(features.float()))
    assert float(found) > torch.finfo(torch.float16).max
