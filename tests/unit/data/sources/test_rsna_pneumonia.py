from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmark.data.sources import rsna_pneumonia
from benchmark.data.splits import split_rows
from benchmark.errors import BadDataError, MissingDataError

Write = Callable[[Path, str], Path]
N1, P1, N2, T1 = (f"0000000{number}-aaaa-bbbb-cccc-000000000000" for number in range(4))
LABELS = f"""patientId,x,y,width,height,Target
{N1},,,,,0
{P1},240.0,130.0,200.0,350.0,1
{P1},540.0,130.0,250.0,440.0,1
{N2},0,0,0,0,0
"""
DETAILS = f"""patientId,class
{N1},No Lung Opacity / Not Normal
{P1},Lung Opacity
{P1},Lung Opacity
{N2},Normal
"""


@pytest.fixture
def root(tmp_path: Path, write_picture: Callable[..., Path], write_text: Write) -> Path:
    folder = tmp_path / "rsna-pneumonia-detection-challenge"
    for name in (N1, P1, N2):
        write_picture(folder / "stage_2_train_images" / f"{name}.png", 8, 8)
    write_picture(folder / "stage_2_test_images" / f"{T1}.jpg", 8, 8)
    write_text(folder / "stage_2_train_labels.csv", LABELS)
    write_text(folder / "stage_2_detailed_class_info.csv", DETAILS)
    return folder


def test_rows_are_grouped_by_image(root: Path) -> None:
    manifest = rsna_pneumonia.read(root)
    assert manifest.images["image"].tolist() == [N1, P1, N2, T1]
    assert manifest.images["split"].tolist() == ["train", "train", "train", "test"]
    assert manifest.labels["Lung Opacity"].tolist()[:3] == [0.0, 1.0, 0.0]
    assert np.isnan(manifest.labels["Lung Opacity"][3])
    assert manifest.images["detail"].tolist()[0] == "No Lung Opacity / Not Normal"
    assert manifest.images["patient"][0] == f"rsna:{N1}"
    assert len(manifest.boxes) == 2
    assert manifest.boxes[["x", "w", "width"]].iloc[1].tolist() == [540.0, 250.0, 1024]


def test_people_of_nih_share_a_patient(root: Path, write_text: Write) -> None:
    write_text(
        root / "rsna_to_nih_map.csv",
        f"patientId,nih_image,mse\n{N1},00000013_001.png,1.2\n{P1},00000013_007.png,9.9\n"
        f"{N2},00000013_008.png,31.0\n",
    )
    patients = rsna_pneumonia.read(root).images["patient"].tolist()
    assert patients == ["nih:13", "nih:13", f"rsna:{N2}", f"rsna:{T1}"]
    used = {name.partition(":")[0] for name in patients}
    assert used == rsna_pneumonia.SOURCE.namespaces


def test_labels_of_test_images_come_from_the_list(
    root: Path, tmp_path: Path, write_text: Write
) -> None:
    lists = tmp_path / "splits_maco" / "RSNA_Pneumonia"
    write_text(lists / "train_list.txt", f"stage_2_train_images/{N1}.dcm 0 \n")
    write_text(lists / "val_list.txt", f"stage_2_train_images/{P1}.dcm 1 \n")
    write_text(lists / "test_list.txt", f"stage_2_test_images/{T1}.dcm 1 \n")
    manifest = rsna_pneumonia.read(root)
    rows = split_rows(manifest, "maco_lists")
    assert rows.test.tolist() == [3]
    assert rows.labels is not None and rows.labels["Lung Opacity"].iloc[3] == 1.0


def test_sex_and_age_from_an_optional_table(root: Path, write_text: Write) -> None:
    write_text(root / "images.csv", f"patientId,age,sex\n{P1},155,F\n")
    images = rsna_pneumonia.read(root).images
    assert images["age"].tolist()[1] == 155.0 and np.isnan(images["age"][0])
    assert images["sex"].tolist() == ["", "F", "", ""]


def test_dicom_wins_over_a_converted_copy(root: Path, write_picture: Callable[..., Path]) -> None:
    (root / "stage_2_train_images" / f"{N1}.dcm").write_bytes(b"x")
    (root / "stage_2_train_images" / f"{N1}.png").rename(root / f"{N1}.png")
    with pytest.raises(BadDataError, match=r"\.dcm"):
        rsna_pneumonia.read(root)


def test_stage_1_absent_images_and_wrong_targets(root: Path, write_text: Write) -> None:
    (root / "stage_2_train_images" / f"{P1}.png").unlink()
    with pytest.raises(MissingDataError, match=P1):
        rsna_pneumonia.read(root)
    manifest = rsna_pneumonia.read(root, allow_partial=True)
    assert (len(manifest), len(manifest.boxes), manifest.partial) == (3, 0, 1)
    write_text(root / "stage_2_train_labels.csv", LABELS.replace(",,,,,0", ",,,,,2"))
    with pytest.raises(BadDataError, match="Target"):
        rsna_pneumonia.read(root, allow_partial=True)
    old = root.parent / "old"
    write_text(old / "stage_1_train_labels.csv", LABELS)
    with pytest.raises(BadDataError, match="stage 1"):
        rsna_pneumonia.read(old)
