from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data.sources import covid_idc
from benchmark.data.splits import split_rows
from benchmark.errors import BadDataError, MissingDataError

Write = Callable[[Path, str], Path]
Picture = Callable[..., Path]
HEADER = (
    "patientid,offset,sex,age,finding,survival,intubated,intubation_present,went_icu,in_icu,"
    "needed_supplemental_O2,extubated,temperature,pO2_saturation,leukocyte_count,neutrophil_count,"
    "lymphocyte_count,view,modality,date,location,folder,filename,doi,url,license,clinical_notes,"
    "other_notes,"
)
FILES = {
    "severe.png": "9001,,,,ARDS,,Y,Y,Y,Y,,,,,,,,PA,X-ray,2017,,images,severe.png,,u,CC BY,Note.,,",
    "case-l-a.jpg": '9002,3,M,54,COVID-19,Y,,,,,,,,,,,,AP,X-ray,"January 25, 2020","A, B",images,'
    'case-l-a.jpg,10.1,u,CC BY-NC-SA,"Small, right",,',
    "000001.jpg": "9003,0,F,,Klebsiella,,,,,,,,,,,,,PA,X-ray,,,images,000001.jpg,,,CC BY,,,",
    "000001.png": "9004,0,F,80,Varicella,,,,,,,,,,,,,PA,X-ray,,,images,000001.png,,,CC BY,,,",
    "supine.JPG": '9005,0,f,61,"COVID-19, ARDS",,,,,,,,,,,,,AP Supine,X-ray,,,images,supine.JPG,,,'
    "CC BY,,,",
    "lipoid.jpeg": "9003,9,F,,Lipoid,,,,,,,,,,,,,PA,X-ray,,,images,lipoid.jpeg,,,CC BY,,,",
    "clear.png": "9006,,M,33,No Finding,,,,,,,,,,,,,PA,X-ray,,,images,clear.png,,,CC BY,,,",
    "side.png": "9006,,M,33,COVID-19,,,,,,,,,,,,,L,X-ray,,,images,side.png,,,CC BY,,,",
    "slice.jpg": "9006,,M,33,COVID-19,,,,,,,,,,,,,Axial,CT,,,images,slice.jpg,,,CC BY,,,",
    "axial.nii.gz": "9006,,M,33,COVID-19,,,,,,,,,,,,,PA,CT,,,volumes,axial.nii.gz,,,CC BY,,,",
    "blank.png": "9007,,M,33,todo,,,,,,,,,,,,,,X-ray,,,images,blank.png,,,CC BY,,,",
}
KEPT = [
    "severe.png",
    "case-l-a.jpg",
    "000001.jpg",
    "000001.png",
    "supine.JPG",
    "lipoid.jpeg",
    "clear.png",
]
NAN = float("nan")


@pytest.fixture
def root(tmp_path: Path, write_picture: Picture, write_text: Write) -> Path:
    folder = tmp_path / "covid-chestxray-dataset"
    for number, name in enumerate(KEPT):
        write_picture(folder / "images" / "scratch.png", 8, 9 + number).rename(
            folder / "images" / name
        )
    write_text(folder / "metadata.csv", "\n".join([HEADER, *FILES.values()]) + "\n")
    return folder


def test_frontal_radiographs_by_file_name(root: Path) -> None:
    manifest = covid_idc.read(root)
    images = manifest.images
    assert images["image"].tolist() == KEPT
    assert images["path"].tolist() == [f"images/{name}" for name in KEPT]
    assert images["patient"].tolist()[1:4] == ["idc:9002", "idc:9003", "idc:9004"]
    assert set(images["view"]) == {"frontal"} and set(images["split"]) == {""}
    assert images["projection"].tolist()[4] == "AP Supine"
    assert images["sex"].tolist()[:5] == ["", "M", "F", "F", "F"]
    assert images["age"].tolist()[1] == 54.0 and np.isnan(images["age"][2])
    assert manifest.label_files == ("metadata.csv",)
    assert manifest.release == "flat findings"


def test_labels_of_both_tasks(root: Path) -> None:
    labels = covid_idc.read(root).labels
    assert tuple(labels.columns) == ("COVID-19", "Viral")
    wanted = [(0, NAN), (1, 1), (0, 0), (0, 1), (NAN, NAN), (0, NAN), (NAN, NAN)]
    assert np.array_equal(labels.to_numpy(), np.array(wanted, dtype=float), equal_nan=True)
    supine = covid_idc.read(root, views=("PA", "AP", "AP Supine")).labels
    assert supine.iloc[4].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("flat", "later"),
    [
        ("COVID-19", "Pneumonia/Viral/COVID-19"),
        ("SARS", "Pneumonia/Viral/SARS"),
        ("Streptococcus", "Pneumonia/Bacterial/Streptococcus"),
        ("Mycoplasma Bacterial Pneumonia", "Pneumonia/Bacterial/Mycoplasma"),
        ("Pneumocystis", "Pneumonia/Fungal/Pneumocystis"),
        ("Pneumonia", "Pneumonia"),
        ("todo", "Unknown"),
        ("No Finding", "Tuberculosis"),
    ],
)
def test_both_forms_of_a_finding_mean_the_same(flat: str, later: str) -> None:
    assert np.array_equal(covid_idc.task_labels(flat), covid_idc.task_labels(later), equal_nan=True)


def test_a_cause_must_be_one() -> None:
    both = covid_idc.task_labels("Pneumonia/Bacterial, Viral")
    assert both[0] == 0.0 and np.isnan(both[1])


@given(st.text(max_size=40))
def test_labels_are_zero_one_or_unknown(finding: str) -> None:
    covid, viral = covid_idc.task_labels(finding)
    assert covid in (0.0, 1.0) or np.isnan(covid)
    assert viral in (0.0, 1.0) or np.isnan(viral)
    assert covid != 1.0 or viral != 0.0, "COVID-19 is never bacterial"


def test_first_header_without_modality(
    tmp_path: Path, write_picture: Picture, write_text: Write
) -> None:
    folder = tmp_path / "old"
    write_picture(folder / "images" / "first.png")
    write_text(
        folder / "metadata.csv",
        "Patientid,offset,sex,age,finding,survival,view,date,location,filename,doi, url,license,"
        "notes\n1, ,,,SARS,,PA,2019,,first.png,,u,,\n2,,,,COVID-19,,CT,2019,,cut.png,,u,,\n",
    )
    manifest = covid_idc.read(folder)
    assert manifest.images["image"].tolist() == ["first.png"]
    assert manifest.labels.iloc[0].tolist() == [0.0, 1.0]


def test_last_header_with_pcr_and_hierarchical_findings(
    tmp_path: Path, write_picture: Picture, write_text: Write
) -> None:
    folder = tmp_path / "new"
    write_picture(folder / "images" / "a.png")
    header = HEADER.replace("finding,", "finding,RT_PCR_positive,").rstrip(",")
    row = "1,,M,5,Pneumonia/Viral/COVID-19,Y" + "," * 13 + "PA,X-ray,,,images,a.png,,,,,"
    write_text(folder / "metadata.csv", f"{header}\n{row}\n")
    manifest = covid_idc.read(folder)
    assert manifest.release == "hierarchical findings, with RT-PCR"
    assert manifest.labels.iloc[0].tolist() == [1.0, 1.0]


def test_a_file_listed_twice_stands_once_with_its_coded_row(root: Path, write_text: Write) -> None:
    uncoded = FILES["000001.jpg"].replace("Klebsiella", "todo")
    rows = [HEADER, uncoded, *FILES.values()]
    write_text(root / "metadata.csv", "\n".join(rows) + "\n")
    manifest = covid_idc.read(root)
    assert len(manifest) == len(KEPT)
    row = manifest.images["image"].tolist().index("000001.jpg")
    assert manifest.labels.iloc[row].tolist() == [0.0, 0.0]


def test_names_without_regard_to_case_and_absent_images(root: Path) -> None:
    (root / "images" / "supine.JPG").rename(root / "images" / "supine.jpg")
    (root / "images" / "lipoid.jpeg").rename(root / "lipoid.jpeg")
    paths = covid_idc.read(root).images["path"].tolist()
    assert paths[4:6] == ["images/supine.jpg", "lipoid.jpeg"]
    (root / "images" / "000001.png").unlink()
    with pytest.raises(MissingDataError, match=r"000001\.png"):
        covid_idc.read(root)
    manifest = covid_idc.read(root, allow_partial=True)
    assert (len(manifest), manifest.partial, manifest.missing) == (6, 1, ("000001.png",))


@pytest.fixture
def lists(root: Path, write_text: Write) -> Path:
    folder = root.parent / "DatasetsSplits" / "COVID-19_Image_Data_Collection"
    write_text(folder / "covid1" / "iscovid_train.txt", "severe.png 0\ncase-l-a.jpg 1\n")
    write_text(folder / "covid1" / "iscovid_val.txt", "000001.jpg 0\n\n")
    write_text(folder / "covid1" / "iscovid_test.txt", "000001.png 0\nlipoid.jpeg 0")
    write_text(folder / "viral2" / "isviral_train.txt", "case-l-a.jpg 1\n000001.jpg 0\n")
    write_text(folder / "viral2" / "isviral_test.txt", "000001.png 11\n")
    return folder


def test_lists_of_mrm(root: Path, lists: Path) -> None:
    manifest = covid_idc.read(root)
    assert sorted(manifest.lists) == ["mrm_covid1", "mrm_viral2"]
    rows = split_rows(manifest, "mrm_covid1")
    assert (rows.train.tolist(), rows.validation.tolist(), rows.test.tolist()) == (
        [0, 1],
        [2],
        [3, 5],
    )
    assert rows.overlaps["validation-test"] == {"images": 0, "patients": 1}
    viral = manifest.lists["mrm_viral2"]
    labels = dict(zip(viral["image"], viral["Viral"]))
    assert labels == {"000001.png": 1.0, "case-l-a.jpg": 1.0, "000001.jpg": 0.0}
    assert covid_idc.read(root, lists_root=lists.parent).lists.keys() == manifest.lists.keys()


def test_a_malformed_list_is_named(root: Path, lists: Path, write_text: Write) -> None:
    write_text(lists / "covid1" / "iscovid_val.txt", "000001.jpg 0\n000001.png 10\n")
    with pytest.raises(BadDataError, match=r"iscovid_val\.txt`, line 2"):
        covid_idc.read(root)


def test_missing_table_and_columns(root: Path, tmp_path: Path, write_text: Write) -> None:
    with pytest.raises(MissingDataError, match=r"metadata\.csv"):
        covid_idc.read(tmp_path / "nowhere")
    write_text(root / "metadata.csv", "patientid,finding,filename\n1,SARS,a.png\n")
    with pytest.raises(BadDataError, match="view"):
        covid_idc.read(root)
