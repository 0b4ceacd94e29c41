"""What is published about a data set beside its own files, as data.

A module `benchmark/data/sources/_published/NAME.py`, named like a reader, may offer

- `SPLITS: Mapping[str, SplitRule]`, splits of papers that publish no list;
- `FACTS: ListFacts`, how to read the published lists, and where the images come from;
- `listed_images(root) -> DataFrame | None`, one row an image of the set's own tables: `image`,
  `patient` (or None), `split` and a column a class, whether the image files are there or not;
- `list_frames(folder) -> dict[str, DataFrame]`, lists that have another form than those of the
  MaCo repository, by name: `image`, `split` and a column a class.

None of them is needed: a data set without such a module has no published splits.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import types

    import pandas as pd

PACKAGE = "benchmark.data.sources._published"
SMALLEST_SHARE = 0.1
PATIENT_FOLDER = r"(?:^|/)(patient\d+)/"


@dataclass(frozen=True)
class SplitRule:
    """How a paper cuts a data set of which it publishes no list.

    Attributes:
        counts: Images of each part at full scale, as printed. A part that is named neither here
            nor in `whole` is empty.
        source: Who prints them.
        whole: By part, the official part that is taken as it is.
        pool: The official part that the other parts are drawn from, or `all`: whole patients,
            stratified, from the seed alone. Where a set is held in part, in proportion to
            `counts`, but a tenth of the pool where that is less than the printed count: a
            fiftieth of a small set could choose nothing.
        column: Column of `Manifest.images` that tells the official part.
        view: Only images of this view; empty for all.
        labelled: Only images whose label of this class is known; empty for all.
        one_a_study: Only the first image of a study, by name.
        note: What the source leaves open, and what is done here.
    """

    counts: Mapping[str, int]
    source: str
    whole: Mapping[str, str] = field(default_factory=dict)
    pool: str = "train"
    column: str = "split"
    view: str = ""
    labelled: str = ""
    one_a_study: bool = False
    note: str = ""

    @property
    def drawn(self) -> dict[str, int]:
        """Counts of the parts that are drawn from the pool."""
        return {part: count for part, count in self.counts.items() if part not in self.whole}

    def wanted(self, available: int) -> dict[str, int]:
        """Images to draw for test and validation out of a pool of some size."""
        total = sum(self.drawn.values())
        found: dict[str, int] = {}
        for part in ("test", "validation"):
            if part in self.drawn:
                share = available * self.drawn[part] / total
                floor = min(self.drawn[part], available * SMALLEST_SHARE)
                found[part] = max(1, round(max(share, floor)))
        return found


@dataclass(frozen=True)
class Origin:
    """That the images of one data set were taken from another one.

    Attributes:
        dataset: Reader of the set that they come from.
        statement: One sentence: what is known without any table.
        source: Who says so.
        table: File that names the other set's image for each of ours; empty where there is none.
        image, origin: Its columns.
        distance: Column that says how well the two agree, or empty.
        limit: A match is certain where the distance is smaller.
        obtain: From where the table comes.
        same_names: Both sets give an image the same name, so that their tables can be compared.
    """

    dataset: str
    statement: str
    source: str
    table: str = ""
    image: str = ""
    origin: str = ""
    distance: str = ""
    limit: float = 0.0
    obtain: str = ""
    same_names: bool = False


@dataclass(frozen=True)
class ListFacts:
    """How to read the names in a set's lists.

    Attributes:
        folder: Of the set's lists, below the folder of all lists; empty where it has none.
        classes: The order of their labels; empty where nothing compares them.
        coco: Beginning of the names of the set's COCO files; empty where there are none.
        patient: Regular expression whose first group names the patient, searched for in the name
            (with its folders, without the suffix). Names that it does not fit tell no patient.
        origin: From where the images come.
    """

    folder: str = ""
    classes: tuple[str, ...] = ()
    coco: str = ""
    patient: str = PATIENT_FOLDER
    origin: Origin | None = None


def published_module(dataset: str) -> types.ModuleType | None:
    """The module of what is published about a data set, or None."""
    folder = Path(__file__).parent / "sources" / "_published"
    if dataset.startswith("_") or not (folder / f"{dataset}.py").is_file():
        return None
    return importlib.import_module(f"{PACKAGE}.{dataset}")


def described_datasets() -> list[str]:
    """Names of the data sets that have such a module, sorted."""
    folder = Path(__file__).parent / "sources" / "_published"
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def facts_of(dataset: str) -> ListFacts:
    """How to read a data set's lists."""
    facts: ListFacts = getattr(published_module(dataset), "FACTS", ListFacts())
    return facts


def rules_of(dataset: str) -> Mapping[str, SplitRule]:
    """The named splits of a data set."""
    rules: Mapping[str, SplitRule] = getattr(published_module(dataset), "SPLITS", {})
    return rules


def list_frames(dataset: str, folder: Path) -> dict[str, pd.DataFrame]:
    """A data set's lists of its own form below the folder of all lists."""
    read = getattr(published_module(dataset), "list_frames", None)
    frames: dict[str, pd.DataFrame] = {} if read is None else read(folder)
    return frames


def listed_images(dataset: str, places: list[Path]) -> pd.DataFrame | None:
    """`image`, `patient`, `split` and classes from the first place that holds the tables."""
    read = getattr(published_module(dataset), "listed_images", None)
    if read is None:
        return None
    for place in places:
        table: pd.DataFrame | None = read(place)
        if table is not None:
            return table
    return None
