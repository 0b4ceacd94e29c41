"""Parts of segmentation: losses, schedules, layer decay, decoders, selection, counts."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from drawn import RESNET, SIDE, VIT
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from segmentation_models_pytorch.losses import DiceLoss, FocalLoss
from segmented import RECIPE

from benchmark.errors import UsageError
from benchmark.metrics.mask_runs import MaskRuns
from benchmark.protocols.segment_loss import (
    MaskLoss,
    dice_of_images,
    log_dice_of_batch,
    with_auxiliary,
)
from benchmark.protocols.segment_model import Segmenter, make_pyramid
from benchmark.protocols.segment_predict import THRESHOLDS, Predicted, counts_at
from benchmark.protocols.segment_selection import (
    BestSegmenter,
    MaskSelection,
    balanced_rows,
)
from benchmark.protocols.segment_training import augmented, make_schedule
from benchmark.training.layer_decay import layer_groups
from benchmark.training.schedules import WarmupConstant, WarmupCosine, WarmupLinear
from tests.encoders import encoder


def case(seed: int = 0, empty: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(3, 1, 5, 4, generator=generator)
    target = (torch.rand(3, 1, 5, 4, generator=generator) < 0.3).float()
    if empty:
        target[1:] = 0
    return logits, target


@pytest.mark.parametrize("alpha", [0.5, 0.25, -1.0])
def test_focal_loss_by_loops_and_by_another_library(alpha: float) -> None:
    logits, target = case()
    found = MaskLoss(1.0, 0.0, gamma=2.0, alpha=alpha)(logits, target)["focal"]
    terms = []
    for x, t in zip(logits.flatten().tolist(), target.flatten().tolist(), strict=True):
        p = 1 / (1 + math.exp(-x))
        right = p if t else 1 - p
        share = 1.0 if alpha < 0 else alpha if t else 1 - alpha
        terms.append(-share * (1 - right) ** 2 * math.log(right))
    assert float(found) == pytest.approx(np.mean(terms), abs=1e-6)
    library = FocalLoss("binary", alpha=None if alpha < 0 else alpha, gamma=2.0)
    assert float(found) == pytest.approx(float(library(logits, target)), abs=1e-6)


@pytest.mark.parametrize("empty", [False, True])
def test_dice_losses_by_loops(empty: bool) -> None:
    logits, target = case(1, empty)
    probability = torch.sigmoid(logits)
    each, sums = [], [0.0, 0.0]
    for p_map, t_map in zip(probability, target, strict=True):
        both, squares = 0.0, 0.0
        for p, t in zip(p_map.flatten().tolist(), t_map.flatten().tolist(), strict=True):
            both += p * t
            squares += p * p + t * t
            sums[0] += p * t
            sums[1] += p + t
        each.append(1 - (2 * both + 1) / (squares + 1))
    assert float(dice_of_images(probability, target)) == pytest.approx(np.mean(each), abs=1e-6)
    expected = -math.log((2 * sums[0] + 1) / (sums[1] + 1))
    found = log_dice_of_batch(probability, target)
    assert float(found) == pytest.approx(expected, abs=1e-6)
    if not empty:
        # The library adds its smoothing to half of both sides.
        library = DiceLoss("binary", smooth=0.5, log_loss=True)
        assert float(found) == pytest.approx(float(library(logits, target)), abs=1e-5)


def test_batch_dice_and_cross_entropy_make_the_loss_of_medklip():
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(3, 1, 4, 5, generator=generator)
    target = (torch.rand(3, 1, 4, 5, generator=generator) > 0.7).float()
    recipe = RECIPE.replaced(
        {"dice_form": "batch", "focal_weight": 1.0, "focal_gamma": 0.0, "focal_alpha": -1.0}
    )
    both = inside = true = entropy = 0.0
    for logit, mark in zip(logits.flatten().tolist(), target.flatten().tolist(), strict=True):
        probability = 1 / (1 + math.exp(-logit))
        both, inside, true = both + probability * mark, inside + probability, true + mark
        entropy -= mark * math.log(probability) + (1 - mark) * math.log(1 - probability)
    expected = entropy / logits.numel() + 1 - (2 * both + 1) / (inside + true + 1)
    assert float(MaskLoss.of(recipe)(logits, target)["total"]) == pytest.approx(expected, rel=1e-5)


def test_a_crop_moves_image_and_mask_together():
    generator = torch.Generator().manual_seed(5)
    picture = torch.rand(6, 1, 16, 16, generator=generator)
    both = torch.cat([picture, picture], dim=1)
    recipe = RECIPE.replaced({"crop_scale": (0.2, 0.5), "rotation_degrees": 0.0, "scale": (1, 1)})
    found = augmented(both, recipe, torch.Generator().manual_seed(1))
    assert found.shape == both.shape
    assert torch.equal(found[:, 0], found[:, 1])
    assert not torch.allclose(found, both)
    again = augmented(both, recipe, torch.Generator().manual_seed(1))
    assert torch.equal(found, again)


def test_weights_and_the_auxiliary_head_enter_the_total() -> None:
    logits, target = case()
    loss = MaskLoss(2.0, 3.0)
    parts = loss(logits, target)
    assert parts["total"] == pytest.approx(2 * parts["focal"] + 3 * parts["dice"])
    both = with_auxiliary(loss, logits, -logits, target, 0.4)
    other = loss(-logits, target)["total"]
    assert both["total"] == pytest.approx(parts["total"] + 0.4 * other)
    assert with_auxiliary(loss, logits, None, target, 0.4)["total"] == parts["total"]


def test_an_empty_target_asks_for_an_empty_prediction() -> None:
    target = torch.zeros(2, 1, 4, 4)
    losses = [
        MaskLoss(0.0, 1.0, dice_form=form)(torch.full((2, 1, 4, 4), level), target)["total"]
        for form in ("image", "log_batch")
        for level in (-8.0, 0.0, 8.0)
    ]
    assert losses[0] < losses[1] < losses[2] and losses[3] < losses[4] < losses[5]
    assert losses[0] == pytest.approx(0, abs=1e-3)


def test_schedules_by_name() -> None:
    kinds = {"polynomial": WarmupLinear, "cosine": WarmupCosine, "constant": WarmupConstant}
    for name, kind in kinds.items():
        assert isinstance(make_schedule(RECIPE.replaced({"schedule": name}), 1.0, 10, 2), kind)


def segmenter(baseline: str = VIT, **changes: Any) -> Segmenter:
    recipe = RECIPE.replaced(changes)
    trunk = encoder(baseline).dense_trunk(recipe.taps, recipe.drop_path)
    return Segmenter(trunk, recipe, 7)


def test_a_frozen_encoder_has_no_group_and_no_gradient() -> None:
    model = segmenter(RESNET, freeze_encoder=True, decoder="unet").train()
    assert not any(module.training for module in model.trunk.modules())
    assert model.decoder.training
    trained = {id(p) for group in layer_groups(model, 0.0, 0.5) for p in group["params"]}
    assert not trained & {id(parameter) for parameter in model.trunk.parameters()}
    model(torch.randn(2, 1, SIDE, SIDE))[0].sum().backward()
    assert all(parameter.grad is None for parameter in model.trunk.parameters())
    assert all(parameter.grad is not None for parameter in model.decoder.parameters())


@pytest.mark.parametrize("baseline", [VIT, RESNET])
@pytest.mark.parametrize("decoder", ["upernet", "unet"])
def test_logits_have_the_size_of_the_image(baseline: str, decoder: str) -> None:
    model = segmenter(baseline, decoder=decoder).eval()
    for side in (SIDE, 2 * SIDE):
        with torch.inference_mode():
            main, auxiliary = model(torch.randn(2, 1, side, side))
        assert main.shape == (2, 1, side, side)
        assert auxiliary is None, "only training has an auxiliary head"


@torch.inference_mode()
def test_a_prediction_does_not_depend_on_its_batch() -> None:
    model = segmenter().eval()
    images = torch.randn(4, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    together, alone = model(images)[0], torch.cat([model(image[None])[0] for image in images])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


def test_gradients_reach_every_parameter() -> None:
    for decoder, baseline in (("upernet", VIT), ("unet", RESNET)):
        model = segmenter(baseline, decoder=decoder).train()
        main, auxiliary = model(torch.randn(2, 1, SIDE, SIDE))
        (main.sum() + (0 if auxiliary is None else auxiliary.sum())).backward()
        assert [name for name, value in model.named_parameters() if value.grad is None] == []


def test_the_seed_of_the_head_is_the_only_source_of_new_weights() -> None:
    state = torch.random.get_rng_state()
    first, again = segmenter().state_dict(), segmenter().state_dict()
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    other = Segmenter(encoder(VIT).dense_trunk((4, 6, 8, 12)), RECIPE, 8).state_dict()
    new = [name for name in first if not torch.equal(first[name], other[name])]
    assert new and not any(name.startswith("trunk.") for name in new)


def test_the_pyramid_of_a_transformer_has_four_sizes() -> None:
    maps = [torch.randn(2, 6, 4, 4) for _ in range(4)]
    pyramid = make_pyramid((6,) * 4, (8,) * 4)
    assert [item.shape[-1] for item in pyramid(maps)] == [16, 8, 4, 2]
    assert make_pyramid((1, 2, 3, 4), (4, 8, 16, 32))(maps) is maps
    with pytest.raises(UsageError, match="four blocks"):
        make_pyramid((6, 6), (8, 8))


@given(hnp.arrays(np.float32, st.integers(0, 40), elements=st.floats(0, 1, width=32)))
def test_counts_at_thresholds_equal_a_loop(values: np.ndarray) -> None:
    levels = np.array([0.01, 0.3, 0.5, 1.0], dtype=np.float32)
    expected = [sum(bool(value >= level) for value in values) for level in levels]
    assert counts_at(values, levels).tolist() == expected


def predicted(dice: list[float], empties: list[bool]) -> Predicted:
    """One target of 100 pixels; what is predicted has 100, too, in the Dice that is asked for.

    Each of `empties` is one more image without a target, predicted empty at a threshold or not.
    """
    common = np.array([[round(100 * value) for value in dice]])
    inside = np.full_like(common, 100)
    more = np.array([[0 if right else 5 for right in empties]] * 2)
    truth = MaskRuns.of([np.ones((10, 10)), np.zeros((10, 10)), np.zeros((10, 10))])
    return Predicted(
        np.concatenate([inside, more]),
        np.concatenate([common, 0 * more]),
        np.full((3, 2), 20),
        truth,
        None,
    )


def selection(metric: str = "dice_nonempty", threshold_rule: str = "validation") -> MaskSelection:
    rule = "full_validation"
    return MaskSelection(rule, rule, np.arange(3), 1, metric, threshold_rule)


def test_the_threshold_is_the_one_that_the_metric_likes_best() -> None:
    steps = len(THRESHOLDS)
    dice, left = [0.1] * steps, [False] * steps
    dice[4], left[15] = 0.8, True
    found = predicted(dice, left)
    assert selection().best_of(found) == (pytest.approx(0.8), THRESHOLDS[4])
    score, threshold = selection("dice_empty_is_one").best_of(found)
    assert (score, threshold) == (pytest.approx((0.1 + 2) / 3), THRESHOLDS[15])
    score, threshold = selection(threshold_rule="half").best_of(found)
    assert (score, threshold) == (pytest.approx(0.1), 0.5)


def test_of_equal_thresholds_the_one_nearest_to_a_half_is_taken() -> None:
    steps = len(THRESHOLDS)
    assert selection().best_of(predicted([0.4] * steps, [False] * steps))[1] == 0.5
    dice = [0.4 if threshold in (0.2, 0.75) else 0.1 for threshold in THRESHOLDS]
    assert selection().best_of(predicted(dice, [False] * steps))[1] == 0.75


def test_the_best_weights_survive_an_interruption(tmp_path: Any) -> None:
    model = torch.nn.Linear(2, 1)
    best = BestSegmenter(tmp_path / "best.pt", "run")
    best.consider(2, 0.4, 0.3, model)
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        model.weight += 1
    best.consider(4, 0.4, 0.6, model)
    again = BestSegmenter(tmp_path / "best.pt", "run")
    again.resume()
    assert (again.step, again.score, again.threshold) == (2, 0.4, 0.3), "the earliest of equals"
    assert all(torch.equal(kept[name], again.weights[name]) for name in kept)
    assert again.curve == best.curve and again.knows(4) and not again.knows(6)
    other = BestSegmenter(tmp_path / "best.pt", "another")
    other.resume()
    assert other.step == 0 and not other.curve
    best.forget()
    assert not list(tmp_path.iterdir())


def test_balanced_rows_keep_every_mask() -> None:
    rows = np.arange(10, 40)
    nonempty = rows % 5 == 0
    found = balanced_rows(rows, nonempty, np.random.default_rng(0))
    assert set(rows[nonempty]) <= set(found) <= set(rows)
    assert len(found) == len(set(found)) == 12 and list(found) == sorted(found)
    assert list(found) != list(balanced_rows(rows, nonempty, np.random.default_rng(1)))
    few = balanced_rows(rows, ~nonempty, np.random.default_rng(0))
    assert len(few) == 30, "fewer empty ones than asked for: all of them"
    assert len(balanced_rows(rows, rows < 0, np.random.default_rng(0))) == 1


def test_a_head_needs_only_what_it_reads() -> None:
    # A library that reads more of its configuration than we give would fail here by name.
    model = segmenter()
    assert isinstance(model.decoder.head.config, SimpleNamespace)
    assert model.decoder.head.pool_scales == (1, 2, 3, 6)
