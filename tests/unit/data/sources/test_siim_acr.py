from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataelem import DataElement
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from benchmark.data.sources import siim_acr
from benchmark.data.splits import split_rows
from benchmark.errors import BadDataError, MissingDataError

Write = Callable[[Path, str], Path]
ROOT_UID = "1.2.276.0.7230010.3.1"
EMPTY, TWO, ONE, TEST, NO_ROW = (
    f"{ROOT_UID}.4.8323329.9000{n}.151787000{n}.10000{n}" for n in range(1, 6)
)
STAGE_1 = f"""ImageId, EncodedPixels
{EMPTY}, -1
{TWO}, 400010 5 1017 9
{TWO}, 400012 5
{ONE}, 0 3
{TEST}, -1
"""


def write_dicom(path: Path, sop: str, person: str, sex: str = "M", age: str = "62") -> None:
    """A tiny file with the attributes of the challenge's; ages are bare numbers there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = sop
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = SecondaryCaptureImageStorage, sop
    data.Modality, data.ViewPosition, data.PatientSex = "CR", "PA", sex
    data.PatientID = data.PatientName = person
    data.add(DataElement(0x00101010, "AS", age, validation_mode=0))
    data.Rows = data.Columns = 4
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.PixelData = bytes(range(16))
    data.save_as(path, enforce_file_format=True)


def nested(folder: Path, stage: str, sop: str) -> Path:
    """Three levels, three different ids."""
    study, series = (sop.replace(f"{ROOT_UID}.4", f"{ROOT_UID}.{level}") for level in (2, 3))
    return folder / f"dicom-images-{stage}" / study / series / f"{sop}.dcm"


@pytest.fixture
def root(tmp_path: Path, write_text: Write) -> Path:
    folder = tmp_path / "siim-acr-pneumothorax-segmentation"
    write_dicom(nested(folder, "train", EMPTY), EMPTY, "uuid-a")
    write_dicom(nested(folder, "train", TWO), TWO, "uuid-b", "F", "007Y")
    write_dicom(nested(folder, "train", ONE), ONE, "uuid-a", "O", "")
    write_dicom(nested(folder, "train", NO_ROW), NO_ROW, "uuid-c")
    write_dicom(nested(folder, "test", TEST), TEST, "", "M", "011M")
    write_text(folder / "train-rle.csv", STAGE_1)
    return folder


def test_rows_are_grouped_by_image(root: Path) -> None:
    manifest = siim_acr.read(root)
    images = manifest.images
    assert images["image"].tolist() == [EMPTY, TWO, ONE, TEST]
    assert manifest.labels["Pneumothorax"].tolist() == [0.0, 1.0, 1.0, 0.0]
    assert images["split"].tolist() == ["train", "train", "train", "test"]
    assert images["path"][0] == nested(root, "train", EMPTY).relative_to(root).as_posix()
    assert images["patient"].tolist() == [
        "siim:uuid-a",
        "siim:uuid-b",
        "siim:uuid-a",
        f"siim:{TEST}",
    ]
    assert images["sex"].tolist() == ["M", "F", "", "M"]
    assert images["age"].tolist()[:2] == [62.0, 7.0] and images["age"][3] == 0.0
    assert np.isnan(images["age"][2])
    assert manifest.release == "stage 1, 1 without a row left out"
    assert list(manifest.label_files) == ["train-rle.csv"] and not manifest.redistributable


def test_masks_are_the_union_of_their_rows(root: Path) -> None:
    masks = siim_acr.read(root).masks
    two = masks[TWO].pixels()
    assert masks[TWO].runs == ("400010 5 1017 9", "400012 5")
    # Offset 400010 is row 650 of column 390; the second row adds two pixels below the first run.
    assert two.shape == (1024, 1024)
    assert np.flatnonzero(two[:, 390]).tolist() == list(range(650, 657))
    assert np.flatnonzero(two[:, 391]).tolist() == list(range(648, 657))
    assert two.sum() == 7 + 9
    assert np.argwhere(masks[ONE].pixels()).tolist() == [[0, 0], [1, 0], [2, 0]]
    assert not masks[EMPTY].pixels().any() and NO_ROW not in masks


@pytest.mark.parametrize("empty", ["-1", " -1"])
@pytest.mark.parametrize("header", ["ImageId,EncodedPixels", "ImageId, EncodedPixels"])
def test_stage_2_lies_flat(tmp_path: Path, write_text: Write, empty: str, header: str) -> None:
    for name in (EMPTY, ONE, TEST):
        write_dicom(tmp_path / "stage_2_images" / f"{name}.dcm", name, f"uuid-{name[-1]}")
    text = f"{header}\n{EMPTY},{empty}\n{ONE},0 3\n"
    write_text(tmp_path / "stage_2_train.csv", text)
    write_text(tmp_path / "stage_2_sample_submission.csv", f"ImageId,EncodedPixels\n{TEST},-1\n")
    manifest = siim_acr.read(tmp_path)
    assert manifest.images["image"].tolist() == [EMPTY, ONE], "test labels are hidden"
    assert manifest.labels["Pneumothorax"].tolist() == [0.0, 1.0]
    assert set(manifest.images["split"]) == {"train"}
    assert manifest.release == "stage 2, 1 without a row left out"


def test_stage_2_table_beside_stage_1_folders(root: Path, write_text: Write) -> None:
    (root / "train-rle.csv").rename(root / "stage_2_train.csv")
    manifest = siim_acr.read(root)
    assert manifest.images["split"].tolist() == ["train", "train", "train", "test"]


@pytest.mark.parametrize("with_ids", [True, False])
def test_png_copy(tmp_path: Path, write_text: Write, with_ids: bool) -> None:
    names = ("0_train_0_.png", "1_train_1_.png", "0_test_1_.png")
    inside = np.zeros((6, 5), np.uint8)
    inside[1:3, 4] = 255
    for name in names:
        for folder in ("png_images", "png_masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
            pixels = np.full((6, 5), 9, np.uint8) if folder == "png_images" else inside
            if folder == "png_images" or "_1_" in name:
                Image.fromarray(pixels).save(tmp_path / folder / name)
    header = "new_filename,ImageId,has_pneumo" if with_ids else "new_filename,has_pneumo"
    ids = [f"{name}," if with_ids else "" for name in (EMPTY, ONE, TEST)]
    train = f"{header}\n{names[0]},{ids[0]}0\n{names[1]},{ids[1]}1\n"
    write_text(tmp_path / "stage_1_train_images.csv", train)
    write_text(tmp_path / "stage_1_test_images.csv", f"{header}\n{names[2]},{ids[2]}1\n")
    manifest = siim_acr.read(tmp_path)
    expected = [EMPTY, ONE, TEST] if with_ids else [name.removesuffix(".png") for name in names]
    assert manifest.images["image"].tolist() == expected
    assert manifest.images["path"].tolist() == [f"png_images/{name}" for name in names]
    assert manifest.images["patient"].tolist() == [f"siim:{name}" for name in expected]
    assert manifest.images["split"].tolist() == ["train", "train", "test"]
    assert manifest.labels["Pneumothorax"].tolist() == [0.0, 1.0, 1.0]
    assert set(manifest.masks) == set(expected)
    assert np.array_equal(manifest.masks[expected[1]].pixels(), inside > 0)
    assert not manifest.masks[expected[0]].pixels().any()
    assert f"png_masks/{names[2]}" in manifest.label_files
    (tmp_path / "png_images" / names[1]).unlink()
    with pytest.raises(MissingDataError, match=expected[1]):
        siim_acr.read(tmp_path)
    assert siim_acr.read(tmp_path, allow_partial=True).partial == 1


def test_published_lists_have_no_labels_of_their_own(
    root: Path, tmp_path: Path, write_text: Write
) -> None:
    lists = tmp_path / "splits_maco" / "SIIM-ACR_Pneumothorax"
    write_text(lists / "train_list.txt", f"{EMPTY}\n{TWO}\n")
    write_text(lists / "val_list.txt", f"{ONE}\n")
    write_text(lists / "test_list.txt", f"{TEST}\n{TWO}\n")
    rows = split_rows(siim_acr.read(root), "maco_lists")
    assert rows.train.tolist() == [0, 1] and rows.test.tolist() == [1, 3]
    assert rows.overlaps["train-test"] == {"images": 1, "patients": 1}
    assert rows.overlaps["train-validation"] == {"images": 0, "patients": 1}
    assert rows.labels is not None
    assert rows.labels["Pneumothorax"].tolist() == [0.0, 1.0, 1.0, 0.0]


def test_absent_images_and_headers(root: Path) -> None:
    nested(root, "train", ONE).unlink()
    with pytest.raises(MissingDataError, match=ONE):
        siim_acr.read(root)
    nested(root, "train", TWO).write_bytes(b"no header")
    manifest = siim_acr.read(root, allow_partial=True)
    assert manifest.images["patient"].tolist()[1] == f"siim:{TWO}"
    assert (len(manifest), manifest.partial) == (3, 1)
    (root / "train-rle.csv").unlink()
    with pytest.raises(MissingDataError, match=r"stage_2_train\.csv"):
        siim_acr.read(root)


@pytest.mark.parametrize("cell", ["1 2 3", "1", "", "a b", "-1 5", "1 -2"])
def test_cells_that_are_no_run_lengths_are_named(root: Path, write_text: Write, cell: str) -> None:
    write_text(root / "train-rle.csv", f"ImageId, EncodedPixels\n{ONE}, {cell}\n")
    with pytest.raises(BadDataError, match=ONE):
        siim_acr.read(root)


def test_an_image_is_either_empty_or_not(root: Path, write_text: Write) -> None:
    write_text(root / "train-rle.csv", STAGE_1 + f"{TWO}, -1\n")
    with pytest.raises(BadDataError, match=TWO):
        siim_acr.read(root)
    write_text(root / "train-rle.csv", f"ImageId, EncodedPixels\n{ONE}, 1048570 9\n")
    with pytest.raises(BadDataError, match="leaves the image"):
        siim_acr.read(root, allow_partial=True).masks[ONE].pixels()
