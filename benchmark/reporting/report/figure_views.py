"""Figures for the report: drawn by `benchmark.reporting.figures`, embedded as data URIs."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.reporting.report.markup import slug
from benchmark.reporting.report.model import FigureView, Picture

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmark.reporting.figures.model import MadeFigure

MEDIA = {".svg": "image/svg+xml", ".png": "image/png"}


def figure_views(made: Iterable[MadeFigure]) -> tuple[FigureView, ...]:
    """Written figures as parts of the page, in their order."""
    return tuple(
        FigureView(
            anchor=f"figure-{slug(one.name)}",
            title=one.title,
            picture=Picture(data_uri(one.svg), one.caption, f"{one.title}. {one.caption}"),
            keys=one.keys,
        )
        for one in made
    )


def data_uri(path: Path) -> str:
    """A file as a URI that holds its bytes."""
    return bytes_uri(path.read_bytes(), MEDIA[path.suffix])


def bytes_uri(content: bytes, media: str) -> str:
    """Bytes of a media type as a URI."""
    return f"data:{media};base64,{base64.b64encode(content).decode('ascii')}"
