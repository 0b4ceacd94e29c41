"""ConVIRT's loss against loops."""

import math

import numpy as np
import pytest
import torch

from baselines.objectives.convirt import both_directions, convirt_loss


def slow(images, texts, temperature, weight):
    def cosine(a, b):
        return float(a @ b / math.sqrt(float(a @ a) * float(b @ b)))

    count, total = len(images), 0.0
    for i in range(count):
        own = cosine(images[i], texts[i]) / temperature
        row = [math.exp(cosine(images[i], texts[k]) / temperature) for k in range(count)]
        column = [math.exp(cosine(images[k], texts[i]) / temperature) for k in range(count)]
        total += weight * (math.log(sum(row)) - own)
        total += (1 - weight) * (math.log(sum(column)) - own)
    return total / count


@pytest.mark.parametrize("count", [2, 5])
@pytest.mark.parametrize("weight", [0.0, 0.75])
def test_equals_loops(count, weight):
    generator = np.random.default_rng(0)
    images, texts = generator.standard_normal((2, count, 7))
    ours = convirt_loss(torch.tensor(images), torch.tensor(texts), 0.2, weight)[0]
    assert float(ours) == pytest.approx(slow(images, texts, 0.2, weight), rel=1e-5)


def test_directions_and_their_gradients():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(4, 6, generator=generator).requires_grad_()
    texts = torch.randn(4, 6, generator=generator).requires_grad_()
    total, to_text, to_image = convirt_loss(images, texts, 0.1, 0.75)
    assert to_text != to_image
    assert torch.isclose(total, 0.75 * to_text + 0.25 * to_image)
    # In a re-implementation the text branch gets none; here both sides do.
    total.backward()
    assert images.grad.abs().sum() > 0
    assert texts.grad.abs().sum() > 0


def test_dot_products_depend_on_length_and_cosines_do_not():
    images, texts = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(1))
    plain = both_directions(images, texts, 1.0, normalised=False)[0]
    assert not torch.allclose(plain, both_directions(3 * images, texts, 1.0, normalised=False)[0])
    cosines = both_directions(images, texts, 1.0)[0]
    assert torch.allclose(cosines, both_directions(3 * images, texts, 1.0)[0], atol=1e-5)
