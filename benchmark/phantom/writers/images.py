"""Encodings of a picture: tagged JPEG, PNG and DICOM, as bytes."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, PngImagePlugin
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, JPEGBaseline8Bit, SecondaryCaptureImageStorage

JPEG_QUALITY = 95


def to_bytes(pixels: np.ndarray) -> np.ndarray:
    """Floats in [0, 1] as uint8."""
    return np.asarray(np.rint(np.clip(pixels, 0, 1) * 255), dtype=np.uint8)


def equalised(image: np.ndarray) -> np.ndarray:
    """Histogram equalisation of a uint8 image, as MIMIC-CXR-JPG's files have it."""
    counts = np.bincount(image.ravel(), minlength=256)
    below = np.cumsum(counts)
    first = int(below[np.flatnonzero(counts)[0]])
    span = image.size - first
    if span == 0:
        return image
    table = np.rint(np.clip((below - first) / span, 0, 1) * 255).astype(np.uint8)
    return np.asarray(table[image], dtype=np.uint8)


def jpeg_bytes(image: np.ndarray, tag: str) -> bytes:
    """A grey JPEG of quality 95 with the tag as its comment."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=JPEG_QUALITY, comment=tag.encode())
    return stream.getvalue()


def png_bytes(image: np.ndarray, tag: str, *, rgba: bool = False) -> bytes:
    """A grey (or RGBA) PNG with the tag as its `Comment` text."""
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", tag)
    picture = Image.fromarray(image)
    if rgba:
        picture = picture.convert("RGBA")
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=1, pnginfo=text)
    return stream.getvalue()


@dataclass(frozen=True)
class DicomFacts:
    """Header values of an RSNA or SIIM file.

    Attributes:
        uid_number: From which the ids of instance, study and series are made.
        uids: These three ids themselves; not empty in a layout that names its files by them.
    """

    patient_id: str
    sex: str
    age: int
    view: str
    spacing_mm: float
    uid_number: int = 0
    uids: tuple[str, ...] = ()


def dicom_bytes(image: np.ndarray, facts: DicomFacts, tag: str) -> bytes:
    """An 8-bit MONOCHROME2 JPEG-baseline DICOM file in the form of RSNA's, with the tag."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    data.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    texts = facts.uids or tuple(f"2.25.{facts.uid_number * 4 + index}" for index in range(3))
    uids = [UID(text) for text in texts]
    data.file_meta.MediaStorageSOPInstanceUID = uids[0]
    data.SOPClassUID = SecondaryCaptureImageStorage
    data.SOPInstanceUID, data.StudyInstanceUID, data.SeriesInstanceUID = uids
    data.StudyDate, data.StudyTime, data.AccessionNumber = "19010101", "000000.00", ""
    data.Modality, data.ConversionType = "CR", "WSD"
    data.SeriesDescription = f"view: {facts.view}"
    data.PatientName = data.PatientID = facts.patient_id
    data.PatientBirthDate, data.PatientSex = "", facts.sex
    # RSNA's ages are bare numbers, which the standard's form (`043Y`) does not allow.
    data.add(DataElement(0x00101010, "AS", str(facts.age), validation_mode=IGNORE))
    data.BodyPartExamined, data.ViewPosition = "CHEST", facts.view
    data.SeriesNumber, data.InstanceNumber, data.PatientOrientation = "1", "1", ""
    data.ImageComments = tag
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = image.shape
    data.PixelSpacing = [facts.spacing_mm, facts.spacing_mm]
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.LossyImageCompression, data.LossyImageCompressionMethod = "01", "ISO_10918_1"
    data.PixelData = encapsulate([jpeg_bytes(image, tag)])
    data["PixelData"].VR = "OB"
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Invalid value for VR AS")
        data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
