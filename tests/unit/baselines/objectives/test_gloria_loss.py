"""GLoRIA's similarities and words against loops."""

import numpy as np
import pytest
import torch

from baselines.objectives.gloria import (
    local_similarities,
    region_attention,
    symmetric_loss,
)
from baselines.objectives.words import gloria_words


def softmax(values):
    exponentials = np.exp(np.asarray(values) - np.max(values))
    return exponentials / exponentials.sum()


def slow_similarity(regions, words, form, pooling):
    """One image (N, D), one text (W, D)."""
    scores = np.array([[region @ word for word in words] for region in regions])
    if form == "code":
        scores = np.array([softmax(row) for row in scores])
    exponentials = []
    for index, word in enumerate(words):
        attention = softmax(4 * scores[:, index])
        context = sum(weight * region for weight, region in zip(attention, regions))
        cosine = context @ word / np.linalg.norm(context) / np.linalg.norm(word)
        exponentials.append(np.exp(5 * cosine))
    pool = {"sum": np.sum, "mean": np.mean, "max": np.max}[pooling]
    value = np.log(pool(exponentials))
    return value / 5 if form == "paper" else value


@pytest.mark.parametrize("form", ["code", "paper"])
@pytest.mark.parametrize("pooling", ["sum", "mean", "max"])
@pytest.mark.parametrize("first", [0, 1])
def test_local_similarities_equal_loops_and_ignore_padding(form, pooling, first):
    generator = np.random.default_rng(0)
    regions = generator.standard_normal((3, 6, 5))
    words = generator.standard_normal((2, 7, 5))
    counts = [3, 7]
    options = {"first": first, "form": form, "pooling": pooling}
    ours = local_similarities(torch.tensor(regions), torch.tensor(words), counts, **options)
    slow = [
        [slow_similarity(image, text[first:n], form, pooling) for text, n in zip(words, counts)]
        for image in regions
    ]
    assert np.allclose(ours, slow, rtol=1e-6)
    words[0, 3:] = 99
    again = local_similarities(torch.tensor(regions), torch.tensor(words), counts, **options)
    assert torch.equal(ours, again)


def test_attention_sums_to_one_over_regions():
    regions = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(0))
    words = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))
    maps = region_attention(regions, words)
    assert maps.shape == (2, 6, 4)
    assert torch.allclose(maps.sum(dim=1), torch.ones(2, 4))


def test_symmetric_loss_is_the_sum_of_both_directions():
    scores = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))
    entropy = torch.nn.functional.cross_entropy
    truth = torch.arange(3)
    expected = entropy(10 * scores, truth) + entropy(10 * scores.T, truth)
    assert torch.isclose(symmetric_loss(scores), expected)


def test_words_equal_loops():
    generator = np.random.default_rng(3)
    states = generator.standard_normal((5, 3, 6, 4)).astype("float32")
    present = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], dtype=bool)
    continues = np.array([[0, 0, 1, 1, 0, 1], [0, 0, 1, 1, 1, 0], [0, 1, 0, 0, 0, 0]], dtype=bool)
    words, counts = gloria_words(
        torch.tensor(states), torch.tensor(present), torch.tensor(continues), slots=8
    )
    assert words.shape == (3, 8, 4)
    for text in range(3):
        slow = []
        for piece in range(6):
            if not present[text, piece]:
                break
            vector = states[1:, text, piece].sum(axis=0)
            if continues[text, piece]:
                slow[-1] = slow[-1] + vector
            else:
                slow.append(vector)
        assert int(counts[text]) == len(slow)
        assert np.allclose(words[text, : len(slow)], np.array(slow), atol=1e-5)
        assert not words[text, len(slow) :].any()


def test_words_of_a_tower_with_few_layers():
    states = torch.ones(2, 1, 3, 4)
    present = torch.ones(1, 3, dtype=torch.bool)
    words, counts = gloria_words(states, present, ~present, slots=3)
    assert (words == 2).all()
    assert counts.tolist() == [3]
