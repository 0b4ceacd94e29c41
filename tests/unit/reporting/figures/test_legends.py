"""Legends stay on the canvas and cover no panel, however long the names are."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from benchmark.reporting.figures import label_efficiency, losses, roc, temperature
from benchmark.reporting.figures.canvas import COLUMN, PAGE, new_figure, style, wrapped
from benchmark.reporting.figures.legends import evened, legend_below

LONG = "MaCo (mask_ratio=0.9, contrastive_weight=0.5, queue_size={})"


def _stays_on_the_canvas(figure):
    """The legend of a figure lies inside it, below all panels."""
    figure.canvas.draw()
    (legend,) = figure.legends
    box, canvas = legend.get_window_extent(), figure.bbox
    assert canvas.x0 <= box.x0 < box.x1 <= canvas.x1
    assert canvas.y0 <= box.y0 < box.y1 <= canvas.y1
    for axes in figure.axes:
        assert axes.get_window_extent().y0 >= box.y1
    return legend


def _renamed(material, title=LONG):
    """The same material with long titles of all methods."""
    methods = {
        group: dataclasses.replace(method, title=title.format(place))
        for place, (group, method) in enumerate(material.methods.items())
    }
    return dataclasses.replace(material, methods=methods)


@pytest.mark.parametrize("count", [1, 3, 7])
@pytest.mark.parametrize("width", [COLUMN, PAGE])
@pytest.mark.parametrize("name", ["a{}", LONG, "W" * 60 + "{}", "two words " * 30 + "{}"])
def test_names_of_any_length_stay_on_the_canvas(count, width, name):
    from matplotlib.lines import Line2D

    with style():
        figure = new_figure(width, 2.0, "Title")
        figure.subplots()
        legend_below(figure, [Line2D([], [], label=name.format(i)) for i in range(count)], "What")
        legend = _stays_on_the_canvas(figure)
        assert figure.axes[0].get_window_extent().height > figure.dpi
    texts = ["".join(text.get_text().split()) for text in legend.get_texts()]
    assert texts == ["".join(name.format(i).split()) for i in range(count)]


def test_short_names_stand_side_by_side():
    from matplotlib.lines import Line2D

    with style():
        figure = new_figure(PAGE, 2.0)
        figure.subplots()
        legend_below(figure, [Line2D([], [], label=f"m{place}") for place in range(5)])
        rows = {text.get_window_extent().y0 for text in _stays_on_the_canvas(figure).get_texts()}
    assert len(rows) == 1


def test_columns_are_of_about_equal_length():
    assert [evened(count, 5) for count in range(12)] == [1, 1, 2, 3, 4, 5, 3, 4, 4, 5, 5, 4]


def test_wrapped_text_has_a_line_at_least():
    assert wrapped("", 1.0) == [""]
    assert wrapped("a name of many words", 0.0) == ["a name", "of many", "words"]


@pytest.mark.parametrize("title", ["{}", LONG])
def test_every_kind_with_long_titles(shelf, drawn, title):
    for place, baseline in enumerate(("maco", "mae", "random_init", "static_prior")):
        shelf.classified(baseline, place / 2)
        shelf.grounded(baseline, 1.0, weighted=baseline in ("maco", "mae"))
        shelf.labelled(baseline, {1.0: 0.6, 10.0: 0.7})
    material = _renamed(shelf.material(), title)
    for module in (roc, label_efficiency, temperature):
        (figure,) = (found[1] for found in drawn(module, material) if isinstance(found, tuple))
        _stays_on_the_canvas(figure)
        for axes in figure.axes:
            assert axes.get_window_extent().height > 0.9 * figure.dpi


def test_many_parts_of_a_loss(shelf, drawn):
    parts = {f"loss_part_of_the_objective_{place}": np.ones(3) for place in range(6)}
    shelf.pretrained("maco", {"loss_total": np.ones(3), **parts})
    ((_, figure),) = drawn(losses, shelf.material())
    _stays_on_the_canvas(figure)
