"""Writes the small real COVID-19 sets of MACO_BENCH_REAL_DATA in official folder layouts.

    python -m tests.real_data.convert_covid covid_rural covid_idc notes DEST

DEST must lie outside this repository: nothing of the real material belongs into it. The sets are
not those whose layout they get: they stand in for them where real pixels are wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from PIL import Image

from tests.real_data.common import link_to, main, rows_of, write_rows

FIRST_PATIENT = 98_000_000
"""Real names of COVID Rural begin with 16: converted patients are told apart by their number."""

PATIENT_HEADER = ["PATIENT_ID", "AGE", "SEX", "RACE", "ZIP", "MORTALITY"]
IDC_HEADER = (
    "patientid,offset,sex,age,finding,survival,intubated,intubation_present,went_icu,in_icu,"
    "needed_supplemental_O2,extubated,temperature,pO2_saturation,leukocyte_count,neutrophil_count,"
    "lymphocyte_count,view,modality,date,location,folder,filename,doi,url,license,clinical_notes,"
    "other_notes,"
)


def rural_stems(rows: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Name in the form of COVID Rural by file: a number a patient, a day an image."""
    patients: dict[str, int] = {}
    seen: dict[str, int] = {}
    stems = {}
    for row in rows:
        patient = row["patientid"]
        number = FIRST_PATIENT + patients.setdefault(patient, len(patients))
        day = date(2011, 1, 1) + timedelta(days=seen.get(patient, 0))
        seen[patient] = seen.get(patient, 0) + 1
        stems[row["file"]] = f"COVID-19-AR-{number}_{day:%m-%d-%Y}-XR"
    return stems


def convert_opacity_seg(real: Path, dest: Path) -> Path:
    """`covid_opacity_seg` as COVID Rural: links to the JPEGs, masks of 0 and 1."""
    source = real / "covid_opacity_seg"
    out = dest / "opacity_segmentation_covid_chest_X_ray-master"
    folder = out / "covid_rural_annot"
    for part in ("jpgs", "pngs_masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    rows = rows_of(source / "images.csv")
    stems = rural_stems(rows)
    for row in rows:
        stem = stems[row["file"]]
        link_to(source / row["file"], folder / "jpgs" / f"{stem}.jpg")
        with Image.open(source / row["opacity_mask"]) as picture:
            inside = (np.asarray(picture) > 0).astype(np.uint8)
        Image.fromarray(inside).save(folder / "pngs_masks" / f"{stem}.png")
    people = sorted({stem.partition("_")[0] for stem in stems.values()})
    unknown = ["NULL"] * (len(PATIENT_HEADER) - 1)
    write_rows(
        folder / "covid_rural_patient_info.csv",
        PATIENT_HEADER,
        [[name, *unknown] for name in people],
    )
    return out


def _write_idc(out: Path, rows: Iterable[Mapping[str, str]]) -> None:
    header = IDC_HEADER.split(",")
    write_rows(
        out / "metadata.csv", header, [[row.get(name, "") for name in header] for row in rows]
    )


def convert_hannover(real: Path, dest: Path) -> Path:
    """`hannover_covid19` as the COVID-19 image data collection: every finding is COVID-19."""
    source, out = real / "hannover_covid19", dest / "hannover" / "covid-chestxray-dataset"
    (out / "images").mkdir(parents=True, exist_ok=True)
    rows = []
    for row in rows_of(source / "data.csv"):
        name = Path(row["file"]).name
        link_to(source / row["file"], out / "images" / name)
        rows.append(
            {
                "patientid": row["patient_id"],
                "offset": row["admission_offset"],
                "sex": row["sex"].upper(),
                "finding": "COVID-19",
                "view": row["projection"].upper(),
                "modality": "X-ray",
                "folder": "images",
                "filename": name,
                "license": "CC BY 3.0",
            }
        )
    _write_idc(out, rows)
    return out


def convert_notes(real: Path, dest: Path) -> Path:
    """`covid_cxr_notes` back into the collection that it comes from, under its old file names."""
    source, out = real / "covid_cxr_notes", dest / "notes" / "covid-chestxray-dataset"
    (out / "images").mkdir(parents=True, exist_ok=True)
    rows = rows_of(source / "metadata.csv")
    for row in rows:
        link_to(source / row["file"], out / "images" / row["filename"])
    _write_idc(out, rows)
    return out


CONVERTERS = {
    "covid_rural": convert_opacity_seg,
    "covid_idc": convert_hannover,
    "notes": convert_notes,
}


if __name__ == "__main__":
    main(CONVERTERS)
