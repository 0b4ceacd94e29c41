"""Scores of stored counts, against naive sums over the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import BadDataError
from benchmark.metrics import efficiency
from benchmark.recipes.measure import MeasureRecipe

RECIPE = MeasureRecipe(source="test")
MODELS = ("reference", "evaluated")
PASSES = ("inference", "embedding", "text", "pretraining", "pretraining_published")
PARTS = ("image_encoder", "image_projection", "text_encoder", "pretraining_only")
LAYERS = ("mm", "addmm", "convolution")
COUNTS = st.integers(1, 10**12)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(MODELS),
        st.sampled_from(PASSES),
        st.sampled_from(PARTS),
        st.sampled_from((*LAYERS, "bmm", "baddbmm")),
        COUNTS,
    ),
    max_size=25,
)
OWNED = st.lists(
    st.tuples(st.sampled_from(MODELS), st.sampled_from(PARTS), COUNTS), min_size=1, max_size=12
)


def columns(table: str, names: tuple[str, ...], rows: list[Any]) -> dict[str, np.ndarray]:
    found = {}
    for place, name in enumerate(names):
        values = [row[place] for row in rows]
        numbers = name == table
        key = table if numbers else f"{table}_{name}"
        found[key] = np.array(values, dtype=np.int64 if numbers else np.str_)
    return found


def predictions(rows: list[Any], owned: list[Any], absent: list[Any] = ()) -> Any:  # type: ignore[assignment]
    return {
        **columns("macs", ("model", "pass", "part", "operation", "macs"), rows),
        **columns("parameters", ("model", "part", "parameters"), owned),
        **columns("absent", ("model", "pass", "why"), list(absent)),
    }


def naive(rows: list[Any], model: str, wanted: str, layers_only: bool) -> tuple[int, Any] | None:
    """The sum, and the sum by part, of one pass; None where no row is of it."""
    total, by_part, seen = 0, {}, False
    for of, name, part, operation, value in rows:
        if of != model or name != wanted:
            continue
        seen = True
        if layers_only and operation not in LAYERS:
            continue
        total += value
        by_part[part] = by_part.get(part, 0) + value
    return (total, by_part) if seen else None


@given(ROWS, OWNED)
def test_scores_are_sums_of_the_rows(rows: list[Any], owned: list[Any]) -> None:
    scores = efficiency.score(predictions(rows, owned), RECIPE, 0, 0).metrics
    for model, ending in (("reference", ""), ("evaluated", "/evaluated")):
        official = naive(rows, model, "pretraining_published", True)
        expected = {
            "inference_gmacs": naive(rows, model, "inference", False),
            "inference_gmacs_layers_only": naive(rows, model, "inference", True),
            "embedding_gmacs": naive(rows, model, "embedding", False),
            "text_gmacs": naive(rows, model, "text", False),
            "pretraining_gmacs": naive(rows, model, "pretraining", False),
            "pretraining_gmacs_layers_only": naive(rows, model, "pretraining", True),
            "pretraining_gmacs_published": official or naive(rows, model, "pretraining", True),
        }
        for name, value in expected.items():
            metric = scores[name + ending]
            if value is None:
                assert metric.value is None and metric.why
                continue
            assert metric.value == pytest.approx(value[0] / 1e9)
            if name.startswith("pretraining"):
                found = {part: size * 1e9 for part, size in metric.per_class.items() if size}
                assert found == pytest.approx(value[1])
        size = sum(value for of, _, value in owned if of == model)
        metric = scores["parameters_millions" + ending]
        assert metric.value == pytest.approx(size / 1e6)
        assert sum(metric.per_class.values()) == pytest.approx(metric.value)  # type: ignore[arg-type]
    assert len(scores) == 16


@given(ROWS, OWNED, st.randoms())
def test_the_order_of_the_rows_has_no_influence(
    rows: list[Any], owned: list[Any], random: Any
) -> None:
    before = efficiency.score(predictions(rows, owned), RECIPE, 0, 0)
    shuffled = random.sample(rows, len(rows)), random.sample(owned, len(owned))
    assert efficiency.score(predictions(*shuffled), RECIPE, 7, 1000) == before


def test_a_pass_that_the_method_lacks_has_its_reason() -> None:
    rows = [("reference", "inference", "image_encoder", "addmm", 5 * 10**8)]
    absent = [("reference", "text", "image-only"), ("evaluated", "pretraining", "no objective")]
    scores = efficiency.score(predictions(rows, [("reference", PARTS[0], 1)], absent), RECIPE, 0, 0)
    assert scores.metrics["inference_gmacs"].value == 0.5
    assert scores.metrics["text_gmacs"].value is None
    assert scores.metrics["text_gmacs"].why == "image-only"
    assert scores.metrics["pretraining_gmacs/evaluated"].why == "no objective"
    assert scores.metrics["pretraining_gmacs_published/evaluated"].why == "no objective"


def test_a_count_has_no_interval_no_best_value_and_no_chance_level() -> None:
    rows = [("reference", "inference", "image_encoder", "addmm", 5)]
    scores = efficiency.score(predictions(rows, [("reference", PARTS[0], 1)]), RECIPE, 0, 1000)
    for metric in scores.metrics.values():
        assert metric.interval is metric.best is metric.chance is None
    assert not scores.per_sample


def test_an_operation_of_neither_kind_is_refused() -> None:
    rows = [("reference", "inference", "image_encoder", "_fused_attention", 5)]
    with pytest.raises(BadDataError, match="_fused_attention"):
        efficiency.score(predictions(rows, [("reference", PARTS[0], 1)]), RECIPE, 0, 0)


@pytest.mark.parametrize("name", ["macs", "macs_operation", "parameters", "absent_why"])
def test_missing_arrays_are_named(name: str) -> None:
    arrays = predictions([], [("reference", PARTS[0], 1)])
    del arrays[name]
    with pytest.raises(BadDataError, match=name):
        efficiency.score(arrays, RECIPE, 0, 0)
