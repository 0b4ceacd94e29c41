from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from benchmark.data.images import image_size, read_grey
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from pathlib import Path

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def dicom(path: Path, pixels: np.ndarray, bits: int = 8, **fields: object) -> Path:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.BitsAllocated = pixels.dtype.itemsize * 8
    data.BitsStored, data.HighBit = bits, bits - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    data.PixelData = pixels.tobytes()
    for name, value in fields.items():
        setattr(data, name, value)
    data.save_as(path, enforce_file_format=True)
    return path


def test_eight_bit_files_keep_their_values(tmp_path: Path) -> None:
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    rgba = np.stack([RAMP, RAMP, RAMP, np.full_like(RAMP, 9)], axis=-1)
    Image.fromarray(rgba, "RGBA").save(tmp_path / "b.png")
    Image.fromarray(RAMP).convert("P").save(tmp_path / "c.png")
    for name in "abc":
        assert np.array_equal(read_grey(tmp_path / f"{name}.png"), RAMP)


def test_a_jpeg_in_colour_becomes_one_channel(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 9, 3), 77, np.uint8)).save(tmp_path / "a.jpg")
    pixels = read_grey(tmp_path / "a.jpg")
    assert pixels.shape == (8, 9) and pixels.dtype == np.uint8
    assert image_size(tmp_path / "a.jpg") == (8, 9)


def test_sixteen_bit_png_is_windowed_by_percentiles(tmp_path: Path) -> None:
    values = np.linspace(1000, 3000, 10_000).reshape(100, 100).astype(np.uint16)
    values[0, 0] = 65_535
    Image.fromarray(values).save(tmp_path / "a.png")
    pixels = read_grey(tmp_path / "a.png")
    assert pixels[0, 0] == 255
    assert abs(int(pixels[50, 0]) - 128) <= 1
    assert (pixels == 0).mean() == pytest.approx(0.005, abs=0.003)


def test_eight_bit_dicom_of_full_range_passes_unchanged(tmp_path: Path) -> None:
    assert np.array_equal(read_grey(dicom(tmp_path / "a.dcm", RAMP)), RAMP)
    assert image_size(tmp_path / "a.dcm") == (16, 16)


def test_eight_bit_dicom_is_stretched_from_minimum_to_maximum(tmp_path: Path) -> None:
    pixels = read_grey(dicom(tmp_path / "a.dcm", (RAMP // 4 + 20).astype(np.uint8)))
    assert (pixels.min(), pixels.max()) == (0, 255)


def test_monochrome1_is_inverted(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", RAMP, PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(read_grey(path), 255 - RAMP)


def test_window_acts_on_rescaled_values(tmp_path: Path) -> None:
    stored = np.arange(0, 4096, 16, dtype=np.uint16).reshape(16, 16)
    path = dicom(
        tmp_path / "a.dcm",
        stored,
        bits=12,
        RescaleSlope="2",
        RescaleIntercept="-100",
        WindowCenter=["2000.5", "9"],
        WindowWidth=["2001", "9"],
    )
    expected = np.clip((stored * 2.0 - 100 - 1000) / 2000, 0, 1) * 255
    assert np.abs(read_grey(path) - expected).max() <= 0.51


def test_twelve_bits_without_a_window_use_percentiles(tmp_path: Path) -> None:
    stored = np.tile(np.arange(1000, 2000, dtype=np.uint16), (20, 1))
    stored[0, 0] = 4095
    pixels = read_grey(dicom(tmp_path / "a.dcm", stored, bits=12))
    assert abs(int(pixels[5, 500]) - 128) <= 1


def test_voi_lut_sequence_is_applied(tmp_path: Path) -> None:
    item = Dataset()
    item.LUTDescriptor = [256, 0, 16]
    item.add_new("LUTData", "OW", (65_535 - 257 * np.arange(256)).astype("<u2").tobytes())
    path = dicom(tmp_path / "a.dcm", RAMP, VOILUTSequence=[item])
    assert np.array_equal(read_grey(path), 255 - RAMP)


@pytest.mark.parametrize("name", ["a.png", "a.dcm", "a.jpg"])
def test_unreadable_files_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(BadDataError, match=name):
        read_grey(tmp_path / name)
    with pytest.raises(BadDataError, match="does not exist"):
        read_grey(tmp_path / f"absent-{name}")


def test_a_truncated_jpeg_is_an_error(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(BadDataError, match=r"a\.jpg"):
        read_grey(tmp_path / "a.jpg")
