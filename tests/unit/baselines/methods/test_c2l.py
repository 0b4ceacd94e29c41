"""C2L: teacher, queue, mixing, and that all of it is stored."""

import copy

import pytest
import torch
from torch.nn import functional

from baselines.c2l import BASELINE, build
from benchmark.errors import UsageError
from benchmark.interfaces import BuildContext, PretrainBatch
from benchmark.workshop import take_equal_tensors


def made(seed=0, **options):
    size = BASELINE.sizes["toy"]
    return build(BuildContext(size, {**BASELINE.options, **options}, 32, seed=seed))


def batch(count=4, seed=1):
    source = torch.Generator().manual_seed(seed)
    first, second = (torch.randn(count, 1, 32, 32, generator=source) for _ in range(2))
    return PretrainBatch(first, second_images=second)


def loss_of(model, pictures, seed=2):
    return model.pretraining_loss(pictures, torch.Generator().manual_seed(seed))


def test_one_view_is_a_usage_error():
    with pytest.raises(UsageError, match="image_views"):
        loss_of(made(), PretrainBatch(batch().images))
    assert BASELINE.pretraining.image_views == 2


def test_an_unknown_criterion_is_a_usage_error():
    with pytest.raises(UsageError, match="criterion"):
        made(criterion="triplet")


def test_the_teacher_begins_as_the_student_and_follows_it_slowly():
    model = made(momentum=0.9).train()
    student = dict(model.backbone.named_parameters())
    for name, value in model.teacher["backbone"].named_parameters():
        assert torch.equal(value, student[name])
        assert not value.requires_grad
    with torch.no_grad():
        model.projection.weight.add_(1.0)
    before = model.teacher["projection"].weight.clone()
    loss_of(model, batch())["total"].backward()
    assert torch.allclose(model.teacher["projection"].weight, before + 0.1, atol=1e-6)
    assert all(value.grad is None for value in model.teacher.parameters())


def test_the_teacher_takes_the_start_weights_too():
    model, other = made(), made(seed=5)
    start = {key: value for key, value in other.state_dict().items() if key.startswith("backbone")}
    model.after_start(take_equal_tensors(model, start, None))
    for name, value in model.teacher["backbone"].state_dict().items():
        assert torch.equal(value, other.state_dict()[f"backbone.{name}"])


def test_the_queue_is_first_in_first_out_and_wraps_around():
    model = made().train()
    length = len(model.queue)
    vectors = torch.randn(length + 3, model.queue.shape[1])
    for start in range(0, len(vectors), 5):
        model._enqueue(vectors[start : start + 5])
    expected = functional.normalize(vectors)
    assert torch.allclose(model.queue[3:], expected[3:length])
    assert torch.allclose(model.queue[:3], expected[length:])
    assert int(model.position) == 3
    model._enqueue(torch.randn(3 * length, model.queue.shape[1]))
    assert torch.allclose(model.queue.norm(dim=1), torch.ones(length))


def test_each_of_the_three_terms_is_what_it_says():
    model, pictures = made(holes=0).train(), batch()
    reference = copy.deepcopy(model)
    losses = loss_of(model, pictures)
    source = torch.Generator().manual_seed(2)
    for _ in range(2):
        torch.rand(2, 4, 0, generator=source)
    order = torch.randperm(4, generator=source)
    draw = torch.rand((), generator=source)
    share = max(draw, 1 - draw)

    def blend(values):
        return torch.stack([share * values[i] + (1 - share) * values[order[i]] for i in range(4)])

    with torch.no_grad():
        student = reference.student_vectors(pictures.images)
        teacher = reference.teacher_vectors(pictures.second_images)
        student_mixed = reference.student_vectors(blend(pictures.images))
        teacher_mixed = reference.teacher_vectors(blend(pictures.second_images))
    queue = list(reference.queue.clone())
    pairs = {
        "plain": (student, teacher),
        "mixed_images": (student_mixed, teacher_mixed),
        "mixed_features": (student_mixed, blend(teacher)),
    }
    place = 0
    for name, (ours, theirs) in pairs.items():
        terms = []
        for one, other in zip(functional.normalize(ours), functional.normalize(theirs)):
            logits = torch.stack([one @ other, *(one @ entry for entry in queue)]) / 0.07
            terms.append(torch.logsumexp(logits, 0) - logits[0])
        assert torch.isclose(losses[name], torch.stack(terms).mean(), rtol=1e-4)
        for vector in functional.normalize(theirs):
            queue[place] = vector
            place += 1
    assert torch.isclose(losses["total"], sum(losses[name] for name in pairs) / 3)
    assert int(model.position) == 12


def test_holes_hide_squares_of_both_views():
    model = made(holes=3).eval()
    hidden = model._with_holes(torch.ones(8, 1, 56, 56), torch.Generator().manual_seed(0))
    share = (hidden == 0).float().mean()
    assert 0.02 < share < 3 / 49 + 1e-6
    losses = [loss_of(made(holes=count).eval(), batch())["total"] for count in (0, 3)]
    assert not torch.isclose(*losses)


def test_nce_fixes_its_scale_at_the_first_batch():
    model = made(criterion="nce").train()
    assert model.mean_exponential == 0
    loss_of(model, batch())
    scale = model.mean_exponential.clone()
    assert scale > 0
    loss = loss_of(model, batch(seed=9))["total"]
    assert torch.equal(model.mean_exponential, scale)
    assert not torch.isclose(loss, loss_of(made().train(), batch(seed=9))["total"])


def test_a_stored_state_continues_as_an_undisturbed_run():
    def step(model, optimizer, number):
        optimizer.zero_grad()
        loss = loss_of(model, batch(seed=number), seed=number)["total"]
        loss.backward()
        optimizer.step()
        return loss.item()

    model = made().train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    step(model, optimizer, 1)
    state = copy.deepcopy(model.state_dict())
    resumed = made(seed=7).train()
    resumed.load_state_dict(state, strict=True)
    again = torch.optim.SGD(resumed.parameters(), lr=0.1)
    for number in (2, 3):
        assert step(model, optimizer, number) == step(resumed, again, number)
    assert torch.equal(model.queue, resumed.queue)


def test_evaluation_moves_neither_teacher_nor_queue():
    model = made(momentum=0.5).eval()
    with torch.no_grad():
        model.projection.weight.add_(1.0)
    before = copy.deepcopy(model.state_dict())
    loss_of(model, batch())
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_the_paper_size_builds():
    with torch.device("meta"):
        model = build(BuildContext(BASELINE.sizes["paper"], BASELINE.options, 224))
    assert model.queue.shape == (16384, 128)
