"""Heat maps, temperature curves, outlines: what is chosen, and the metrics' own numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from benchmark.recipes import ClassGroundRecipe, DetectRecipe, GroundRecipe
from benchmark.records import read_record
from benchmark.reporting.figures import detection, grounding, segmentation, temperature
from benchmark.reporting.figures.choosing import EQUAL, best_median_worst, choice_sentence
from benchmark.reporting.figures.detection_cases import Detections
from benchmark.reporting.figures.grounding import maps_of


def _texts(figure):
    return [text.get_text() for text in figure.texts]


def _rows(figure, columns):
    """The panels of a gallery by row, without a colour bar."""
    panels = figure.axes[: len(figure.axes) // columns * columns]
    return [panels[start : start + columns] for start in range(0, len(panels), columns)]


def _scores(folder):
    record = read_record(folder)
    return record, np.load(folder / record.samples["file"])


@given(
    st.lists(
        st.tuples(st.integers(0, 99).map(str), st.floats(-3, 3) | st.just(float("nan"))),
        unique_by=lambda pair: pair[0],
    )
)
def test_the_choice_is_a_rule(pairs):
    ids, values = [name for name, _ in pairs], [value for _, value in pairs]
    cases = best_median_worst(ids, values)
    known = sorted((value, name) for name, value in pairs if np.isfinite(value))
    assert len(cases) == min(3, len(known))
    assert len({case.sample for case in cases}) == len(cases)
    shuffled = best_median_worst(ids[::-1], values[::-1])
    assert shuffled == cases
    if known:
        assert cases[0].value == known[-1][0]
        assert cases[-1].value == known[0][0]
    names = {0: [], 1: ["only"], 2: ["best", "median and worst"]}
    expected = names.get(len(known), ["best", "median", "worst"])
    equal = len(known) > 1 and known[0][0] == known[-1][0]
    assert [case.name for case in cases] == ([EQUAL] * len(cases) if equal else expected)
    if len(known) > 2:
        assert cases[1].sample == known[(len(known) - 1) // 2][1]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([0.5], "Test image with the only Dice of Ours: a."),
        (
            [0.5, 0.7],
            "Test images with the best and the other (median and worst) Dice of Ours: b, a.",
        ),
        (
            [0.5, 0.7, 0.6],
            "Test images with the best, median (the lower of two) and worst Dice of Ours: b, c, a.",
        ),
        ([0.5, 0.5], "Every test image has the same Dice of Ours; chosen by id: b, a."),
        ([0.5] * 4, "Every test image has the same Dice of Ours; chosen by id: d, b, a."),
    ],
)
def test_the_caption_follows_the_cases(values, told):
    cases = best_median_worst("abcd"[: len(values)], values)
    assert choice_sentence(cases, "test image", "Dice of Ours") == told


def test_two_cases_are_the_best_and_both_others(shelf, drawn):
    shelf.segmented("maco", [2, 8])
    ((drawing, figure),) = drawn(segmentation, shelf.material())
    assert [text.split(",")[0] for text in _texts(figure)[1:]] == ["best", "median and worst"]
    assert "the best and the other (median and worst) Dice of Ours, among" in drawing.caption


def test_equal_cases_are_neither_best_nor_worst(shelf, drawn):
    shelf.segmented("maco", [4, 4, 4])
    ((drawing, figure),) = drawn(segmentation, shelf.material())
    assert {text.split(",")[0] for text in _texts(figure)[1:]} == {"one of equals"}
    assert "Every test image has the same Dice of Ours, among those" in drawing.caption


def test_grounding_shows_the_metrics_maps(shelf, drawn):
    ours = shelf.grounded("maco", 3.0, weighted=True)
    shelf.grounded("mae", 1.0)
    shelf.grounded("random_init", 0.0)
    prior = shelf.grounded("static_prior", 0.5)
    shelf.grounded("oracle", 9.0)
    material = shelf.material()
    ((drawing, figure),) = drawn(grounding, material)
    record, samples = _scores(ours)
    _, prior_samples = _scores(prior)
    excess = samples["cnr"] - prior_samples["cnr"]
    order = np.lexsort((samples["ids"], excess))
    chosen = [order[-1], order[(len(order) - 1) // 2], order[0]]
    rows = _rows(figure, 4)
    assert [axes.get_title() for axes in rows[0]] == [
        "Ours",
        "Other",
        "random_init",
        "static prior",
    ]
    assert len(rows) == 3
    for place, panels, name in zip(chosen, rows, ("best", "median", "worst"), strict=True):
        value = f"{excess[place]:+.2f}".replace("-", "−")
        assert any(text.startswith(f"{name}, excess {value} · ") for text in _texts(figure))
        assert str(samples["ids"][place]) in drawing.caption
        for axes, stored in ((panels[0], samples), (panels[3], prior_samples)):
            assert axes.get_xlabel() == f"CNR {stored['cnr'][place]:+.2f}".replace("-", "−")
    shown = material.shown(material.blocks(*grounding.RECIPES)[0])
    heat, cnr = maps_of(shown[0]).heat(str(samples["ids"][chosen[0]]))
    assert cnr == pytest.approx(samples["cnr"][chosen[0]])
    assert_allclose(rows[0][0].images[0].get_array(), heat)
    assert record.selection["weight_temperature"]
    (box, *_) = [p.get_bbox().bounds for p in rows[0][0].patches]
    assert_allclose(box, maps_of(shown[0]).boxes(str(samples["ids"][chosen[0]]))[0])
    assert "CNR of Ours minus that of static prior" in drawing.caption
    assert not drawing.shows_images


def test_grounding_without_the_reference_takes_the_score_itself(shelf, drawn):
    folder = shelf.grounded("mae", 1.0)
    ((drawing, figure),) = drawn(grounding, shelf.material())
    _, samples = _scores(folder)
    assert any(t.startswith(f"best, CNR {samples['cnr'].max():+.2f}") for t in _texts(figure))
    assert "CNR of Other:" in drawing.caption


def test_masks_that_are_stored_as_tiles_have_one_outline(shelf, drawn):
    recipe = ClassGroundRecipe(source="test", frame=32, truth="masks", mask_class="Pneumothorax")
    shelf.grounded("maco", 1.0, recipe=recipe)
    ((_, figure),) = drawn(grounding, shelf.material())
    panel = figure.axes[0]
    assert not panel.patches
    assert len(panel.collections) == 1


def test_sentinels_alone_make_no_picture(shelf, drawn):
    shelf.grounded("oracle", 1.0)
    shelf.grounded("static_prior", 1.0)
    (skipped,) = drawn(grounding, shelf.material())
    assert "ms_cxr_grounding@maco (phantom): no method keeps its maps" in skipped.why
    (skipped,) = drawn(temperature, shelf.material())
    assert "no method keeps patch weights" in skipped.why
    for module, what in ((segmentation, "segmentation"), (detection, "detection")):
        (skipped,) = drawn(module, shelf.material())
        assert skipped.why == f"no record of a {what} task"


def test_temperature_curves_pass_through_the_records_numbers(shelf, drawn):
    folder = shelf.grounded("maco", 3.0, weighted=True)
    shelf.grounded("mae", 1.0)
    prior = read_record(shelf.grounded("static_prior", 0.5))
    record = read_record(folder)
    material = shelf.material()
    ((drawing, figure),) = drawn(temperature, material)
    chosen = record.selection["weight_temperature"]
    swept = {
        entry["temperature"]: entry["validation_cnr"]
        for entry in record.selection["weight_temperature_sweep"]
    }
    for axes, name in zip(figure.axes, ("cnr", "miou"), strict=True):
        lines = {line.get_label(): line for line in axes.lines}
        assert set(lines) == {"Ours, validation", "Ours, test", "static prior", "official"}
        x, y = lines["Ours, test"].get_data()
        assert y[list(x).index(chosen)] == pytest.approx(record.metrics[name].value)
        official = record.metrics[f"{name}/official_tau"].value
        assert y[list(x).index(0.02)] == pytest.approx(official)
        assert set(lines["static prior"].get_ydata()) == {prior.metrics[name].value}
        assert set(lines["official"].get_xdata()) == {0.02}
        (marked,) = lines["Ours, validation"].get_markevery()
        assert x[marked] == chosen
        assert x[0] < min(swept)
        assert x[-1] > max(swept)
        if name == "cnr":
            x, y = lines["Ours, validation"].get_data()
            for at, value in swept.items():
                assert y[list(x).index(at)] == pytest.approx(value)
    assert "Ours: chosen" in drawing.caption
    assert "0.25, 0.5, 1, 2, 4, 8 times" in drawing.caption


@pytest.mark.parametrize("spread", [1e-6, 0.02, 50.0])
def test_the_grid_of_temperatures_reaches_the_papers_value(spread):
    grid = temperature.temperatures(spread, (0.25, 3.0), 0.02)
    assert (np.diff(grid) > 0).all()
    assert {0.02, 0.25 * spread, 3 * spread} <= set(grid)
    assert grid[0] <= spread / 16
    assert grid[-1] >= spread * 32
    assert len(grid) < 40


def test_equal_weights_have_no_temperature(shelf, drawn):
    shelf.grounded("maco", 1.0)
    (skipped,) = drawn(temperature, shelf.material())
    assert "patch weights that differ" in skipped.why


def test_segmentation_shows_best_median_and_worst(shelf, drawn):
    shelf.segmented("mae", [0, 0, 0, 0, 16])
    folder = shelf.segmented("maco", [2, 8, 0, 4, 16])
    shelf.segmented("always_full", [0, 0, 0, 0, 0])
    ((drawing, figure),) = drawn(segmentation, shelf.material())
    rows = _rows(figure, 3)
    _, samples = _scores(folder)
    values = dict(zip(samples["ids"].tolist(), samples["dice_nonempty"].tolist(), strict=True))
    assert [name for name in ("s2", "s3", "s1", "s0") if name in drawing.caption] == ["s2", "s3"]
    assert _texts(figure)[1:4] == [
        f"{name}, Dice {values[image]:.3f}"
        for name, image in (("best", "s2"), ("median", "s3"), ("worst", "s4"))
    ]
    assert rows[0][0].get_xlabel() == "Dice 1.000"
    assert rows[2][0].get_xlabel() == "Dice 0.000"
    assert rows[2][1].get_xlabel() == "Dice 0.000"
    assert [axes.get_title() for axes in rows[0]] == ["Ours", "Other", "always full"]
    assert rows[0][0].get_xlim() == (0, 60)
    assert rows[0][0].get_ylim() == (40, 0)
    truth = rows[1][0].collections[0].get_paths()[0].get_extents()
    assert_allclose(truth.extents, [10, 10, 26, 26], atol=0.6)
    predicted = rows[1][0].collections[2].get_paths()[0].get_extents()
    assert_allclose(predicted.extents, [14, 10, 30, 26], atol=0.6)
    assert "100 % of the labels" in drawing.caption


def test_an_empty_prediction_is_said_to_be_empty(shelf, drawn):
    shelf.segmented("maco", [60])
    ((_, figure),) = drawn(segmentation, shelf.material())
    assert figure.axes[0].get_xlabel() == "Dice 0.000, empty"
    assert len(figure.axes[0].collections) == 2


def test_detection_shows_confident_boxes(shelf, drawn):
    folder = shelf.detected("maco")
    ((drawing, figure),) = drawn(detection, shelf.material())
    rows = _rows(figure, 1)
    # Validation finds both boxes at 0.4 and above: F1 1. Test: F1 1, 2/3, 0.
    assert "Ours 0.4" in drawing.caption
    assert [row[0].get_xlabel() for row in rows] == ["F1 1.00", "F1 0.67", "F1 0.00"]
    assert _texts(figure)[1:4] == ["best, F1 1.00", "median, F1 0.67", "worst, F1 0.00"]
    drawn_boxes = [patch.get_bbox().bounds for patch in rows[1][0].patches if not patch.get_fill()]
    assert drawn_boxes == [(10, 20, 30, 20), (10, 20, 30, 20), (60, 60, 10, 10)]
    assert [text.get_text() for text in rows[1][0].texts] == ["0.70", "0.60"]
    assert rows[0][0].get_xlim() == (0, 100)
    assert rows[0][0].get_ylim() == (80, 0)
    assert read_record(folder).cell.key in drawing.keys


def test_a_threshold_that_finds_nothing_is_the_published_one(shelf):
    shelf.detected("maco")
    material = shelf.material()
    (shown,) = material.shown(material.blocks("DetectRecipe")[0])
    arrays = dict(shown.predictions())
    arrays["boxes"] = arrays["boxes"] + 500
    recipe = DetectRecipe(source="test", published_score_threshold=0.65)
    lost = Detections(shown, arrays, recipe)
    assert lost.lowest_score == 0.65
    assert set(lost.f1.values()) == {0.0}
    arrays["truth_image"] = arrays["truth_image"][:0]
    arrays["truth_boxes"] = arrays["truth_boxes"][:0]
    arrays["truth_class"] = arrays["truth_class"][:0]
    assert np.isnan(list(Detections(shown, arrays, recipe).f1.values())).all()


def test_first_seed_of_pictures_is_named(shelf, drawn):
    from benchmark.specs import Seeds

    for seed, gain in ((2, 0.0), (1, 3.0)):
        shelf.grounded("maco", gain, seeds=Seeds(pretrain=seed))
    ((drawing, _),) = drawn(grounding, shelf.material())
    assert "Of several seeds the first ones are shown: p1." in drawing.caption
    assert len(drawing.keys) == 1


def test_a_recipe_of_another_version_is_refused(shelf, drawn):
    from benchmark.errors import BadRecordError
    from benchmark.reporting.figures.material import recipe_of

    shelf.grounded("maco", 1.0)
    (result,) = shelf.material().results
    assert recipe_of(result) == GroundRecipe(source="test", frame=32, sentinel_grid=4)
    result.record["recipe"]["invented"] = 1
    with pytest.raises(BadRecordError, match="not one of this version"):
        recipe_of(result)
