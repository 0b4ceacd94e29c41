from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.data.sources import chexpert as reader
from benchmark.data.splits import split_rows
from benchmark.phantom.draw import draw_phantom
from benchmark.phantom.reports import ReportDials, compose_report
from benchmark.phantom.version import PHANTOM_VERSION
from benchmark.phantom.writers import chexpert as writer
from benchmark.phantom.writers.common import Setting
from benchmark.specs import PhantomSize

SMALL = PhantomSize(cases=160, size=64, seed=0, prevalence="enriched")
LINE = re.compile(
    r"CheXpert-v1\.0-small/(train|valid)/patient(\d{5})/study\d+/view\d+_(frontal|lateral)\.jpg"
    r"( [01]){5}"
)
Table = list[dict[str, str]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "small"
    draw_phantom(folder, SMALL, ("chexpert",), workers=1)
    return folder / writer.FOLDER


def table(path: Path) -> Table:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def listed(root: Path) -> dict[str, list[str]]:
    folder = root.parent / "splits_maco" / "CheXpert"
    return {path.stem: path.read_text().splitlines() for path in folder.iterdir()}


def test_files_have_the_official_forms(root: Path) -> None:
    train, valid = table(root / "train.csv"), table(root / "valid.csv")
    assert list(train[0])[:5] == ["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA"]
    assert tuple(list(train[0])[5:]) == tuple(list(valid[0])[5:]) == reader.CLASSES
    for row in [*train, *valid]:
        picture = root.parent / row["Path"]
        lateral = row["Path"].endswith("lateral.jpg")
        assert row["Frontal/Lateral"] == ("Lateral" if lateral else "Frontal")
        assert row["AP/PA"] == "" if lateral else row["AP/PA"] in ("AP", "PA")
        assert row["Sex"] in ("Male", "Female") and 0 < int(row["Age"]) <= 90
        number = int(row["Path"].split("/")[2].removeprefix("patient"))
        assert number > 65_240, "the real numbers end there"
        with Image.open(picture) as image:
            assert image.mode == "L" and max(image.size) == 64 and min(image.size) >= 58
            tag = f"phantom version {PHANTOM_VERSION} seed 0"
            assert tag in image.info["comment"].decode()
    cells = {row[name] for row in train for name in reader.CLASSES}
    assert cells == {"", "1.0", "0.0", "-1.0"}
    assert {row[name] for row in valid for name in reader.CLASSES} == {"1.0", "0.0"}
    files = {path.relative_to(root.parent).as_posix() for path in root.rglob("view*.jpg")}
    in_test = {path for path in files if "/test/" in path}
    assert files - in_test == {row["Path"] for row in [*train, *valid]}
    studies = {row["Study"] for row in table(root / "groundtruth.csv")}
    assert studies == {path.rpartition("/")[0].replace("-small", "") for path in in_test}


def test_some_studies_have_both_views_with_one_set_of_labels(root: Path) -> None:
    studies: dict[str, Table] = {}
    for row in table(root / "train.csv"):
        studies.setdefault(row["Path"].rpartition("/")[0], []).append(row)
    both = [rows for rows in studies.values() if len(rows) == 2]
    assert 0.05 < len(both) / len(studies) < 0.35
    for first, second in both:
        assert first["Path"].endswith("view1_frontal.jpg")
        assert second["Path"].endswith("view2_lateral.jpg")
        assert [first[name] for name in reader.CLASSES] == [second[name] for name in reader.CLASSES]
    people = {row["Path"].split("/")[2] for rows in studies.values() for row in rows}
    assert len(people) < len(studies), "some patients come twice"


def test_reader_gives_back_truth_and_reports(root: Path) -> None:
    manifest = reader.read(root)
    setting = Setting(root.parent, SMALL.size, SMALL.seed, ReportDials())
    rows = {
        (part, study): labels
        for part, study, labels in zip(
            manifest.images["part"],
            manifest.images["study"],
            manifest.labels.to_dict("records"),
            strict=True,
        )
    }
    hedged = 0
    for case in writer.cases(SMALL):
        study, part = setting.study(case), writer.PARTS[case.population]
        labels = rows.pop((part, writer.study_folder(case, setting)))
        has = {
            "Cardiomegaly": study.has("Cardiomegaly"),
            "Lung Lesion": study.has("Mass") or study.has("Nodule"),
            "Pleural Effusion": study.has("Effusion"),
            "No Finding": not study.findings,
            "Fracture": False,
            "Support Devices": any(view.devices for view in study.views),
        }
        if part != "train":
            assert {name: labels[name] == 1 for name in has} == has
            assert set(labels.values()) <= {0.0, 1.0}
            continue
        said = compose_report(study, setting.dials, setting.generator(case, "report")).mentions
        for column, name in (("Edema", "Edema"), ("Pleural Effusion", "Effusion")):
            assert np.array_equal(labels[column], said.get(name, np.nan), equal_nan=True)
            hedged += labels[column] == -1
    assert not rows, "every study of the files is a case"
    assert hedged > 0


@pytest.mark.parametrize("split", ["official", "maco_lists"])
def test_every_part_holds_every_listed_class(root: Path, split: str) -> None:
    manifest = reader.read(root)
    rows = split_rows(manifest, split)
    assert all(rows.overlaps[pair]["patients"] == 0 for pair in rows.overlaps if "-" in pair)
    assert rows.labels is not None
    values = rows.labels[list(reader.COMPETITION)].to_numpy()
    for part in (rows.train, rows.validation, rows.test):
        assert (values[part] == 1).any(axis=0).all() and (values[part] == 0).any(axis=0).all()
    parts = manifest.images["part"].to_numpy()
    assert set(parts[rows.test]) == {"valid"} and "test" not in set(parts[rows.train])


def test_lists_have_the_published_form(root: Path) -> None:
    lists = listed(root)
    assert set(lists) == {"train_1", "train_10", "train_list", "val_list", "test_list"}
    people = {}
    for name, lines in lists.items():
        found = [LINE.fullmatch(line) for line in lines]
        assert all(found) and found
        people[name] = {match[2] for match in found if match}
        assert {match[1] for match in found if match} == {
            "valid" if name == "test_list" else "train"
        }
    assert not people["train_list"] & people["val_list"]
    assert set(lists["train_1"]) <= set(lists["train_10"]) < set(lists["train_list"])
    rows = {row["Path"]: row for name in ("train", "valid") for row in table(root / f"{name}.csv")}
    assert {line.split()[0] for name in lists for line in lists[name]} == set(rows)
    ones = ("Atelectasis", "Edema", "Pleural Effusion")
    for line in lists["train_list"] + lists["val_list"] + lists["test_list"]:
        path, *labels = line.split()
        for column, label in zip(reader.COMPETITION, labels, strict=True):
            cell = rows[path][column]
            assert label == str(int(cell == "1.0" or (cell == "-1.0" and column in ones)))


@pytest.mark.parametrize("population", ["chexpert_valid", "chexpert_test"])
def test_tests_of_a_demo_hold_forty_positives_a_class(population: str) -> None:
    setting = Setting(Path(), 64, 0, ReportDials())
    size = PhantomSize(cases=8_000, size=64, seed=0)
    cases = [case for case in writer.cases(size) if case.population == population]
    labels = [writer.true_labels(setting.study(case)) for case in cases]
    for name in reader.COMPETITION:
        assert 40 <= sum(row[name] for row in labels) <= len(labels) / 2
    assert sum(row["No Finding"] for row in labels) >= 5
    assert len({writer.study_folder(case, setting).split("/")[0] for case in cases}) == len(cases)
    assert all(writer.study_folder(case, setting).endswith("study1") for case in cases)
    assert len(writer.cases(size)) == 960
