"""A sheet of normals and of every finding with the outline of its mask, to look at."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import binary_dilation

from benchmark.phantom.population import draw_study
from benchmark.phantom.prevalence import NAMES
from benchmark.phantom.render import render_view

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmark.phantom.truth import Study, View

_OUTLINE = (255, 170, 0)


def write_contact_sheet(path: Path | str, size: int = 224, seed: int = 0) -> None:
    """Draw the sheet and save it; the file's suffix chooses PNG or JPEG.

    Args:
        path: Where to write; an existing file is replaced.
        size: Side of one radiograph in pixels.
        seed: Of the phantom.
    """
    panels = [(f"normal, {view.name}", _plain(study, view, size)) for study, view in _normals(seed)]
    for name in NAMES:
        panels += _pair(_example(name, seed), 0, name, size)
    for name in ("Effusion", "Mass", "Consolidation"):
        panels += _pair(_example(name, seed, lateral=True), 1, name, size)
    _sheet(panels, size, columns=6).save(path, quality=88)


def _normals(seed: int) -> Iterator[tuple[Study, View]]:
    wanted = ["PA", "AP", "LATERAL", "PA", "AP", "LATERAL"]
    number = 0
    while wanted:
        study = draw_study(seed, "sheet", number, "real", "mimic")
        number += 1
        for view in study.views:
            if wanted and not study.findings and view.name == wanted[0]:
                wanted.pop(0)
                yield study, view


def _example(name: str, seed: int, lateral: bool = False) -> Study:
    """The first study with the finding at a clear grade and few others."""
    number = 0
    while True:
        study = draw_study(seed, "sheet", number, "enriched", "mimic")
        number += 1
        clear = [item for item in study.findings if item.name == name and item.severity > 0.6]
        if (
            clear
            and abs(study.views[0].exposure) < 0.6
            and len(study.findings) == 1
            and (not lateral or len(study.views) == 2)
        ):
            return study


def _pair(study: Study, view: int, name: str, size: int) -> list[tuple[str, Image.Image]]:
    """One view without and with the outline of the named finding."""
    index = next(i for i, finding in enumerate(study.findings) if finding.name == name)
    finding = study.findings[index]
    drawing = render_view(study, study.views[view], size)
    others = len(study.findings) - 1
    title = f"{name}, {finding.side}, {finding.zone}" + (f", and {others} more" if others else "")
    return [
        (title, _grey(drawing.pixels)),
        (f"{finding.size_cm:.1f} cm", _outlined(drawing.pixels, drawing.masks[index])),
    ]


def _grey(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray((pixels * 255).round().astype(np.uint8)).convert("RGB")


def _plain(study: Study, view: View, size: int) -> Image.Image:
    return _grey(render_view(study, view, size).pixels)


def _outlined(pixels: np.ndarray, mask: np.ndarray) -> Image.Image:
    grown = binary_dilation(mask)
    image = np.asarray(_grey(pixels)).copy()
    image[grown & ~mask] = _OUTLINE
    return Image.fromarray(image)


def _sheet(panels: list[tuple[str, Image.Image]], size: int, columns: int) -> Image.Image:
    bar = 16
    rows = -(-len(panels) // columns)
    sheet = Image.new("RGB", (columns * (size + 4), rows * (size + bar + 4)), "black")
    pen = ImageDraw.Draw(sheet)
    for place, (title, image) in enumerate(panels):
        row, column = divmod(place, columns)
        corner = (column * (size + 4), row * (size + bar + 4))
        pen.text((corner[0] + 3, corner[1] + 2), title, fill="white")
        sheet.paste(image, (corner[0], corner[1] + bar))
    return sheet


def main() -> None:
    """Command line: `python -m benchmark.phantom.contact_sheet FILE --size N`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--size", type=int, default=224)
    options = parser.parse_args()
    write_contact_sheet(options.path, options.size)


if __name__ == "__main__":
    main()
