from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data.corpus import read_corpus
from benchmark.data.report_text import sections
from benchmark.data.sources import open_i
from benchmark.data.sources._open_i_reports import image_id, parse_citation
from benchmark.errors import BadDataError, MissingDataError
from benchmark.recipes import PretrainRecipe

Write = Callable[[Path, str], Path]
Picture = Callable[..., Path]


def report(
    number: int,
    texts: dict[str, str],
    images: tuple[str, ...] = (),
    headings: tuple[str, ...] = ("normal",),
) -> str:
    """An `eCitation` in the form of the real ones, with what the reader does not use."""
    abstract = "\n".join(
        f'            <AbstractText Label="{name}">{escape(texts.get(name, ""))}</AbstractText>'
        for name in ("COMPARISON", "INDICATION", "FINDINGS", "IMPRESSION")
    )
    mesh = "\n\n".join(f"      <major>{item}</major>" for item in headings)
    parents = "\n".join(
        f'<parentImage id="{name}">\n  <figureId>F1</figureId>\n  <caption>Two views</caption>\n'
        f'  <panel type="single">\n <url>/some/where/{name}.jpg</url>\n </panel>\n</parentImage>'
        for name in images
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<eCitation>
   <meta type="rr"/>
   <uId id="CXR{number}"/>
   <pmcId id="{number}"/>
   <docSource>CXR</docSource>
   <IUXRId id="{number}"/>
   <licenseType>open-access</licenseType>
   <MedlineCitation Owner="Somebody">
      <Article PubModel="Electronic">
         <ArticleTitle>A title</ArticleTitle>
         <Abstract>
{abstract}
         </Abstract>
      </Article>
   </MedlineCitation>
   <MeSH>
{mesh}
      <automatic>effusion</automatic>
   </MeSH>
   {parents}
</eCitation>
"""


REPORTS = {
    9_101: report(
        9_101,
        {"COMPARISON": "None.", "FINDINGS": "Small left effusion.  Heart is XXXX.",
         "IMPRESSION": "1. Effusion. 2. No pneumothorax & no more."},
        ("CXR9101_9101_IM-0001-3001", "CXR9101_9101_IM-0001-4001"),
        ("Pleural Effusion/left/small", "Thickening/pleura/apex", "Thickening/bronchovascular"),
    ),
    9_102: report(
        9_102, {"INDICATION": "Cough", "IMPRESSION": "Normal chest."},
        ("CXR9102_IM-0652-0001-1001",), ("normal",),
    ),
    9_103: report(9_103, {"INDICATION": "Pain"}, ("CXR9103_IM-2001-1001",), ("No Indexing",)),
    9_104: report(9_104, {"FINDINGS": "Clear lungs."}),
}  # fmt: skip
FILES = (
    "CXR9101_9101_IM-0001-3001.png",
    "CXR9101_9101_IM-0001-4001.png",
    "CXR9102_IM-0652-0001-1001.png",
    "CXR9103_IM-2001-1001.png",
)
IDS = [
    "CXR9101_IM-0001-3001",
    "CXR9101_IM-0001-4001",
    "CXR9102_IM-0652-0001-1001",
    "CXR9103_IM-2001-1001",
]
PROJECTIONS = """uid,filename,projection
9101,9101_IM-0001-4001.dcm.png,Frontal
9101,9101_IM-0001-3001.dcm.png,Lateral
9102,9102_IM-0652-0001-1001.dcm.png,Frontal
"""


@pytest.fixture
def root(tmp_path: Path, write_picture: Picture, write_text: Write) -> Path:
    folder = tmp_path / "open-i"
    for name in FILES:
        write_picture(folder / "NLMCXR_png" / name)
    for number, text in REPORTS.items():
        write_text(folder / "ecgen-radiology" / f"{number}.xml", text)
    return folder


def pack(root: Path) -> None:
    """The reports as the archive that they are distributed in."""
    with tarfile.open(root / "NLMCXR_reports.tgz", "w:gz") as archive:
        for path in sorted((root / "ecgen-radiology").glob("*.xml"), reverse=True):
            member = tarfile.TarInfo(f"ecgen-radiology/{path.name}")
            member.size = path.stat().st_size
            archive.addfile(member, io.BytesIO(path.read_bytes()))
            path.unlink()


@pytest.mark.parametrize("packed", [False, True])
def test_reports_and_images_of_the_official_archives(root: Path, packed: bool) -> None:
    if packed:
        pack(root)
    manifest = open_i.read(root)
    assert manifest.images["image"].tolist() == IDS
    assert manifest.images["path"].tolist() == [f"NLMCXR_png/{name}" for name in FILES]
    assert manifest.images["study"].tolist() == ["CXR9101", "CXR9101", "CXR9102", "CXR9103"]
    assert manifest.images["patient"].iloc[0] == "openi:CXR9101"
    assert list(manifest.reports) == ["CXR9101", "CXR9102", "CXR9103", "CXR9104"]
    assert set(manifest.images["view"]) == {"unknown"}
    assert manifest.release == "XML, views unknown: frontal and lateral are mixed"
    assert len(manifest.label_files) == (1 if packed else 4)


def test_sections_are_found_again_in_the_text(root: Path) -> None:
    reports = open_i.read(root).reports
    assert sections(reports["CXR9101"]) == {
        "comparison": "None.",
        "findings": "Small left effusion. Heart is XXXX.",
        "impression": "1. Effusion. 2. No pneumothorax & no more.",
    }
    assert sections(reports["CXR9103"]) == {"indication": "Pain"}


def test_headings_are_labels_and_no_heading_is_unknown(root: Path) -> None:
    labels = open_i.read(root).labels
    assert tuple(labels.columns) == open_i.CLASSES
    assert labels["Effusion"].tolist()[:3] == [1.0, 1.0, 0.0]
    assert labels["Pleural_Thickening"].tolist()[:3] == [1.0, 1.0, 0.0]
    assert labels.iloc[0].sum() == 2 and labels.iloc[2].sum() == 0
    assert labels.iloc[3].isna().all()
    assert open_i.classes_of(["Thickening/bronchovascular", "Hernia, Hiatal/large"]) == {"Hernia"}
    assert open_i.classes_of(["Hydropneumothorax/left"]) == {"Effusion", "Pneumothorax"}
    assert open_i.classes_of([]) is None


def test_views_come_from_a_table_beside_the_data(root: Path, write_text: Write) -> None:
    write_text(root / "indiana_projections.csv", PROJECTIONS)
    manifest = open_i.read(root)
    assert manifest.images["view"].tolist() == ["lateral", "frontal", "frontal", "unknown"]
    assert manifest.release == "XML"
    assert "indiana_projections.csv" in manifest.label_files
    (root / "indiana_projections.csv").unlink()
    header = "imageid,Modality,View Position"
    rows = [f"{FILES[0][:-4]},CR,LL", f"{IDS[2]},DX,PA", f"{IDS[3]},DX,"]
    write_text(root / "nlmcxr_dicom_metadata.csv", "\n".join([header, *rows]) + "\n")
    views = open_i.read(root).images["view"].tolist()
    assert views == ["lateral", "unknown", "frontal", "unknown"]


def test_the_two_csvs_of_kaggle(tmp_path: Path, write_picture: Picture, write_text: Write) -> None:
    for name in ("9101_IM-0001-4001", "9101_IM-0001-3001", "9102_IM-0652-0001-1001"):
        write_picture(tmp_path / "images" / "images_normalized" / f"{name}.dcm.png")
    write_text(tmp_path / "indiana_projections.csv", PROJECTIONS)
    write_text(
        tmp_path / "indiana_reports.csv",
        "uid,MeSH,Problems,image,indication,comparison,findings,impression\n"
        '9102,Cardiomegaly/mild;Nodule/lung/left,x,Two views,Cough,,"Big heart, nodule.",\n'
        "9101,normal,normal,Two views,,None.,,Normal.\n",
    )
    manifest = open_i.read(tmp_path)
    assert manifest.images["image"].tolist() == [IDS[1], IDS[0], IDS[2]]
    assert manifest.images["view"].tolist() == ["frontal", "lateral", "frontal"]
    assert manifest.labels["Cardiomegaly"].tolist() == [0.0, 0.0, 1.0]
    assert manifest.labels["Nodule"].tolist() == [0.0, 0.0, 1.0]
    assert manifest.reports["CXR9102"] == "INDICATION: Cough\n\nFINDINGS: Big heart, nodule."
    assert manifest.release == "Kaggle CSV"
    (tmp_path / "indiana_projections.csv").unlink()
    with pytest.raises(BadDataError, match="indiana_projections"):
        open_i.read(tmp_path)


def test_it_serves_as_a_corpus(root: Path, write_text: Write) -> None:
    recipe = PretrainRecipe(source="test")
    corpus = read_corpus(open_i.read(root), recipe)
    assert corpus.rows.tolist() == [0, 1, 2], "without views all images, without text none"
    assert corpus.texts[2] == "Normal chest."
    write_text(root / "indiana_projections.csv", PROJECTIONS)
    corpus = read_corpus(open_i.read(root), recipe)
    assert corpus.rows.tolist() == [1, 2]
    assert corpus.views == {"frontal": 2, "lateral": 1, "unknown": 1}


def test_absent_images_and_absent_reports(root: Path, tmp_path: Path) -> None:
    (root / "NLMCXR_png" / FILES[2]).unlink()
    with pytest.raises(MissingDataError, match=IDS[2]):
        open_i.read(root)
    manifest = open_i.read(root, allow_partial=True)
    assert (len(manifest), manifest.partial, len(manifest.reports)) == (3, 1, 4)
    with pytest.raises(MissingDataError, match="no reports"):
        open_i.read(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    "text",
    ["<eCitation><uId", "<eCitation/>", '<!DOCTYPE a [<!ENTITY b "c">]><a><uId id="CXR1"/></a>'],
)
def test_bad_reports_are_told(root: Path, write_text: Write, text: str) -> None:
    write_text(root / "ecgen-radiology" / "9102.xml", text)
    with pytest.raises(BadDataError, match="9102"):
        open_i.read(root)


def test_a_broken_archive_and_a_doubled_report_are_told(root: Path, write_text: Write) -> None:
    write_text(root / "ecgen-radiology" / "9105.xml", REPORTS[9_104])
    with pytest.raises(BadDataError, match="CXR9104"):
        open_i.read(root)
    pack(root)
    archive = root / "NLMCXR_reports.tgz"
    archive.write_bytes(archive.read_bytes()[:200])
    with pytest.raises(BadDataError, match="NLMCXR_reports"):
        open_i.read(root)


@pytest.mark.parametrize(
    "name",
    [
        "CXR7_IM-0652-1001",
        "CXR7_IM-0652-1001.png",
        "7_IM-0652-1001.dcm",
        "7_IM-0652-1001.dcm.png",
        "CXR7_7_IM-0652-1001.png",
    ],
)
def test_names_of_all_archives_are_one(name: str) -> None:
    assert image_id(name) == "CXR7_IM-0652-1001"


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=60)


@given(st.dictionaries(st.sampled_from(["COMPARISON", "FINDINGS", "IMPRESSION"]), TEXT))
def test_any_text_comes_back_with_single_spaces(texts: dict[str, str]) -> None:
    citation = parse_citation(report(9, texts).encode(), "here")
    flat = {name: " ".join(text.split()) for name, text in texts.items()}
    assert dict(citation.sections) == {name: text for name, text in flat.items() if text}
    assert citation.uid == "CXR9" and citation.images == ()


def test_images_are_read_as_grey(root: Path) -> None:
    from PIL import Image

    from benchmark.data.images import read_grey

    grey = np.arange(120, dtype=np.uint8).reshape(12, 10)
    path = root / "NLMCXR_png" / FILES[0]
    Image.fromarray(np.stack([grey] * 3, axis=-1)).save(path)
    assert np.array_equal(read_grey(path), grey), "the real files have three equal channels"
