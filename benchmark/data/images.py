"""Reads one radiograph of any kind as 8-bit grey pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from pathlib import Path

DECODER_VERSION = 1
"""Raised whenever the same file can give other pixels; it is part of a store's key."""

WINDOW_PERCENTILES = (0.5, 99.5)
"""Range that becomes 0..255 where more than 8 bits come without a window of their own."""

Raw = np.ndarray


def read_grey(path: Path) -> np.ndarray:
    """Pixels of a JPEG, PNG or DICOM file.

    8-bit images keep their values (colour becomes luminance). A 16-bit PNG is scaled by the 0.5
    and 99.5 percentiles. A DICOM image is rescaled (modality LUT), windowed (VOI LUT or window
    where the file has one; else minimum to maximum for up to 8 bits, as the official MaCo code
    does for RSNA, and the percentiles above for more) and inverted where it is MONOCHROME1.

    Returns:
        uint8 (h, w), bright = dense.

    Raises:
        BadDataError: When the file is unreadable; its name is in the message.
    """
    try:
        pixels = _read_dicom(path) if _is_dicom(path) else _read_picture(path)
    except FileNotFoundError as error:
        raise BadDataError(f"The image `{path}` does not exist.") from error
    except Exception as error:
        raise BadDataError(
            f"The image `{path}` cannot be read: {error or type(error).__name__}",
            remedy="Download it again, or leave it out with --allow-partial after deleting it.",
        ) from error
    if pixels.ndim != 2 or min(pixels.shape) < 1:
        raise BadDataError(f"The image `{path}` is not one grey picture: shape {pixels.shape}.")
    return np.ascontiguousarray(pixels)


def image_size(path: Path) -> tuple[int, int]:
    """Height and width from the file's header, without decoding its pixels."""
    try:
        if _is_dicom(path):
            from pydicom import dcmread

            header = dcmread(path, stop_before_pixels=True)
            return int(header.Rows), int(header.Columns)
        with Image.open(path) as picture:
            return picture.height, picture.width
    except Exception as error:
        raise BadDataError(f"The image `{path}` cannot be read: {error}") from error


def scale_range(values: Raw, low: float, high: float) -> np.ndarray:
    """`low`..`high` as 0..255, clipped and rounded; an empty range gives zeros."""
    if not high > low:
        return np.zeros(values.shape, dtype=np.uint8)
    unit = np.clip((values.astype(np.float32) - low) / (high - low), 0.0, 1.0)
    return np.asarray(np.rint(unit * 255), dtype=np.uint8)


def _is_dicom(path: Path) -> bool:
    if path.suffix.lower() in (".dcm", ".dicom"):
        return True
    if path.suffix:
        return False
    with path.open("rb") as file:
        return bool(file.read(132)[128:] == b"DICM")


def _read_picture(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        if picture.mode.startswith("I") or picture.mode == "F":
            values = np.asarray(picture, dtype=np.float32)
            low, high = np.percentile(values, WINDOW_PERCENTILES)
            return scale_range(values, float(low), float(high))
        return np.asarray(picture.convert("L"), dtype=np.uint8)


def _read_dicom(path: Path) -> np.ndarray:
    from pydicom import dcmread
    from pydicom.pixels.processing import apply_modality_lut

    data = dcmread(path)
    photometric = str(data.get("PhotometricInterpretation", "MONOCHROME2"))
    pixels: np.ndarray = data.pixel_array
    if int(data.get("SamplesPerPixel", 1)) == 3:
        colour = Image.fromarray(np.asarray(pixels, dtype=np.uint8))
        return np.asarray(colour.convert("L"))
    values = np.asarray(apply_modality_lut(pixels, data))
    grey = _windowed(values, data)
    return np.asarray(255 - grey) if photometric == "MONOCHROME1" else grey


def _windowed(values: Raw, data: Any) -> np.ndarray:
    if data.get("VOILUTSequence"):
        from pydicom.pixels.processing import apply_voi_lut

        bits = int(data.VOILUTSequence[0].LUTDescriptor[2])
        return scale_range(apply_voi_lut(values, data), 0.0, float(2**bits - 1))
    centre, width = _first(data.get("WindowCenter")), _first(data.get("WindowWidth"))
    if centre is not None and width is not None and width > 1:
        return _window(values, centre, width, str(data.get("VOILUTFunction", "LINEAR")))
    if int(data.get("BitsStored", 8)) <= 8:
        return scale_range(values, float(values.min()), float(values.max()))
    low, high = np.percentile(values, WINDOW_PERCENTILES)
    return scale_range(values, float(low), float(high))


def _window(values: Raw, centre: float, width: float, function: str) -> np.ndarray:
    """DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3, with an output range of 0..255."""
    if function == "SIGMOID":
        curve = 255.0 / (1.0 + np.exp(-4.0 * (values.astype(np.float64) - centre) / width))
        return np.rint(curve).astype(np.uint8)
    if function == "LINEAR_EXACT":
        return scale_range(values, centre - width / 2, centre + width / 2)
    return scale_range(values, centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2)


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return float(value[0])
