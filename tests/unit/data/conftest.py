"""Hand-made files for the reader tests, written from the layout descriptions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from benchmark.data.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@pytest.fixture
def write_picture() -> Callable[..., Path]:
    def write(path: Path, height: int = 12, width: int = 10, value: int | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        ramp = np.linspace(0, 255, height * width).reshape(height, width).astype(np.uint8)
        Image.fromarray(ramp if value is None else np.full_like(ramp, value)).save(path)
        return path

    return write


@pytest.fixture
def write_text() -> Callable[[Path, str], Path]:
    def write(path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path

    return write


@pytest.fixture
def make_manifest() -> Callable[..., Manifest]:
    def make(
        patients: Sequence[str],
        labels: dict[str, Sequence[float]] | None = None,
        root: Path = Path(),
        **columns: Any,
    ) -> Manifest:
        count = len(patients)
        options = {
            name: columns.pop(name)
            for name in ("boxes", "reports", "lists", "partial", "dataset")
            if name in columns
        }
        images = pd.DataFrame(
            {
                "image": [f"i{number}" for number in range(count)],
                "path": [f"i{number}.png" for number in range(count)],
                "patient": list(patients),
                "study": [f"s{number}" for number in range(count)],
                "view": "frontal",
                "split": "",
                "sex": "",
                "age": np.nan,
            }
        ).assign(**columns)
        table = pd.DataFrame(labels if labels is not None else None, index=range(count))
        return Manifest(
            **{"dataset": "toy", "release": "1", "root": root, **options},
            images=images,
            labels=table.astype(float),
        )

    return make
