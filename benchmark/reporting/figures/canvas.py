"""Sizes, colours and bytes of figures, the same whatever the user's matplotlib is set to."""

from __future__ import annotations

import contextlib
import io
import textwrap
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

COLUMN, PAGE = 3.5, 7.2
"""Widths in inches of one column and of a page; figures are made at the size they are printed."""

CHARACTERS_PER_INCH = 17
"""Of text in the size of names and titles of panels."""

FORMATS = ("svg", "png", "pdf")

BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, ORANGE, SKY, BLACK = "#CC79A7", "#E69F00", "#56B4E9", "#000000"
PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
"""Okabe and Ito's colours, told apart with colour-vision deficiency too; without the yellow, which
is lost on white."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))
GREYS = ("#4d4d4d", "#7a7a7a", "#9e9e9e")
GREY_DASHES = ((0, (5, 2)), (0, (2, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (1, 1.2)))

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "figure.titlesize": 8.5,
    "figure.titleweight": "bold",
    "figure.labelsize": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.0,
    "legend.frameon": True,
    "legend.framealpha": 0.75,
    "legend.edgecolor": "none",
    "legend.fancybox": False,
    "legend.handlelength": 2.4,
    "savefig.dpi": 200,
    "text.parse_math": False,
    "image.interpolation": "nearest",
    "svg.fonttype": "path",
    "svg.hashsalt": "maco-bench",
    "pdf.fonttype": 42,
}
_METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Draw and write inside this: matplotlib's defaults with our changes, undone afterwards."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(cast("Any", _STYLE))
        yield


def new_figure(
    width: float,
    height: float,
    title: str = "",
    *,
    placed: bool = False,
) -> Figure:
    """An empty figure, inches; `title` stands above all panels.

    Its panels are laid out by matplotlib, or are `placed` by whoever adds them.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout=None if placed else "constrained")
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title, **({"y": 1 - 0.05 / height} if placed else {}))
    return figure


def figure_bytes(figure: Figure, form: str) -> bytes:
    """The file of one of `FORMATS`, without time and version: equal data give equal bytes."""
    stream = io.BytesIO()
    figure.savefig(stream, format=form, metadata=_METADATA[form])
    return stream.getvalue()


def wrapped(text: str, inches: float) -> list[str]:
    """The lines of a name or title that has so much room; one at least."""
    return textwrap.wrap(text, max(8, int(inches * CHARACTERS_PER_INCH))) or [""]


def without_axes(axes: Axes) -> None:
    """Neither ticks nor frame lines: for pictures."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def log_ticks(axis: Axis, steps: tuple[float, ...] = (1.0,)) -> None:
    """Ticks of a logarithmic axis at multiples of powers of ten, as plain numbers."""
    from matplotlib.ticker import LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())
