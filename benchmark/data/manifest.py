"""One form for every data set: image, patient, study, split, labels, boxes, masks, report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd

IMAGE_COLUMNS = ("image", "path", "patient", "study", "view", "split", "sex", "age")
BOX_COLUMNS = ("image", "label", "phrase", "x", "y", "w", "h", "width", "height", "split")


def no_boxes() -> pd.DataFrame:
    """The box table of a data set without boxes."""
    import pandas as pd

    return pd.DataFrame(columns=list(BOX_COLUMNS))


@dataclass(frozen=True)
class SourceSpec:
    """What a reader in `benchmark/data/sources/` says about its data set.

    Attributes:
        name: Equal to the file's stem.
        folders: Names of the folder below a data root, tried in order.
        redistributable: Whether images and texts may be shown to others.
        obtain: One sentence: from where the user gets it.
        namespace: Before the colon of its patients' names.
        also_namespaces: Of other data sets, under whose names some of its patients stand.
        expected: Counts of the full release, for messages only.
    """

    name: str
    title: str
    licence: str
    redistributable: bool
    obtain: str
    folders: tuple[str, ...]
    namespace: str
    also_namespaces: tuple[str, ...] = ()
    expected: Mapping[str, int] = field(default_factory=dict)

    @property
    def namespaces(self) -> frozenset[str]:
        """All namespaces that its patients may stand in."""
        return frozenset((self.namespace, *self.also_namespaces))


@dataclass(frozen=True)
class Mask:
    """A known mask of one image.

    Attributes:
        runs: A run-length string each drawn region, in the `relative` form of
            `benchmark.metrics.rle`. Regions may overlap, the mask is their union; without any
            the mask is known to be empty.
        height, width: Frame of the runs in pixels. Stored pixels may be fewer.
    """

    runs: tuple[str, ...]
    height: int
    width: int

    def pixels(self) -> np.ndarray:
        """The union as booleans (height, width).

        Raises:
            BadDataError: The runs leave the frame, or are no run lengths.
        """
        from benchmark.metrics.rle import decode_union

        return decode_union(list(self.runs), self.height, self.width)


@dataclass(frozen=True)
class Manifest:
    """One data set as it lies on the disk.

    Attributes:
        root: Folder of the data set; `images.path` is relative to it, `/` between parts.
        images: One row an image, columns `IMAGE_COLUMNS`. `image` is unique; `patient` is
            `namespace:id`; `view` is `frontal`, `lateral` or `unknown`; `split` is `train`,
            `validation`, `test` or empty, as the data set itself says; age in years or NaN.
        labels: Same index as `images`, a float column a class: 1 present, 0 absent, -1
            uncertain, NaN not mentioned. No columns where the data set has no labels.
        boxes: One row a box, columns `BOX_COLUMNS`, in pixels of the original image, whose
            `width` and `height` are repeated. `phrase` may be empty.
        reports: Raw report text by study.
        lists: Published split lists found beside the data, by list name, each a frame with
            `image`, `split` (`train`, `validation`, `test`), `subset` (smallest percent whose
            list holds the image: 1, 10, 100), booleans `in_1`, `in_10`, `in_100` (the published
            1 % lists of NIH and RSNA are not inside their 10 % lists) and a column per class.
            An image in two splits of a list has two rows.
        masks: By image, where one is known. An image that is absent here is not segmented; that
            says nothing of what it shows.
        label_files: Files whose bytes enter the data key, relative to `root`.
        phantom: Content of `PHANTOM.json`, or None for real data.
        partial: Number of listed images that are absent (`--allow-partial`), else 0.
        missing: Ids of the first few of them, for messages.
    """

    dataset: str
    release: str
    root: Path
    images: pd.DataFrame
    labels: pd.DataFrame
    boxes: pd.DataFrame = field(default_factory=no_boxes)
    reports: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    masks: Mapping[str, Mask] = field(default_factory=dict)
    label_files: Sequence[str] = ()
    phantom: Mapping[str, Any] | None = None
    redistributable: bool = False
    partial: int = 0
    missing: Sequence[str] = ()

    def __post_init__(self) -> None:
        missing = [name for name in IMAGE_COLUMNS if name not in self.images]
        if missing:
            raise BadDataError(f"{self.dataset}: the manifest lacks the columns {missing}.")
        if self.images["image"].duplicated().any():
            twice = self.images.loc[self.images["image"].duplicated(), "image"].iloc[0]
            raise BadDataError(f"{self.dataset}: image `{twice}` is listed twice.")
        if len(self.labels) != len(self.images):
            raise BadDataError(f"{self.dataset}: labels and images differ in length.")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def classes(self) -> tuple[str, ...]:
        """Label names in column order."""
        return tuple(str(name) for name in self.labels.columns)

    def take(self, rows: np.ndarray) -> Manifest:
        """The manifest of some rows (positions), in their order; boxes follow their images."""
        images = self.images.iloc[rows].reset_index(drop=True)
        kept = set(images["image"])
        return replace(
            self,
            images=images,
            labels=self.labels.iloc[rows].reset_index(drop=True),
            boxes=self.boxes[self.boxes["image"].isin(kept)].reset_index(drop=True),
        )
