"""What all writers share: a case, the setting it is drawn in, files with digests, tables."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmark.phantom.population import draw_study
from benchmark.phantom.render import render_view
from benchmark.phantom.version import PHANTOM_VERSION
from benchmark.seeds import generator_from, seed_from

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from benchmark.phantom.prevalence import Prevalence, ProfileName
    from benchmark.phantom.reports import ReportDials
    from benchmark.phantom.truth import Drawing, Study

Cells = Sequence[object]
Rows = dict[str, list[Cells]]


@dataclass(frozen=True)
class Case:
    """One study in one layout.

    Attributes:
        layout: Axis of the writer's own randomness: the data set's name; of those drawn together
            `mimic`, `nih` or `rsna`.
        population: Axis of the truth; populations share no patient.
        number: Of the study in its population.
        split: `train`, `validate` or `test`.
        grounding_split: Split of the study's MS-CXR pairs, or empty where it has none.
    """

    layout: str
    population: str
    number: int
    prevalence: Prevalence
    profile: ProfileName
    split: str
    grounding_split: str = ""


@dataclass(frozen=True)
class Setting:
    """In which every case of a phantom is drawn.

    Attributes:
        root: Folder that the layouts are written into.
        size: Side of a rendered picture in pixels.
    """

    root: Path
    size: int
    seed: int
    dials: ReportDials

    @property
    def tag(self) -> str:
        """What stands in every image file."""
        return f"synthetic: maco-bench phantom version {PHANTOM_VERSION} seed {self.seed}"

    def study(self, case: Case) -> Study:
        """The truth of a case."""
        return draw_study(self.seed, case.population, case.number, case.prevalence, case.profile)

    def drawing(self, study: Study, view_index: int) -> Drawing:
        """The rendered view of a study."""
        return render_view(study, study.views[view_index], self.size)

    def generator(self, case: Case, purpose: str) -> np.random.Generator:
        """Randomness of a writer for one case and purpose."""
        return generator_from(
            "phantom", self.seed, purpose, case.layout, case.population, case.number
        )

    def digits(self, count: int, *axes: object) -> str:
        """Hexadecimal digits that depend on the seed and the axes alone."""
        text = "".join(f"{seed_from('phantom', self.seed, i, *axes):016x}" for i in range(4))
        # The first digit of a 63-bit number is never above 7: leave it out.
        return "".join(text[i * 16 + 1 : (i + 1) * 16] for i in range(4))[:count]


@dataclass
class Written:
    """What a writer leaves: rows for the tables and a digest of every file.

    Attributes:
        rows: By table name.
        digests: SHA-256 by path below the root, `/` between parts.
    """

    rows: Rows = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def add(self, table: str, row: Cells) -> None:
        """One row for a table."""
        self.rows.setdefault(table, []).append(row)

    def save(self, setting: Setting, path: str, content: bytes) -> None:
        """Write a file below the root and keep its digest."""
        target = setting.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        self._note({path: hashlib.sha256(content).hexdigest()})

    def merge(self, other: Written) -> None:
        """Append what another writer left."""
        for table, rows in other.rows.items():
            self.rows.setdefault(table, []).extend(rows)
        self._note(other.digests)

    def _note(self, digests: Mapping[str, str]) -> None:
        """Keep digests. Two files of one name mean that two images share an id."""
        twice = self.digests.keys() & digests.keys()
        if twice:
            raise ValueError(f"the phantom's file {min(twice)} is written twice")
        self.digests.update(digests)


def csv_text(header: Cells, rows: Iterable[Cells]) -> str:
    """A CSV with line feeds as line ends; None is an empty cell, commas in cells are quoted."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()


def packed(text: str) -> bytes:
    """A gzip file without name and time, so that equal text gives equal bytes."""
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def tree_checksum(digests: Mapping[str, str]) -> str:
    """One checksum of many files: SHA-256 of `digest  path` lines in the order of paths."""
    lines = "".join(f"{digests[path]}  {path}\n" for path in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()
