"""The reports of Open-i: one XML a report in a folder or an archive, or the two CSVs of Kaggle."""

from __future__ import annotations

import re
import tarfile
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from benchmark.data.sources import _files
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from pathlib import Path

SECTIONS = ("COMPARISON", "INDICATION", "FINDINGS", "IMPRESSION")
"""In the order of the XML."""

FOLDERS = ("ecgen-radiology", "NLMCXR_reports/ecgen-radiology", "NLMCXR_reports", "reports")
ARCHIVES = ("NLMCXR_reports.tgz", "NLMCXR_reports.tar.gz")
PREFIX = "CXR"
_DOUBLED = re.compile(rf"^{PREFIX}(\d+)_\1_")

VIEW_TABLES = (
    ("indiana_projections.csv", "filename", "projection"),
    ("nlmcxr_tsne_pa.csv", "imageid", "tsne-view"),
    ("nlmcxr_dicom_metadata.csv", "imageid", "View Position"),
)
"""Files that tell the view of an image, with their columns; Kaggle's, then torchxrayvision's."""

VIEWS = {
    **dict.fromkeys(("FRONTAL", "PA", "AP", "AP SUPINE"), "frontal"),
    **dict.fromkeys(("LATERAL", "L", "LL", "RL", "LAT"), "lateral"),
}


@dataclass(frozen=True)
class Citation:
    """One report.

    Attributes:
        uid: `CXR` and the report's number.
        images: Ids of its images, in order; may be empty.
        sections: Text by name of `SECTIONS`; empty ones are absent.
        headings: MeSH headings given by hand, such as `Pleural Effusion/left/small` or `normal`.
    """

    uid: str
    images: tuple[str, ...]
    sections: Mapping[str, str]
    headings: tuple[str, ...]

    @property
    def text(self) -> str:
        """The sections as one text, a header a line."""
        lines = [f"{name}: {self.sections[name]}" for name in SECTIONS if name in self.sections]
        return "\n\n".join(lines)


def image_id(name: str) -> str:
    """One form of an image's name, whichever archive it comes from.

    `2_IM-0652-1001.dcm.png` (Kaggle) and `2_IM-0652-1001.dcm` (the DICOM archive) lack the
    prefix of `CXR2_IM-0652-1001.png`; the images of report 1 have it with the number twice.
    """
    stem = _files.stem_of(_files.stem_of(name))
    whole = stem if stem.startswith(PREFIX) else PREFIX + stem
    return _DOUBLED.sub(rf"{PREFIX}\1_", whole)


def read_citations(root: Path) -> tuple[list[Citation], list[Path], str]:
    """All reports in the order of their numbers, the files that they come from, the form's name.

    Returns:
        Empty lists where there is none of the known forms.
    """
    for folder in FOLDERS:
        paths = sorted((root / folder).glob("*.xml"))
        if paths:
            found = [parse_citation(path.read_bytes(), str(path)) for path in paths]
            return _in_order(found), paths, "XML"
    for name in ARCHIVES:
        if (root / name).is_file():
            found = [parse_citation(data, where) for where, data in _members(root / name)]
            return _in_order(found), [root / name], "XML"
    path = _files.find_file(root, ["indiana_reports.csv"], _files.TABLE_ENDINGS)
    if path is None:
        return [], [], ""
    projections = _files.find_file(root, [VIEW_TABLES[0][0]], _files.TABLE_ENDINGS)
    if projections is None:
        raise BadDataError(
            f"`{path}` has no `{VIEW_TABLES[0][0]}` beside it, which names the images.",
            remedy="Put both files of the Kaggle copy into one folder.",
        )
    return _in_order(_kaggle(path, projections)), [path], "Kaggle CSV"


def parse_citation(data: bytes, where: str) -> Citation:
    """One `eCitation`.

    Raises:
        BadDataError: Not XML, no `uId`, or a document type, which no official file has.
    """
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise BadDataError(f"`{where}` declares a document type; no report of Open-i does.")
    try:
        tree = ET.fromstring(data)
    except ET.ParseError as error:
        raise BadDataError(f"`{where}` is not valid XML: {error}.") from error
    node = tree.find("uId")
    uid = "" if node is None else node.get("id", "")
    if not uid:
        raise BadDataError(f"`{where}` is no report of Open-i: it has no `uId`.")
    texts = {
        str(item.get("Label")).upper(): _flat("".join(item.itertext()))
        for item in tree.iter("AbstractText")
    }
    images = [image_id(str(item.get("id"))) for item in tree.iter("parentImage") if item.get("id")]
    return Citation(
        uid=uid,
        images=tuple(dict.fromkeys(images)),
        sections={name: texts[name] for name in SECTIONS if texts.get(name)},
        headings=_headings(item.text or "" for item in tree.iterfind(".//MeSH/major")),
    )


def read_views(root: Path) -> tuple[dict[str, str], Path | None]:
    """View by image id from the first of `VIEW_TABLES` that is there, and that file."""
    for name, image_column, view_column in VIEW_TABLES:
        path = _files.find_file(root, [name], _files.TABLE_ENDINGS)
        if path is None:
            continue
        table = _files.read_table(path)
        _files.need_columns(path, table, [image_column, view_column])
        names = [image_id(image) for image in table[image_column]]
        views = table[view_column].str.upper().map(VIEWS).fillna("unknown")
        return dict(zip(names, views)), path
    return {}, None


def _in_order(citations: Iterable[Citation]) -> list[Citation]:
    found = sorted(citations, key=lambda item: (len(item.uid), item.uid))
    for first, second in pairwise(found):
        if first.uid == second.uid:
            raise BadDataError(f"Open-i: there are two reports `{first.uid}`.")
    return found


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each XML in the archive, read in one pass."""
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.name.endswith(".xml") else None
                if stream is not None:
                    yield f"{path}/{member.name}", stream.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadDataError(f"`{path}` is not a readable tar file: {error}") from error


def _kaggle(path: Path, projections: Path) -> list[Citation]:
    table, images = _files.read_table(path), _files.read_table(projections)
    _files.need_columns(path, table, ["uid", *(name.lower() for name in SECTIONS)])
    _files.need_columns(projections, images, ["uid", "filename"])
    table = _files.with_columns(table, "MeSH")
    by_report: dict[str, list[str]] = {}
    for uid, name in zip(images["uid"], images["filename"]):
        by_report.setdefault(uid, []).append(image_id(name))
    return [
        Citation(
            uid=PREFIX + row["uid"].removeprefix(PREFIX),
            images=tuple(dict.fromkeys(by_report.get(row["uid"], ()))),
            sections={
                name: _flat(row[name.lower()]) for name in SECTIONS if _flat(row[name.lower()])
            },
            headings=_headings(row["MeSH"].split(";")),
        )
        for row in table.to_dict("records")
    ]


def _headings(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_flat(text) for text in texts if _flat(text)))


def _flat(text: str) -> str:
    return " ".join(text.split())
