"""The protocol: which models and passes are counted, what is timed, what is left alone."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from fakes import make_context

from benchmark import registry
from benchmark.data.splits import SplitRows
from benchmark.errors import BadDataError, UsageError
from benchmark.interfaces import BuildContext
from benchmark.metrics import efficiency
from benchmark.protocols import measure, speed
from benchmark.recipes.measure import MeasureRecipe

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.interfaces import Outcome

RECIPE = MeasureRecipe(source="test", reference_size="toy", warmup_passes=1, timed_passes=3)


def cell(folder: Path, name: str, recipe: MeasureRecipe = RECIPE, **changes: Any) -> Any:
    spec = registry.load_baseline(name)
    build = BuildContext(
        size=spec.sizes["toy"],
        options=spec.options,
        image_size=32,
        reports=lambda: ("The heart is enlarged. Small left effusion.",),
    )
    model = registry.baseline_module(name).build(build).eval()
    return make_context(folder, recipe, "measure", baseline=spec, representation=model, **changes)


def macs(outcome: Outcome, **wanted: str) -> int:
    arrays = outcome.predictions
    rows = np.ones(len(arrays["macs"]), dtype=bool)
    for column, value in wanted.items():
        rows &= arrays[f"macs_{column}"] == value
    return int(arrays["macs"][rows].sum())


def test_both_models_are_counted_at_their_own_size(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, reference_size="demo")
    outcome = measure.run(cell(tmp_path, "maco", recipe))
    sides = outcome.facts["image_sizes"]
    assert sides["reference"] == {"image_size": 224, "pretraining_image_size": 448}
    assert sides["evaluated"] == {"image_size": 32, "pretraining_image_size": 64}
    small = registry.load_baseline("maco").sizes["toy"]
    assert outcome.facts["reference_size"]["width"] != small["width"]
    found = {"model": "evaluated", "pass": "inference", "module": "patch_embed"}
    assert macs(outcome, **found) == 16 * 64 * small["width"]
    assert macs(outcome, **{**found, "model": "reference"}) > macs(outcome, **found)


def test_an_image_size_of_the_recipe_stands_above_the_models(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, image_size=48)
    outcome = measure.run(cell(tmp_path, "mae", recipe))
    assert outcome.facts["image_sizes"]["evaluated"]["image_size"] == 48
    found = {"model": "evaluated", "module": "patch_embed"}
    assert macs(outcome, **{**found, "pass": "inference"}) * 16 == 36 * macs(
        outcome, **{**found, "pass": "pretraining"}
    )


def test_parts_are_told_apart_by_what_reads_them(tmp_path: Path) -> None:
    context = cell(tmp_path, "maco")
    outcome = measure.run(context)
    arrays = outcome.predictions
    of = arrays["parameters_model"] == "evaluated"
    part = dict(zip(arrays["parameters_module"][of], arrays["parameters_part"][of], strict=True))
    assert part["blocks"] == part["norm"] == part["cls_token"] == "image_encoder"
    assert part["img_mlp"] == "image_projection"
    assert part["bert_encoder"] == "text_encoder"
    for name in ("decoder_blocks", "mask_token", "pos_weight_img", "Tpar"):
        assert part[name] == "pretraining_only"
    model = context.representation()
    total = sum(value.numel() for value in model.parameters())
    assert int(arrays["parameters"][of].sum()) == total
    for name in ("image_encoder", "text_encoder", "pretraining_only"):
        assert macs(outcome, model="evaluated", part=name, **{"pass": "pretraining"}) > 0
    assert macs(outcome, part="text_encoder", **{"pass": "inference"}) == 0


def test_image_only_methods_have_no_text_and_say_why(tmp_path: Path) -> None:
    arrays = measure.run(cell(tmp_path, "mae")).predictions
    assert "text" not in arrays["macs_pass"]
    absent = zip(arrays["absent_model"], arrays["absent_pass"], strict=True)
    assert set(absent) == {
        (model, name) for model in ("reference", "evaluated") for name in ("embedding", "text")
    }
    assert all("text" in why for why in arrays["absent_why"])


def test_a_method_without_an_objective_has_no_pretraining(tmp_path: Path) -> None:
    outcome = measure.run(cell(tmp_path, "random_init_resnet50"))
    scores = efficiency.score(outcome.predictions, RECIPE, 0, 0).metrics
    assert scores["pretraining_gmacs"].value is None
    assert "objective" in scores["pretraining_gmacs"].why
    assert scores["inference_gmacs"].value == scores["inference_gmacs_layers_only"].value > 0
    assert set(scores["parameters_millions"].per_class) == {"image_encoder"}


def test_what_official_code_runs_beyond_the_method_is_counted_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def published_forward(model: Any, batch: Any, generator: Any) -> None:
        model.pretraining_loss(batch, generator)
        torch.zeros(3, 5) @ torch.zeros(5, 7)

    module = registry.baseline_module("mae")
    monkeypatch.setattr(module, "published_forward", published_forward, raising=False)
    outcome = measure.run(cell(tmp_path, "mae"))
    scores = efficiency.score(outcome.predictions, RECIPE, 0, 0).metrics
    for ending in ("", "/evaluated"):
        published = scores["pretraining_gmacs_published" + ending].value
        ours = scores["pretraining_gmacs_layers_only" + ending].value
        assert published is not None and ours is not None
        assert published - ours == pytest.approx(105e-9, rel=1e-6)


def test_counts_are_equal_from_run_to_run_and_the_model_is_left_as_it_is(tmp_path: Path) -> None:
    context = cell(tmp_path, "maco")
    model: Any = context.representation()
    model.img_mlp.requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.random.get_rng_state()
    first, second = measure.run(context), measure.run(context)
    assert first.facts == second.facts
    assert set(first.predictions) == set(second.predictions)
    for name, values in first.predictions.items():
        assert np.array_equal(values, second.predictions[name]), name
    assert torch.equal(state, torch.random.get_rng_state())
    after = model.state_dict()
    assert all(type(value) is torch.Tensor for value in after.values())
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not model.img_mlp.weight.requires_grad and model.norm.weight.requires_grad
    assert torch.isfinite(model.image_embedding(torch.zeros(1, 1, 32, 32))).all()


def test_nothing_of_the_clock_enters_the_predictions(tmp_path: Path) -> None:
    outcome = measure.run(cell(tmp_path, "mae"))
    scores = efficiency.score(outcome.predictions, RECIPE, 0, 0)
    assert not any("second" in name or "memory" in name for name in scores.metrics)
    timing = outcome.timing
    assert timing["inference_batch"] == 20
    assert len(timing["inference_seconds_per_batch"]) == 3
    assert timing["inference_peak_memory_mib"] > 0
    assert timing["inference_device"] and timing["inference_threads"] >= 1
    assert timing["inference_precision"] == "float32"


def test_speed_is_of_the_median_pass_after_the_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bool] = []
    # Begin and end of two passes for warming up and three timed ones: 0.5, 2.0 and 0.25 s.
    clock = iter([0.0, 9.0, 9.0, 18.0, 18.0, 18.5, 19.0, 21.0, 30.0, 30.25])
    monkeypatch.setattr(speed, "_clock", lambda device: next(clock))
    timing = speed.time_passes(
        lambda: calls.append(torch.is_grad_enabled()),
        images=8,
        warmup=2,
        repetitions=3,
        precision="auto",
        device="cpu",
        progress=lambda *_, **__: None,
    )
    assert calls == [False] * 5
    assert timing["inference_seconds_per_batch"] == [0.5, 2.0, 0.25]
    assert timing["inference_images_per_second"] == 8 / 0.5


def test_the_published_figure_comes_out_of_a_small_model(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, reference_size="paper")
    outcome = measure.run(cell(tmp_path, "maco", recipe))
    scores = efficiency.score(outcome.predictions, recipe, 0, 0).metrics
    found = {name: round(metric.value, 2) for name, metric in scores.items() if metric.value}
    assert found["pretraining_gmacs_published"] == 16.91
    assert found["pretraining_gmacs_layers_only"] == 15.74
    assert found["inference_gmacs_layers_only"] == 16.85
    assert found["parameters_millions"] == 140.05


def test_an_unknown_reference_size_gets_a_near_name(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, reference_size="papre")
    with pytest.raises(UsageError, match="paper"):
        measure.run(cell(tmp_path, "mae", recipe))


def test_without_a_test_image_there_is_nothing_to_time(tmp_path: Path) -> None:
    none = np.zeros(0, dtype=np.int64)
    rows = SplitRows(np.arange(30), none, none, "fake")
    with pytest.raises(BadDataError, match="no test image"):
        measure.run(cell(tmp_path, "mae", rows=rows))
