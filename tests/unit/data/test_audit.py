"""The audit on hand-made lists; the real ones are in tests/real_data/test_audit.py."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.data.audit import audit
from benchmark.data.audit_places import Places, find_lists_folder
from benchmark.data.audit_report import AuditReport, SetAudit, Shared
from benchmark.data.audit_text import render
from benchmark.errors import UsageError

Write = Callable[[Path, str], Path]
ZEROS = " 0" * 13


def nih(person: int, number: int, label: int = 0) -> str:
    return f"{person:08d}_{number:03d}.png {label}{ZEROS}\n"


def rsna(name: str, label: int = 0, part: str = "train") -> str:
    return f"stage_2_{part}_images/{name}.dcm {label} \n"


def chexpert(person: int, view: int = 1, part: str = "train") -> str:
    path = f"CheXpert-v1.0-small/{part}/patient{person:05d}/study1/view{view}_frontal.jpg"
    return f"{path} 0 1 0 0 0\n"


@pytest.fixture
def lists(tmp_path: Path, write_text: Write) -> Path:
    """Lists of four data sets with known faults, and one that no reader knows."""
    root = tmp_path / "splits_maco"
    write_text(root / "NIH_ChestX-ray/train_list.txt", nih(1, 0) + nih(1, 1, 1) + nih(2, 0))
    write_text(root / "NIH_ChestX-ray/train_1.txt", nih(2, 0))
    write_text(root / "NIH_ChestX-ray/train_10.txt", nih(1, 0))
    write_text(root / "NIH_ChestX-ray/val_list.txt", nih(3, 0))
    write_text(root / "NIH_ChestX-ray/test_list.txt", nih(4, 0) + nih(4, 1, 1).strip())
    train = rsna("aa", 1) + rsna("bb") + rsna("cc")
    write_text(root / "RSNA_Pneumonia/train_list.txt", train)
    write_text(root / "RSNA_Pneumonia/val_list.txt", rsna("dd"))
    write_text(root / "RSNA_Pneumonia/test_list.txt", rsna("zz", 1, "test"))
    siim = root / "SIIM-ACR_Pneumothorax"
    write_text(siim / "train_list.txt", "1.2.1\n1.2.2\n1.2.2\n")
    write_text(siim / "val_list.txt", "1.2.2\n1.2.3\n")
    write_text(siim / "test_list.txt", "1.2.1\n1.2.3\n1.2.4\n")
    write_text(root / "CheXpert/train_10.txt", chexpert(1) + chexpert(2))
    write_text(root / "CheXpert/val_list.txt", chexpert(2, 2) + chexpert(3))
    write_text(root / "CheXpert/test_list.txt", chexpert(9, part="valid"))
    write_text(root / "Other/test_list.txt", "x.png 0 1\ny.png 0 0\n")
    content = {
        "images": [{"id": 5, "file_name": "png/aa.png"}, {"id": 6, "file_name": "png/dd.png"}],
        "annotations": [{"image_id": 5}, {"image_id": 5}, {"image_id": 6}],
    }
    with gzip.open(root / "rsna_test_coco_format.json.gz", "wt") as file:
        json.dump(content, file)
    return root


@pytest.fixture
def tables(tmp_path: Path, write_text: Write) -> Path:
    """The data sets' own tables, without any image."""
    header = "Image Index,Finding Labels,Follow-up #,Patient ID\n"
    rows = "00000001_000.png,No Finding,0,1\n00000001_001.png,Atelectasis|Mass,1,1\n"
    write_text(tmp_path / "nih-cxr14/Data_Entry_2017_v2020.csv", header + rows)
    folder = tmp_path / "rsna-pneumonia-detection-challenge"
    write_text(
        folder / "rsna_to_nih_map.csv",
        "patientId,nih_image,mse,rsna_class\naa,00000004_000.png,1.5,x\nbb,00000003_000.png,2,x\n"
        "cc,00000007_000.png,11,x\ndd,00000004_001.png,0.5,x\n",
    )
    write_text(
        folder / "stage_2_train_labels.csv",
        "patientId,x,y,width,height,Target\naa,1,1,2,2,1\naa,4,4,2,2,1\nbb,,,,,0\ncc,,,,,0\n"
        "dd,3,3,2,2,1\n",
    )
    write_text(
        tmp_path / "siim-acr-pneumothorax/train-rle.csv",
        "ImageId, EncodedPixels\n1.2.1, 5 2\n1.2.1, 9 1\n1.2.2, -1\n1.2.3, -1\n1.2.4, -1\n",
    )
    return tmp_path


def of(report: AuditReport, dataset: str, name: str = "maco_lists") -> SetAudit:
    return next(item for item in report.sets if (item.dataset, item.name) == (dataset, name))


def pair(item: SetAudit, first: str, second: str) -> Shared:
    return next(found for found in item.shared if (found.first, found.second) == (first, second))


def test_lists_alone(lists: Path) -> None:
    report = audit(Places(lists))
    assert [(item.dataset, item.name) for item in report.sets] == [
        ("Other", "maco_lists"),
        ("chexpert", "maco_lists"),
        ("nih_cxr14", "maco_lists"),
        ("rsna_pneumonia", "maco_lists"),
        ("rsna_pneumonia", "maco_detection"),
        ("siim_acr", "maco_lists"),
    ]
    clean = of(report, "nih_cxr14")
    assert not clean.leaks
    assert clean.parts["train"].patients == 2 and clean.parts["train"].images == 3
    assert clean.parts["train"].expected == 78_468
    assert clean.nested["train 1 % in train 10 %"] == (0, 1)
    assert clean.nested["train 1 % in train"] == (1, 1)
    leaking = pair(of(report, "chexpert"), "train 10 %", "validation")
    assert (leaking.images, leaking.patients, leaking.of_patients) == (0, 1, 2)
    assert leaking.leaks and of(report, "chexpert").leaks
    assert of(report, "Other").parts["test"].positive == 1
    assert {entry.dataset for entry in report.provenance if not entry.counted} >= {
        "rsna_pneumonia",
        "siim_acr",
        "ms_cxr",
    }


def test_images_in_two_parts(lists: Path, tables: Path) -> None:
    without = of(audit(Places(lists)), "siim_acr")
    assert pair(without, "train", "test").positive is None
    item = of(audit(Places(lists, data_root=tables)), "siim_acr")
    assert item.parts["train"].lines == 3 and item.parts["train"].images == 2
    found = pair(item, "train", "test")
    assert (found.images, found.positive, found.of_images, found.patients) == (1, 1, 3, None)
    assert pair(item, "train", "validation").positive == 0
    assert item.test_also == {"train": 1, "validation_only": 1}
    assert item.parts["test"].positive == 1


def test_labels_unlike_the_table(lists: Path, tables: Path) -> None:
    report = audit(Places(lists, data_root=tables))
    train = of(report, "nih_cxr14").parts["train"]
    assert (train.in_table, train.differing) == (2, 1)
    assert train.differing_classes == {"Mass": 1}
    held = of(report, "rsna_pneumonia").parts
    assert held["train"].differing == 0 and held["validation"].differing == 1
    assert held["test"].in_table == 0
    assert held["test"].folders == {"stage_2_test_images": 1}


def test_across_tasks_and_data_sets(lists: Path, tables: Path) -> None:
    found = {
        (item.first, item.second): item for item in audit(Places(lists, data_root=tables)).across
    }
    task = found["rsna_pneumonia maco_lists train", "rsna_pneumonia maco_detection test"]
    assert (task.images, task.of_images, task.by) == (1, 2, "rsna_pneumonia")
    assert (task.patients, task.of_patients) == (1, 1)
    other = found["rsna_pneumonia maco_lists train", "nih_cxr14 maco_lists test"]
    assert (other.images, other.patients, other.by) == (1, 1, "nih_cxr14")
    unknown = found["nih_cxr14 maco_lists train", "rsna_pneumonia maco_lists test"]
    assert unknown.images is None and not unknown.leaks
    back = found["nih_cxr14 maco_lists validation", "rsna_pneumonia maco_detection test"]
    assert (back.images, back.comparable) == (0, 2)
    alone = {(item.first, item.second) for item in audit(Places(lists)).across}
    assert alone == {
        (f"rsna_pneumonia maco_lists {part}", "rsna_pneumonia maco_detection test")
        for part in ("train", "validation")
    }


def test_persons_of_another_set_join_the_parts(lists: Path, tables: Path) -> None:
    report = audit(Places(lists, data_root=tables))
    item = of(report, "rsna_pneumonia")
    found = pair(item, "train", "validation")
    assert (found.images, found.patients, found.of_patients) == (0, 1, 1)
    assert item.parts["train"].with_patient == 2, "a doubtful match tells no person"
    origin = next(entry for entry in report.provenance if entry.dataset == "rsna_pneumonia")
    assert origin.counted and origin.found["images"] == 3 and origin.found["patients"] == 2
    assert origin.tests["maco_detection"] == {"images": 2, "found": 2}
    assert origin.tests["maco_lists"] == {"images": 1, "found": 0}


def test_boxes_drawn_on_a_corpus(lists: Path, tmp_path: Path, write_text: Write) -> None:
    folder = tmp_path / "mimic-cxr-jpg" / "2.0.0"
    write_text(
        folder / "mimic-cxr-2.0.0-metadata.csv",
        "dicom_id,subject_id,study_id,ViewPosition\n"
        "a1,99901,1,PA\na2,99901,2,PA\nb1,99902,3,AP\nc1,99903,4,AP\n",
    )
    write_text(
        folder / "mimic-cxr-2.0.0-split.csv",
        "dicom_id,study_id,subject_id,split\na1,1,99901,train\na2,2,99901,train\n"
        "b1,3,99902,test\nc1,4,99903,train\n",
    )
    write_text(
        tmp_path / "ms-cxr" / "MS_CXR_Local_Alignment_v1.0.0.csv",
        "category_name,label_text,path,x,y,w,h,image_width,image_height\n"
        "Edema,one,files/p99/p99901/s1/a1.jpg,1,1,2,2,9,9\n"
        "Edema,two,files/p99/p99901/s1/a1.jpg,4,4,2,2,9,9\n"
        "Edema,one,files/p99/p99902/s3/b1.jpg,1,1,2,2,9,9\n"
        "Edema,one,files/p99/p99909/s9/q1.jpg,1,1,2,2,9,9\n",
    )
    report = audit(Places(lists, data_root=tmp_path))
    found = next(entry for entry in report.provenance if entry.dataset == "ms_cxr").found
    assert found == {
        "images": 3,
        "images in the corpus on the disk": 2,
        "patients": 3,
        "patients in the corpus": 2,
        "patients in its training part": 1,
        "its training images of these patients": 2,
    }


def test_lists_of_another_form(lists: Path, tmp_path: Path, write_text: Write) -> None:
    folder = lists / "COVID-19_Image_Data_Collection" / "covid1"
    write_text(folder / "iscovid_train.txt", "a 1.jpg 1\nb.png 0\n")
    write_text(folder / "iscovid_val.txt", "c.jpg 0\n")
    write_text(folder / "iscovid_test.txt", "d.jpg 1\n\n")
    write_text(
        tmp_path / "covid-chestxray-dataset" / "metadata.csv",
        "patientid,finding,view,modality,folder,filename\n"
        "1,COVID-19,PA,X-ray,images,a 1.jpg\n2,ARDS,PA,X-ray,images,b.png\n"
        "2,ARDS,PA,X-ray,images,c.jpg\n3,COVID-19,PA,X-ray,images,d.jpg\n",
    )
    item = of(audit(Places(lists, data_root=tmp_path)), "covid_idc", "mrm_covid1")
    assert pair(item, "train", "validation").patients == 1
    assert pair(item, "train", "test").patients == 0
    assert item.parts["train"].positive == 1 and item.parts["train"].expected == 354


def test_a_phantom_is_not_compared_with_published_counts(lists: Path, tmp_path: Path) -> None:
    (tmp_path / "PHANTOM.json").write_text('{"version": 1}')
    report = audit(Places(lists))
    assert report.phantom == {"version": 1}
    assert of(report, "nih_cxr14").parts["train"].expected is None
    assert "(PHANTOM: synthetic)" in render(report)


def test_text_says_a_verdict_a_line(lists: Path, tables: Path) -> None:
    report = audit(Places(lists, data_root=tables))
    text = render(report)
    assert "LEAK     train and test: 1 of 3 images, all of them positive" in text
    assert "of 3 test images 1 are in a training list and 1 more in the validation list" in text
    assert "LEAK     train 10 % and validation: 0 of 2 images, 1 of 2 patients" in text
    assert "note     train 1 % in train 10 %: 0 of 1 images, not nested" in text
    assert "note     train: 1 names are repeated" in text
    assert "3 images, 78,468 were published" in text
    assert "none of the 1 test images has a known name in nih_cxr14" in text
    assert "shared   rsna_pneumonia maco_lists train and rsna_pneumonia maco_detection" in text
    assert "Known by construction, not counted." in text
    markdown = render(report, markdown=True)
    assert "## siim_acr, maco_lists" in markdown and "| train " in markdown
    assert "- **LEAK** train and test" in markdown


def test_json_is_plain_and_says_what_leaks(lists: Path) -> None:
    content = json.loads(json.dumps(audit(Places(lists)).as_json()))
    assert {item["dataset"]: item["leaks"] for item in content["sets"]} == {
        "Other": False, "chexpert": True, "nih_cxr14": False, "rsna_pneumonia": False,
        "siim_acr": True,
    }  # fmt: skip


def test_where_lists_are_looked_for(
    lists: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_lists_folder(lists, None, {}) == lists
    assert find_lists_folder(tmp_path, None, {}) == lists
    assert find_lists_folder(None, tmp_path, {}) == lists
    assert find_lists_folder(None, None, {"nih_cxr14": tmp_path / "nih"}) == lists
    empty = tmp_path / "1" / "2"
    empty.mkdir(parents=True)
    monkeypatch.chdir(empty)
    with pytest.raises(UsageError, match=r"train_list\.txt.*MaCo repository"):
        find_lists_folder(None, empty, {})
    monkeypatch.chdir(tmp_path)
    assert find_lists_folder(None, None, {}) == lists


def test_the_command(
    lists: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["audit", "--lists", str(lists)]) == 0
    assert "siim_acr, maco_lists" in capsys.readouterr().out
    assert main(["audit", "--lists", str(lists), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["sets"]) == 6
    assert main(["audit", "--data-root", str(tmp_path), "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("# Published lists")
    monkeypatch.chdir(tmp_path)
    assert main(["audit", "--lists", str(tmp_path / "none")]) == 2
    assert "No published list was found" in capsys.readouterr().err


def test_the_audit_needs_no_torch(lists: Path) -> None:
    code = (
        "import sys; from benchmark.cli import main; "
        f"code = main(['audit', '--lists', {str(lists)!r}, '--json']); "
        "sys.exit(code or ('torch' in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
