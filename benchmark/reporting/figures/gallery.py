"""A grid of pictures: a row a case, a column a method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.reporting.figures.canvas import PAGE, new_figure, without_axes, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_COLUMNS = 6
LARGEST_SIDE = 1.6
EMPTY_FRAME = "#f4f4f4"
FRAME_EDGE = "#9e9e9e"
_MARGIN, _GAP, _LINE, _BELOW, _TOP = 0.06, 0.08, 0.125, 0.26, 0.24


@dataclass(frozen=True)
class Gallery:
    """What stands in the grid.

    Attributes:
        title: Above all.
        headers: Of the rows.
        columns: Titles of the columns.
        aspect: Height of a picture as a share of its width, by row.
        paint: Paints one picture; gets axes, row and column, gives the line below it.
        finish: Adds a legend or a colour bar below all.
        footer: Inches that it needs.
    """

    title: str
    headers: Sequence[str]
    columns: Sequence[str]
    aspect: Sequence[float]
    paint: Callable[[Axes, int, int], str]
    finish: Callable[[Figure], None]
    footer: float


def draw_gallery(gallery: Gallery) -> Figure:
    """Draw the grid, at most as wide as a page; every picture has one width."""
    count = len(gallery.columns)
    side = min(LARGEST_SIDE, (PAGE - 2 * _MARGIN - (count - 1) * _GAP) / count)
    width = max(2 * _MARGIN + count * side + (count - 1) * _GAP, PAGE / 2)
    titles = [wrapped(title, side) for title in gallery.columns]
    headers = [wrapped(header, width - 2 * _MARGIN) for header in gallery.headers]
    above = [_LINE * len(header) + 0.05 for header in headers]
    above[0] += _LINE * max(len(title) for title in titles) + 0.05
    pictures = [side * share for share in gallery.aspect]
    height = _TOP + sum(above) + sum(pictures) + _BELOW * len(headers) + gallery.footer
    figure = new_figure(width, height, gallery.title, placed=True)
    left = (width - count * side - (count - 1) * _GAP) / 2
    top = height - _TOP
    for row, lines in enumerate(headers):
        figure.text(left / width, top / height, "\n".join(lines), va="top")
        bottom = top - above[row] - pictures[row]
        for column, title in enumerate(titles):
            start = left + column * (side + _GAP)
            place = (start / width, bottom / height, side / width, pictures[row] / height)
            axes = figure.add_axes(place)
            without_axes(axes)
            axes.set_xlabel(gallery.paint(axes, row, column), fontsize=7.0, labelpad=2)
            if row == 0:
                axes.set_title("\n".join(title), pad=3)
        top = bottom - _BELOW
    gallery.finish(figure)
    return figure


def frame(axes: Axes, height: float, width: float, image: np.ndarray | None = None) -> None:
    """An image, or an empty frame, in which what follows is in pixels from the top left corner."""
    if image is not None:
        axes.imshow(image, cmap="gray", vmin=0, vmax=255, extent=(0, width, height, 0))
    else:
        axes.set_facecolor(EMPTY_FRAME)
        for spine in axes.spines.values():
            spine.set(visible=True, color=FRAME_EDGE)
    axes.set_aspect("equal")
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
