"""Writes the small real sets named by MACO_BENCH_REAL_DATA in the official folder layouts.

    python -m tests.real_data.convert nih_cxr14 rsna_pneumonia csv_pairs lists DEST

DEST must lie outside this repository: nothing of the real material belongs into it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from tests.real_data.common import link_to, main, rows_of, write_rows

NIH_HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,"
    "View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
NIH_COLUMNS = NIH_HEADER.split(",")
BOX_HEADER = "Image Index,Finding Label,Bbox [x,y,w,h],,,"
FRONTAL = ("PA", "AP", "AP Supine")


def convert_nih(real: Path, dest: Path, limit: int | None = None) -> Path:
    """`DEST/nih-cxr14`: images under their official stems, official tables."""
    source, out = real / "nih_cxr14_subset", dest / "nih-cxr14"
    (out / "images").mkdir(parents=True, exist_ok=True)
    rows = rows_of(source / "labels.csv")[:limit]
    for row in rows:
        link_to(source / row["file"], out / row["file"])
    lines = [",".join(row[name] for name in NIH_COLUMNS) for row in rows]
    text = "\n".join([NIH_HEADER, *lines]) + "\n"
    (out / "Data_Entry_2017_v2020.csv").write_text(text, encoding="utf-8")
    boxes = [",".join(row.values()) for row in rows_of(source / "bbox.csv")]
    (out / "BBox_List_2017.csv").write_text("\n".join([BOX_HEADER, *boxes]) + "\n")
    return out


def write_dicom(path: Path, pixels: np.ndarray, view: str = "PA") -> None:
    """An 8-bit MONOCHROME2 DICOM with the attributes that RSNA's files have."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID = meta.MediaStorageSOPClassUID
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.PatientID = path.stem
    data.Modality = "CR"
    data.ViewPosition = view
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit = 7
    data.PixelRepresentation = 0
    data.PixelData = pixels.tobytes()
    data.save_as(path, enforce_file_format=True)


def convert_rsna(real: Path, dest: Path, limit: int | None = None) -> Path:
    """`DEST/rsna-pneumonia-detection-challenge`: DICOM, official tables, the NIH map."""
    source, out = real / "rsna_pneumonia_subset", dest / "rsna-pneumonia-detection-challenge"
    folder = out / "stage_2_train_images"
    folder.mkdir(parents=True, exist_ok=True)
    rows = rows_of(source / "images.csv")[:limit]
    for row in rows:
        path = folder / f"{row['patientId']}.dcm"
        if not path.exists():
            with Image.open(source / "images" / f"{row['patientId']}.jpg") as picture:
                write_dicom(path, np.asarray(picture.convert("L")), row["view"])
    kept = {row["patientId"] for row in rows}
    for name in ("stage_2_train_labels.csv", "stage_2_detailed_class_info.csv"):
        table = [row for row in rows_of(source / name) if row["patientId"] in kept]
        write_rows(out / name, list(table[0]), [list(row.values()) for row in table])
    for name, columns in (
        ("rsna_to_nih_map.csv", ["patientId", "nih_image", "mse", "rsna_class"]),
        ("images.csv", ["patientId", "age", "sex", "view"]),
    ):
        write_rows(out / name, columns, [[row[column] for column in columns] for row in rows])
    return out


def convert_pairs(
    real: Path, dest: Path, limit: int | None = None, keep_segmented: bool = False
) -> Path:
    """`DEST/csv-pairs`: frontal images with notes.

    Patients of `covid_opacity_seg`, on which segmentation is tested, are left out, as its README
    asks, unless `keep_segmented` says otherwise.
    """
    source, out = real / "covid_cxr_notes", dest / "csv-pairs"
    (out / "images").mkdir(parents=True, exist_ok=True)
    segmented = {row["patientid"] for row in rows_of(real / "covid_opacity_seg" / "images.csv")}
    rows = [
        row
        for row in rows_of(source / "metadata.csv")
        if row["view"] in FRONTAL and (keep_segmented or row["patientid"] not in segmented)
    ][:limit]
    for row in rows:
        link_to(source / row["file"], out / row["file"])
    columns = ["file", "clinical_notes", "patientid", "view"]
    cells = [[row[name] for name in columns] for row in rows]
    write_rows(out / "pairs.csv", ["image", "text", "patient", "view"], cells)
    return out


def copy_lists(real: Path, dest: Path) -> Path:
    """`DEST/splits_maco`: the published lists, copied when this runs."""
    out = dest / "splits_maco"
    for folder in sorted((real / "splits_maco").iterdir()):
        if folder.is_dir():
            (out / folder.name).mkdir(parents=True, exist_ok=True)
            for path in folder.iterdir():
                shutil.copyfile(path, out / folder.name / path.name)
    return out


CONVERTERS = {
    "nih_cxr14": convert_nih,
    "rsna_pneumonia": convert_rsna,
    "csv_pairs": convert_pairs,
    "lists": copy_lists,
}


if __name__ == "__main__":
    main(CONVERTERS)
