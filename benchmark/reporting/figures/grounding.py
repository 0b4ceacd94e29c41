"""`grounding`: heat maps with truth boxes, methods side by side (the paper's Fig. 2).

Maps are those of the headline metric: stored similarities times the softmax of stored patch weights
at the temperature that validation chose, smoothed and rescaled by the metric's own functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.metrics.grounding_forms import DRAWS, map_forms, pair_set
from benchmark.metrics.grounding_maps import heat_maps
from benchmark.metrics.grounding_pairs import score_heat
from benchmark.reporting.figures import gallery, outlines
from benchmark.reporting.figures.captions import (
    block_name,
    data_sentence,
    joined,
    keys_of,
    left_out_sentence,
    seeds_sentence,
)
from benchmark.reporting.figures.choosing import Case, best_median_worst, choice_sentence
from benchmark.reporting.figures.images import shrunk
from benchmark.reporting.figures.material import recipe_of, with_room
from benchmark.reporting.figures.model import Drawing, SkippedFigure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from benchmark.reporting.figures.material import Material, Shown
    from benchmark.reporting.select import Block

KIND = "grounding"
RECIPES = ("GroundRecipe", "ClassGroundRecipe")
_BAR_INCHES = 0.46
OPAQUE = 0.75
"""Opacity of the hottest place of a map that lies on a radiograph; the coldest is clear."""


@dataclass(frozen=True)
class Maps:
    """The headline's maps of one method on one task."""

    shown: Shown
    predictions: Mapping[str, np.ndarray]
    recipe: Any

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Position of every test pair by its id."""
        ids, splits = self.predictions["ids"], self.predictions["split"]
        return {str(ids[row]): int(row) for row in np.flatnonzero(splits == "test")}

    @property
    def frame(self) -> int:
        """Side of the square that maps and boxes lie in, pixels."""
        return int(np.ravel(self.predictions["frame"])[0])

    def heat(self, pair: str) -> tuple[np.ndarray, float]:
        """The map of one pair, (frame, frame) in [-1, 1], and its CNR."""
        rows = np.array([self.row_of[pair]])
        temperature = (self.shown.result.record.get("selection") or {}).get("weight_temperature")
        maps = map_forms(self.predictions, self.recipe, temperature)[""].maps(rows)
        pairs = pair_set(self.predictions, rows, self.recipe)
        heat = heat_maps(maps, pairs.grid, self.frame, self.recipe.sigma_at_14)
        return heat[0], float(score_heat(heat, pairs.counts, ()).cnr[0])

    def boxes(self, pair: str) -> np.ndarray:
        """The pair's boxes (m, 4) xywh in the frame."""
        mine = np.asarray(self.predictions["box_pair"]) == self.row_of[pair]
        boxes = np.asarray(self.predictions["boxes"]).reshape(-1, 4)
        return np.asarray(boxes[mine])

    def covered(self, pair: str) -> np.ndarray:
        """Whether a box covers each pixel, (frame, frame)."""
        rows = np.array([self.row_of[pair]])
        counts: np.ndarray = pair_set(self.predictions, rows, self.recipe).counts
        return np.asarray(counts[0] > 0)


def maps_of(shown: Shown) -> Maps | None:
    """The maps of a method; None where none are stored, or those of many draws."""
    predictions = shown.predictions()
    if "similarities" not in predictions or DRAWS in predictions:
        return None
    return Maps(shown, predictions, recipe_of(shown.result))


def drawings(material: Material) -> Iterator[Drawing | SkippedFigure]:
    """One figure for each grounding task and variant."""
    blocks = material.blocks(*RECIPES)
    if not blocks:
        yield SkippedFigure(KIND, "no record of a grounding task")
    for block in blocks:
        yield _drawing(material, block)


def _drawing(material: Material, block: Block) -> Drawing | SkippedFigure:
    every = material.shown(block)
    reference = next((s for s in every if s.method.group.baseline == material.reference), None)
    wanted = [s for s in every if s.method.learnt or s.method.role == "floor" or s is reference]
    found = {shown: maps for shown in wanted for maps in [maps_of(shown)] if maps is not None}
    chooser = material.chooser(list(found))
    if chooser is None:
        return SkippedFigure(KIND, f"{block_name(block)}: no method keeps its maps")
    if reference not in found:
        reference = None
    cases = best_median_worst(*excess(chooser, reference))
    if not cases:
        why = "no test pair with a box keeps its score"
        return SkippedFigure(KIND, f"{block_name(block)}: {why}")
    images = material.shows_images(block)
    shown, left_out = with_room(list(found), gallery.MOST_COLUMNS - images)
    columns = [found[item] for item in shown]
    first = found[chooser]
    pictures = [_picture(material, first, case.sample) for case in cases] if images else []
    title = block_name(block, "Grounding")
    score = f"CNR of {chooser.method.title}"
    if reference is not None:
        score += f" minus that of {reference.method.title}"
    caption = joined(
        [
            choice_sentence(cases, "test pair", score),
            "Maps are those of the headline metric (similarities times patch weights at the "
            "temperature that validation chose; the similarities alone for a method without "
            "weights), smoothed as the metric does and rescaled to [-1, 1] each; outlined, the "
            "truth; below, the CNR of the map.",
            "Left, the radiograph." if images else "",
            left_out_sentence(left_out),
            seeds_sentence(material, block, shown),
            data_sentence([block], material.profile),
        ]
    )
    headers = [_header(material, first, case, reference is not None, images) for case in cases]
    draw = partial(_draw, title, headers, columns, cases, pictures)
    return Drawing(block, title, caption, draw, keys_of(shown), block.phantom, images)


def excess(chooser: Shown, reference: Shown | None) -> tuple[list[str], np.ndarray]:
    """Ids of the test pairs, and by how much a method's CNR exceeds the reference's.

    Without a reference the CNR itself; empty where single scores were not kept.
    """
    own = _cnr_by_id(chooser)
    if reference is None:
        return list(own), np.array(list(own.values()))
    other = _cnr_by_id(reference)
    ids = [name for name in own if name in other]
    return ids, np.array([own[name] - other[name] for name in ids])


def _cnr_by_id(shown: Shown) -> dict[str, float]:
    samples = shown.samples()
    if "cnr" not in samples:
        return {}
    pairs = zip(samples["ids"], samples["cnr"], strict=True)
    return {str(name): float(value) for name, value in pairs}


def _header(material: Material, maps: Maps, case: Case, over: bool, images: bool) -> str:
    row = maps.row_of[case.sample]
    category = str(maps.predictions["category"][row]).replace("_", " ")
    what = "excess" if over else "CNR"
    parts = [f"{case.name}, {what} {case.value:+.2f}".replace("-", "−"), category]
    if images and material.images is not None:
        result, recipe = maps.shown.result, maps.recipe
        phrase = material.images.phrase(result, case.sample, maps.frame, recipe.geometry)
        parts += [f"“{phrase}”"] if phrase else []
    return " · ".join(parts)


def _picture(material: Material, maps: Maps, pair: str) -> np.ndarray:
    assert material.images is not None
    image = pair.rpartition("#")[0]
    square = material.images.square(maps.shown.result, image, maps.frame, maps.recipe.geometry)
    return shrunk(square)


def _draw(
    title: str,
    headers: Sequence[str],
    columns: Sequence[Maps],
    cases: Sequence[Case],
    pictures: Sequence[np.ndarray],
) -> Figure:
    left = 1 if pictures else 0
    colours = _colours(over_image=bool(pictures))

    def paint(axes: Axes, row: int, column: int) -> str:
        pair = cases[row].sample
        image = pictures[row] if pictures else None
        if column < left:
            gallery.frame(axes, columns[0].frame, columns[0].frame, image)
            _truth(axes, columns[0], pair)
            return "truth"
        maps = columns[column - left]
        gallery.frame(axes, maps.frame, maps.frame, image)
        if pair not in maps.row_of:
            return "no map"
        heat, cnr = maps.heat(pair)
        axes.imshow(
            heat, cmap=colours, vmin=-1, vmax=1, extent=(0, maps.frame, maps.frame, 0)
        )  # fmt: skip
        _truth(axes, maps, pair)
        return f"CNR {cnr:+.2f}".replace("-", "−")

    titles = ["radiograph"] * left + [maps.shown.method.title for maps in columns]
    shape = [1.0] * len(cases)
    return gallery.draw_gallery(
        gallery.Gallery(
            title, headers, titles, shape, paint, partial(_colour_bar, colours), _BAR_INCHES
        )
    )


def _truth(axes: Axes, maps: Maps, pair: str) -> None:
    """Boxes as they are; a mask that is stored as tiles, by its outline."""
    if getattr(maps.recipe, "truth", "boxes") == "masks":
        outlines.mask(axes, maps.covered(pair), outlines.ON_HEAT)
    else:
        outlines.boxes(axes, maps.boxes(pair), outlines.ON_HEAT)


def _colours(over_image: bool) -> Colormap:
    """From cold to hot; clear to opaque where a radiograph lies below."""
    import matplotlib as mpl
    from matplotlib.colors import ListedColormap

    if not over_image:
        return mpl.colormaps["cividis"]
    steps = np.linspace(0, 1, 256)
    table = np.asarray(mpl.colormaps["YlOrRd"](steps))
    table[:, 3] = OPAQUE * steps
    return ListedColormap(table)


def _colour_bar(colours: Colormap, figure: Figure) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    width, height = figure.get_size_inches()
    place = (0.5 - 1.25 / width, 0.34 / height, 2.5 / width, 0.08 / height)
    mappable = ScalarMappable(Normalize(-1, 1), colours)
    bar = figure.colorbar(mappable, cax=figure.add_axes(place), orientation="horizontal")
    bar.set_ticks([-1, 0, 1])
    bar.set_label("heat map, rescaled to [−1, 1]", labelpad=1)
