"""What a figure is before and after it is written, and why one is absent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

    from benchmark.reporting.select import Block


@dataclass(frozen=True)
class Drawing:
    """One figure that can be drawn.

    Attributes:
        block: Whose records it shows; None where it shows those of several tasks.
        title: One line, also above the figure.
        caption: What is seen, by which rule, of which data and seeds. Plain text.
        draw: Draws it. Called once, inside `canvas.style`, after all that may fail.
        keys: Keys of the cells behind it, sorted.
        phantom: Whether data of it are synthetic.
        shows_images: Whether radiographs or phrases of the data set are in it.
    """

    block: Block | None
    title: str
    caption: str
    draw: Callable[[], Figure]
    keys: tuple[str, ...]
    phantom: bool
    shows_images: bool = False


@dataclass(frozen=True)
class MadeFigure:
    """One figure that was written.

    Attributes:
        kind: Name in `make.FIGURES`, such as `roc`.
        name: Stem of its files.
        task, variant, data_id: Of its records; empty where it shows several tasks.
        files: By format: `svg`, `png` and, where asked for, `pdf`.
        text: File with title and caption.
        keys: Keys of the cells behind it, sorted.
        phantom: Whether data of it are synthetic.
        shows_images: Whether radiographs or phrases of the data set are in it.
    """

    kind: str
    name: str
    title: str
    caption: str
    task: str
    variant: str
    data_id: str
    files: Mapping[str, Path]
    text: Path
    keys: tuple[str, ...]
    phantom: bool
    shows_images: bool

    @property
    def svg(self) -> Path:
        """The vector form."""
        return self.files["svg"]

    @property
    def png(self) -> Path:
        """The pixel form."""
        return self.files["png"]

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        from benchmark.fingerprint import plain

        fields: dict[str, Any] = plain(self)
        return fields


@dataclass(frozen=True)
class SkippedFigure:
    """A figure that no record feeds.

    Attributes:
        kind: Name in `make.FIGURES`.
        why: What is missing, in one line, with the task where one is concerned.
    """

    kind: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.why}"
