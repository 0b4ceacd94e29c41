"""Legends below all panels, whatever the length of the names in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.reporting.figures.canvas import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

MOST_COLUMNS = 5
LABEL_INCHES = 1.8
"""A longer name is wrapped."""

MARGIN = 0.1
"""Inches beside and below a legend that stay free: formats differ a little in a text's width."""

_ROOMS = (1.0, 0.8, 0.6, 0.45, 0.3)


def legend_below(figure: Figure, handles: Sequence[Artist], title: str = "") -> Legend:
    """Name what is drawn, below all panels; the figure grows by the height that this takes.

    Names are wrapped, and stand in as many columns as fit the width of the figure.

    Args:
        figure: Laid out by matplotlib; its height is what the panels need.
        handles: With their labels.
        title: Above the names.
    """
    legend = _fitting(figure, handles, title)
    height = legend.get_window_extent().height / figure.dpi
    figure.set_figheight(figure.get_figheight() + height + MARGIN)
    return legend


def evened(count: int, most: int) -> int:
    """As few columns as need no more lines than `most` columns do; one at least."""
    return -(-count // -(-count // most)) if count else 1


def _fitting(figure: Figure, handles: Sequence[Artist], title: str) -> Legend:
    """The legend of most columns that fits; names of wide letters are wrapped more narrowly."""
    width = figure.get_figwidth() - 2 * MARGIN
    tries = [
        (columns, share * min(LABEL_INCHES, width))
        for share in _ROOMS
        for columns in sorted({evened(len(handles), most + 1) for most in range(MOST_COLUMNS)})[
            ::-1
        ]
    ]
    for number, (columns, room) in enumerate(tries, start=1):
        labels = ["\n".join(wrapped(str(handle.get_label()), room)) for handle in handles]
        legend = figure.legend(
            handles=handles, labels=labels, loc="outside lower center", ncols=columns,
            title=title or None, title_fontsize=7.0,
        )  # fmt: skip
        if legend.get_window_extent().width / figure.dpi <= width or number == len(tries):
            break
        legend.remove()
    return legend
