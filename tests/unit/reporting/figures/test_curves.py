"""The right numbers stand in losses, weight maps, label efficiency and ROC."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import roc_auc_score

from benchmark.errors import MissingDataError
from benchmark.recipes import FineTuneRecipe
from benchmark.records import read_record
from benchmark.reporting.figures import label_efficiency, losses, roc, weight_maps
from benchmark.reporting.figures.history import by_percent, moments, read_history
from benchmark.specs import Seeds


def _history(steps: int = 200) -> dict[str, np.ndarray]:
    maps = np.random.default_rng(0).normal(size=(5, 4, 4)) + 3
    return {
        "loss_total": np.linspace(5, 1, steps),
        "loss_image": np.linspace(1, 0.5, steps),
        "array_steps": np.array([0, 50, 100, 150, 200]),
        "array_weight_map": maps,
    }


def _lines(axes):
    return {line.get_label(): line for line in axes.lines}


def test_losses_are_smoothed_and_named(shelf, drawn):
    shelf.pretrained("mae", {"loss_total": np.linspace(2, 1, 300)})
    shelf.pretrained("maco", _history())
    shelf.pretrained("random_init", {"rate": np.empty(0)})
    ((drawing, figure),) = drawn(losses, shelf.material())
    assert [axes.get_title() for axes in figure.axes] == ["Ours", "Other"]
    lines = _lines(figure.axes[0])
    assert {"total", "image"} <= set(lines)
    steps, means, _, _ = by_percent(_history()["loss_total"])
    assert_allclose(lines["total"].get_xydata(), np.stack([steps, means], axis=1))
    assert len(figure.axes[0].collections) == 2
    assert drawing.phantom
    assert "(phantom)" in drawing.title
    assert "seed: 0" in drawing.caption


def test_the_first_pretraining_seed_is_shown(shelf, drawn):
    shelf.pretrained("maco", {"loss_total": np.full(9, 7.0)}, seeds=Seeds(pretrain=1))
    shelf.pretrained("maco", {"loss_total": np.full(9, 3.0)}, seeds=Seeds(pretrain=0))
    ((drawing, figure),) = drawn(losses, shelf.material())
    assert set(_lines(figure.axes[0])["total"].get_ydata()) == {3.0}
    assert "the first of several): 0" in drawing.caption


def test_only_pretraining_behind_the_results_is_shown(shelf, drawn):
    wanted = shelf.pretrained("maco", _history())
    shelf.pretrained("mae", _history())
    shelf.classified("maco", 1.0, pretrained_by=read_record(wanted).cell.key)
    ((_, figure),) = drawn(losses, shelf.material())
    assert [axes.get_title() for axes in figure.axes] == ["Ours"]


def test_weight_maps_show_what_the_softmax_sees(shelf, drawn):
    history = _history()
    shelf.pretrained("maco", history)
    shelf.pretrained("mae", {"loss_total": np.ones(3)})
    ((_, figure),) = drawn(weight_maps, shelf.material())
    panels = [axes for axes in figure.axes if axes.get_title()]
    titles = [axes.get_title() for axes in panels]
    assert titles[:2] == ["epoch 0 (step 0)", "epoch 1 (step 50)"]
    assert titles[-1] == "epoch 4 (step 200)"
    for axes, one in zip(panels, history["array_weight_map"], strict=True):
        assert_allclose(axes.images[0].get_array(), one - one.mean(), atol=1e-12)
        assert axes.get_xlabel() == f"mean {one.mean():.2g}"
    reach = {axes.images[0].get_clim() for axes in panels}
    assert len(reach) == 1


@pytest.mark.parametrize("length", [1, 99, 199, 200, 1234])
def test_a_history_by_percent(length):
    values = np.random.default_rng(0).normal(size=length)
    ends, means, low, high = by_percent(values)
    window = max(1, length // 100)
    assert ends[-1] == length
    assert len(ends) <= 199
    start = 0
    for place, end in enumerate(ends):
        part = values[start:end]
        assert window <= len(part) < 2 * window
        assert (low[place], high[place]) == (part.min(), part.max())
        assert means[place] == pytest.approx(part.mean())
        start = end


def test_thinned_curves_keep_their_shape():
    rng = np.random.default_rng(0)
    steps = rng.integers(0, 2, 5000)
    x, y = np.cumsum(1 - steps) / (1 - steps).sum(), np.cumsum(steps) / steps.sum()
    kept = np.stack(roc.thinned(x, y, 100))
    assert 50 < kept.shape[1] < 400
    assert kept[:, 0].tolist() == [x[0], y[0]]
    assert kept[:, -1].tolist() == [1, 1]
    distance = np.abs(np.stack([x, y])[:, :, None] - kept[:, None]).max(axis=0).min(axis=1)
    assert distance.max() <= 0.01 + 1e-9


def test_moments_are_spread_and_hold_the_ends():
    assert moments(9, 5).tolist() == [0, 2, 4, 6, 8]
    assert moments(3, 5).tolist() == [0, 1, 2]
    assert moments(1, 5).tolist() == [0]


def test_histories_that_are_missing(shelf, drawn, tmp_path):
    with pytest.raises(MissingDataError):
        read_history(tmp_path / "history.npz")
    folder = shelf.pretrained("mae", {"loss_total": np.ones(3)})
    (skipped,) = drawn(weight_maps, shelf.material())
    assert "no method has a scoring layer" in skipped.why
    (folder / "history.npz").unlink()
    (skipped,) = drawn(weight_maps, shelf.material())
    assert "no `history.npz`" in skipped.why
    (skipped,) = drawn(losses, shelf.material())
    assert "no history of a step" in skipped.why


def test_label_efficiency_shows_what_tables_say(shelf, drawn):
    shelf.labelled("maco", {1.0: 0.7, 10.0: 0.8, 100.0: 0.9})
    shelf.labelled("random_init", {1.0: 0.5, 10.0: 0.55})
    recipe = FineTuneRecipe(source="test")
    for baseline in ("static_prior", "oracle"):
        value = 0.52 if baseline == "static_prior" else 1.0
        shelf.plain_score(
            "rsna_classification", baseline, recipe, "auc", value, dataset="rsna_pneumonia"
        )
    ((drawing, figure),) = drawn(label_efficiency, shelf.material())
    (axes,) = figure.axes
    lines = _lines(axes)
    assert set(lines) >= {"Ours", "random_init", "static prior"}
    assert "oracle" not in lines
    assert_allclose(lines["Ours"].get_ydata(), [70, 80, 90])
    assert_allclose(lines["Ours"].get_xdata(), [1, 10, 100], rtol=0.05)
    assert lines["random_init"].get_linestyle() != "-"
    assert set(lines["static prior"].get_ydata()) == {52.0}
    bars = [collection.get_segments() for collection in axes.collections]
    assert_allclose(np.array(bars[0])[:, :, 1], [[68, 72], [78, 82], [88, 92]])
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "10", "100"]
    assert axes.get_ylabel() == "AUC (%)"
    assert axes.get_title() == "rsna_classification@maco"
    assert len(drawing.keys) == 6


def test_several_seeds_are_one_point(shelf, drawn):
    for seed, value in ((0, 0.6), (1, 0.8)):
        shelf.labelled("maco", {1.0: value}, seeds=Seeds(pretrain=seed, subset=0, head=0))
        shelf.labelled("maco", {100.0: value}, seeds=Seeds(pretrain=seed, subset=0, head=0))
    ((_, figure),) = drawn(label_efficiency, shelf.material())
    assert_allclose(_lines(figure.axes[0])["Ours"].get_ydata(), [70, 70])


def test_phantom_and_real_tasks_do_not_share_a_figure(shelf, drawn):
    shelf.labelled("maco", {1.0: 0.7, 10.0: 0.8})
    shelf.labelled("maco", {1.0: 0.6, 10.0: 0.7}, phantom=False)
    found = drawn(label_efficiency, shelf.material())
    assert [drawing.phantom for drawing, _ in found] == [False, True]
    assert [drawing.title for drawing, _ in found] == [
        "Label efficiency",
        "Label efficiency (phantom)",
    ]


def test_a_fraction_without_a_value_is_told(shelf, drawn):
    shelf.labelled("maco", {1.0: 0.7, 10.0: 0.8})
    shelf.plain_score(
        "rsna_classification", "maco", FineTuneRecipe(source="other"), "auc", 0.9,
        percent=10.0, seeds=Seeds(pretrain=0, subset=0, head=0), dataset="rsna_pneumonia",
    )  # fmt: skip
    shelf.labelled("mae", {1.0: 0.0, 10.0: 0.0})
    ((drawing, figure),) = drawn(label_efficiency, shelf.material())
    lines = _lines(figure.axes[0])
    assert_allclose(lines["Ours"].get_ydata(), [70])
    assert "Without a value: Ours at 10 % of rsna_classification@maco (several" in drawing.caption


def test_equal_values_do_not_blow_up_the_axis(shelf, drawn):
    shelf.labelled("maco", {1.0: 0.002, 10.0: 0.002}, width=0.0)
    ((_, figure),) = drawn(label_efficiency, shelf.material())
    low, high = figure.axes[0].get_ylim()
    assert high - low == pytest.approx(1)
    assert low < 0.2 < high


def test_a_level_stands_in_the_band_of_its_interval(shelf, drawn):
    shelf.labelled("maco", {1.0: 0.7, 10.0: 0.8})
    recipe = FineTuneRecipe(source="test")
    shelf.plain_score(
        "rsna_classification", "static_prior", recipe, "auc", 0.5, dataset="rsna_pneumonia"
    )
    ((drawing, figure),) = drawn(label_efficiency, shelf.material())
    (band,) = figure.axes[0].patches
    assert_allclose([band.get_y(), band.get_y() + band.get_height()], [48, 52])
    assert "bands around levels, are the tables' 95 % intervals" in drawing.caption


@pytest.mark.parametrize(("value", "width"), [(0.0, 0.0), (0.001, 0.03), (0.99, 0.05), (1.0, 0.0)])
def test_the_axis_stays_within_the_metrics_bounds(shelf, drawn, value, width):
    shelf.labelled("maco", {1.0: value, 10.0: value}, width=width)
    ((_, figure),) = drawn(label_efficiency, shelf.material())
    low, high = figure.axes[0].get_ylim()
    assert 0 <= low <= 100 * value <= high <= 100
    assert high - low >= 1 - 1e-9
    assert not _lines(figure.axes[0])["Ours"].get_clip_on()


def test_a_metric_without_known_bounds_has_its_own_axis():
    assert label_efficiency.limits(-0.2, 130.0, "cnr") == (-0.2, 130.0)
    assert label_efficiency.limits(-0.2, 130.0, "auc") == (0.0, 100.0)
    assert label_efficiency.limits(-0.25, 0.25, "cnr") == (-0.5, 0.5)


def test_two_states_of_one_tasks_data_are_two_named_panels(shelf, drawn):
    for data in ("rsna_pneumonia-11111111", "rsna_pneumonia-22222222"):
        shelf.labelled("maco", {1.0: 0.7, 10.0: 0.8}, phantom=False, data_id=data)
    ((_, figure),) = drawn(label_efficiency, shelf.material())
    assert [axes.get_title() for axes in figure.axes] == [
        "rsna_classification@maco\nrsna_pneumonia-11111111",
        "rsna_classification@maco\nrsna_pneumonia-22222222",
    ]


def test_one_fraction_is_no_curve(shelf, drawn):
    shelf.labelled("maco", {100.0: 0.7})
    (skipped,) = drawn(label_efficiency, shelf.material())
    assert "several label fractions" in skipped.why


def test_roc_is_that_of_the_test_scores(shelf, drawn):
    stored = shelf.classified("maco", 1.5)
    shelf.classified("mae", 0.2)
    shelf.classified("oracle", 50.0)
    ((drawing, figure),) = drawn(roc, shelf.material())
    assert [axes.get_title() for axes in figure.axes] == ["Mass", "Pleural Thickening"]
    test = stored["split"] == "test"
    for place, axes in enumerate(figure.axes):
        truth, scores = stored["truth"][test][:, place], stored["scores"][test][:, place]
        known = np.isfinite(truth)
        expected = roc_auc_score(truth[known], scores[known])
        legend = [text.get_text() for text in axes.get_legend().get_texts()]
        assert len(legend) == 2
        assert legend[0] == f"{expected:.3f}"
        per_class = stored["scored"].metrics["auc"].per_class
        assert per_class[str(stored["classes"][place])] == pytest.approx(expected)
        x, y = axes.lines[1].get_data()
        assert np.trapezoid(y, x) == pytest.approx(expected)
    assert "(phantom)" in drawing.title
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Ours", "Other"]


def test_a_class_without_a_positive_says_so(shelf, drawn):
    def without(predictions):
        predictions["truth"][:, 1] = 0.0

    shelf.classified("maco", 1.0, change=without)
    ((_, figure),) = drawn(roc, shelf.material())
    texts = [text.get_text() for text in figure.axes[1].texts]
    assert texts == ["undefined:\nno positive case"]
    assert figure.axes[0].get_legend() is not None


def test_many_classes_fit_a_page(shelf, drawn):
    shelf.classified("maco", 1.0, classes=23)
    ((drawing, figure),) = drawn(roc, shelf.material())
    assert len(figure.axes) == roc.MOST_PANELS
    assert "3 more have no room" in drawing.caption
    assert figure.get_size_inches()[0] <= 7.2
    assert figure.get_size_inches()[1] <= 10


def _boxes(figure, found):
    """Where things stand on the drawn canvas."""
    return [item.get_window_extent(figure.canvas.get_renderer()) for item in found]


@pytest.mark.parametrize("classes", [1, 2, 7, 23])
def test_areas_cover_neither_curves_nor_each_other(shelf, drawn, classes):
    def longer(predictions):
        names = predictions["classes"].tolist()
        predictions["classes"] = np.array([*names[:-1], "a_finding_with_a_name_of_many_words"])

    for baseline in ("maco", "mae", "random_init", "static_prior", "guest", "visitor"):
        shelf.classified(baseline, -1.0, classes=classes, change=longer)
    ((drawing, figure),) = drawn(roc, shelf.material())
    figure.canvas.draw()
    legends = _boxes(figure, [axes.get_legend() for axes in figure.axes])
    panels = _boxes(figure, [axes.patch for axes in figure.axes])
    titles = _boxes(figure, [axes.title for axes in figure.axes])
    around = _boxes(figure, [*figure.legends, *figure.texts])
    for place, legend in enumerate(legends):
        others = [*panels, *titles, *around, *legends[:place]]
        assert [other for other in others if legend.overlaps(other)] == []
        assert figure.bbox.x0 <= legend.x0 < legend.x1 <= figure.bbox.x1
    assert not any(one.overlaps(two) for one in titles for two in [*panels, *around])
    assert min(panel.height for panel in panels) > 0.75 * figure.dpi
    assert figure.get_figheight() <= roc.MOST_INCHES
    assert {len(axes.get_legend().get_texts()) for axes in figure.axes} == {6}
    assert "AUC" in figure.legends[0].get_title().get_text()
    assert "above each, the area" in drawing.caption


def test_a_constant_predictor_has_no_curve(shelf, drawn):
    def constant(predictions):
        predictions["scores"][:] = 0.25

    shelf.classified("maco", 1.0)
    shelf.classified("static_prior", 0.0, change=constant)
    ((_, figure),) = drawn(roc, shelf.material())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Ours"]


def test_room_is_kept_for_a_floor_and_a_prior(shelf, drawn):
    for place in range(8):
        shelf.classified(f"method{place}", 1.0)
    for baseline in ("maco", "random_init", "static_prior"):
        shelf.classified(baseline, 1.0)
    ((drawing, figure),) = drawn(roc, shelf.material())
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown == ["Ours", "method0", "method1", "method2", "random_init", "static prior"]
    assert "Not shown for want of room: method3, method4" in drawing.caption


def test_the_most_labels_are_shown(shelf, drawn):
    for percent, signal in ((1.0, 0.0), (10.0, 9.0)):
        shelf.classified("maco", signal, percent=percent)
    ((drawing, figure),) = drawn(roc, shelf.material())
    assert "10 % of the labels, the largest of 1, 10" in drawing.caption
    (label,) = figure.axes[0].get_legend().get_texts()
    assert float(label.get_text()) > 0.95
