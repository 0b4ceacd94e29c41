"""Contrastive objectives against sums written out term by term in plain Python."""

import math

import pytest
import torch

from baselines.objectives.contrast import cosine_logits, gathered, info_nce, row_losses
from baselines.objectives.correlation_weighting import (
    official_loss,
    official_terms,
    paper_loss,
    v1_loss,
)

PAIRS, TEMPERATURE = 7, 0.2


@pytest.fixture
def pairs():
    generator = torch.Generator().manual_seed(4)
    images = torch.randn(PAIRS, 5, generator=generator, dtype=torch.float64)
    texts = torch.randn(PAIRS, 5, generator=generator, dtype=torch.float64)
    scores = torch.randn(PAIRS, generator=generator, dtype=torch.float64)
    return images.float(), texts.float(), scores.float()


def cosine(first, second):
    dot = sum(a * b for a, b in zip(first, second))
    return dot / math.sqrt(sum(a * a for a in first) * sum(b * b for b in second))


def loop_row(anchors, others, row, factor=1.0):
    """-log softmax of one row's diagonal entry."""
    values = [
        factor * cosine(anchors[row].tolist(), others[k].tolist()) / TEMPERATURE
        for k in range(len(others))
    ]
    return math.log(sum(math.exp(value) for value in values)) - values[row]


def softplus(value):
    return math.log(1 + math.exp(value))


def logits_of(pairs):
    return cosine_logits(pairs[0], pairs[1], 1 / TEMPERATURE)


def test_info_nce_is_the_mean_of_both_directions(pairs):
    images, texts, _ = pairs
    loop = [(loop_row(images, texts, i) + loop_row(texts, images, i)) / 2 for i in range(PAIRS)]
    assert float(info_nce(logits_of(pairs))) == pytest.approx(sum(loop) / PAIRS, rel=1e-5)


def test_paper_form_sums_scaled_and_weighted_terms(pairs):
    images, texts, scores = pairs
    total = 0.0
    for i in range(PAIRS):
        weight = softplus(float(scores[i]))
        scaled = loop_row(images, texts, i, weight) + loop_row(texts, images, i, weight)
        plain = loop_row(images, texts, i) + loop_row(texts, images, i)
        total += scaled / 2 + weight * plain / 2
    assert float(paper_loss(logits_of(pairs), scores)) == pytest.approx(total / PAIRS, rel=1e-5)


def test_official_form_divides_weights_by_their_sum(pairs):
    images, texts, scores = pairs
    weights = [softplus(float(score)) for score in scores]
    rows = range(PAIRS)
    expected = [
        sum(loop_row(images, texts, i, weights[i]) for i in rows) / PAIRS,
        sum(loop_row(texts, images, i, weights[i]) for i in rows) / PAIRS,
        sum(weights[i] * loop_row(images, texts, i) for i in rows) / sum(weights),
        sum(weights[i] * loop_row(texts, images, i) for i in rows) / sum(weights),
    ]
    terms = official_terms(logits_of(pairs), scores)
    assert terms.tolist() == pytest.approx(expected, rel=1e-5)
    assert float(official_loss(logits_of(pairs), scores)) == pytest.approx(
        sum(expected) / 4, rel=1e-5
    )


@pytest.mark.parametrize("direction", ["image_to_text", "both"])
def test_preprint_form_with_a_shorter_last_group(pairs, direction):
    images, texts, scores = pairs
    group, tau1, tau2 = 3, 0.5, 4.0
    total = 0.0
    for start in range(0, PAIRS, group):
        members = range(start, min(start + group, PAIRS))
        sum1 = sum(math.exp(float(scores[j]) / tau1) for j in members)
        sum2 = sum(math.exp(float(scores[j]) / tau2) for j in members)
        for i in members:
            temper = math.exp(math.exp(float(scores[i]) / tau1) / sum1)
            weigh = math.exp(float(scores[i]) / tau2) / sum2
            term = loop_row(images, texts, i, 1 / temper)
            if direction == "both":
                term = (term + loop_row(texts, images, i, 1 / temper)) / 2
            total += weigh * term
    for reduction, divisor in (("sum", 1), ("mean", PAIRS), ("group_mean", 3)):
        loss = v1_loss(
            logits_of(pairs),
            scores,
            group=group,
            tau1=tau1,
            tau2=tau2,
            direction=direction,
            reduction=reduction,
        )
        assert float(loss) == pytest.approx(total / divisor, rel=1e-5)


def test_zero_scores_make_the_official_weighted_terms_plain(pairs):
    logits = logits_of(pairs)
    terms = official_terms(logits, torch.zeros(PAIRS))
    assert float(terms[2]) == pytest.approx(float(row_losses(logits).mean()), rel=1e-6)


@pytest.mark.parametrize("loss", [paper_loss, official_loss])
def test_gradient_reaches_scores_through_the_scaled_terms_only(pairs, loss):
    logits, scores = logits_of(pairs), pairs[2].clone().requires_grad_()
    (through_all,) = torch.autograd.grad(loss(logits, scores), scores)
    weights = torch.nn.functional.softplus(scores)
    scaled = row_losses(weights[:, None] * logits).mean()
    scaled = scaled + row_losses(weights[:, None] * logits.T).mean()
    share = 2 if loss is paper_loss else 4
    (through_scaled,) = torch.autograd.grad(scaled / share, scores)
    assert torch.allclose(through_all, through_scaled, atol=1e-7)
    assert through_all.abs().max() > 0


def test_a_larger_score_sharpens_in_the_paper_and_flattens_in_the_preprint(pairs):
    from baselines.objectives.correlation_weighting import v1_weights

    tempering, weighing, _ = v1_weights(torch.tensor([0.0, 2.0]), 2, 1.0, 16.0)
    assert 1 < tempering[0] < tempering[1] < math.e
    assert float(weighing.sum()) == pytest.approx(1.0)
    assert not weighing.requires_grad


def test_a_single_process_gathers_nothing(pairs):
    assert gathered(pairs[0]) is pairs[0]


def _one_of_two(rank, folder, results):
    import torch.distributed as dist

    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    generator = torch.Generator().manual_seed(0)
    images, texts = torch.randn(2, 6, 4, generator=generator)
    mine = slice(rank * 3, rank * 3 + 3)
    own_images = images[mine].clone().requires_grad_()
    logits = cosine_logits(gathered(own_images), gathered(texts[mine]), 5.0)
    loss = info_nce(logits)
    loss.backward()
    results[rank] = (loss.item(), own_images.grad.tolist())
    dist.destroy_process_group()


@pytest.mark.full
def test_two_processes_give_the_loss_and_gradient_of_one(tmp_path):
    import torch.multiprocessing as mp

    results = mp.get_context("spawn").Manager().dict()
    mp.spawn(_one_of_two, args=(str(tmp_path), results), nprocs=2)
    generator = torch.Generator().manual_seed(0)
    images, texts = torch.randn(2, 6, 4, generator=generator)
    images.requires_grad_()
    loss = info_nce(cosine_logits(images, texts, 5.0))
    loss.backward()
    for rank in (0, 1):
        value, gradient = results[rank]
        assert value == pytest.approx(loss.item(), rel=1e-5)
        # Summed over two identical losses; averaging over processes takes the factor out again.
        expected = 2 * images.grad[rank * 3 : rank * 3 + 3]
        assert torch.allclose(torch.tensor(gradient), expected, atol=1e-6)
