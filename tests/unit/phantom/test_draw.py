from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from benchmark.errors import UsageError
from benchmark.phantom import core
from benchmark.phantom.draw import draw_phantom
from benchmark.phantom.reports import ReportDials
from benchmark.phantom.writers.common import tree_checksum
from benchmark.specs import PhantomSize

SMALL = PhantomSize(cases=120, size=64, seed=5)
IMAGES = {".jpg", ".png", ".dcm"}
FROZEN = [
    (PhantomSize(60, 64), "dcfdc66567f6de51f386ec7d5d0536dd83a943044498aee847b9948383bd2005"),
    (
        PhantomSize(60, 64, 5, "enriched"),
        "44726d419ec8c29651c4f23194a23ef3d55ca0ad12d0b0f06ca56c2f61041b30",
    ),
]


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_any_number_of_workers_gives_the_same_bytes(drawn: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    other = tmp_path / "two"
    draw_phantom(
        other,
        SMALL,
        workers=2,
        progress=lambda stage, done, total, note="": steps.append((done, total)),
    )
    assert digests(other) == digests(drawn)
    assert steps[-1] == (120, 120) and steps == sorted(steps)
    assert [path.name for path in tmp_path.iterdir()] == ["two"]


def test_the_mark_names_parameters_and_the_checksum_of_all_files(drawn: Path) -> None:
    mark = json.loads((drawn / "PHANTOM.json").read_text())
    found = digests(drawn)
    del found["PHANTOM.json"]
    assert mark["tree_sha256"] == tree_checksum(found) and mark["files"] == len(found)
    assert mark["phantom_version"] >= 1 and mark["image_rows"] == 64
    assert mark["parameters"] == {"cases": 120, "size": 64, "seed": 5, "prevalence": "real"}
    assert mark["dials"]["omission"] == ReportDials().omission
    assert mark["counts"]["cases"] == 120
    assert sum(mark["counts"]["cases_by_population"].values()) == 120
    assert str(drawn.parent) not in (drawn / "PHANTOM.json").read_text()


def block_means(path: Path) -> np.ndarray:
    """Grey levels of an image, mean of 8 x 8 blocks of the whole."""
    pixels = pydicom.dcmread(path).pixel_array if path.suffix == ".dcm" else Image.open(path)
    grey = np.asarray(pixels, dtype=np.float64)
    rows, columns = (side // 8 * 8 for side in grey.shape)
    return grey[:rows, :columns].reshape(8, rows // 8, 8, columns // 8).mean(axis=(1, 3))


def frozen_content(folder: Path) -> tuple[str, np.ndarray]:
    """One checksum of all files but images, and the block means of these in order."""
    names = sorted(digests(folder))
    images = [name for name in names if Path(name).suffix in IMAGES]
    others = {name: digests(folder)[name] for name in names if name not in images}
    del others["PHANTOM.json"]  # It holds a checksum of the images.
    named = {name: "" for name in images}
    return tree_checksum({**others, **named}), np.stack([block_means(folder / n) for n in images])


@pytest.mark.parametrize(("size", "checksum"), FROZEN)
def test_the_core_of_version_1_is_frozen(tmp_path: Path, size: PhantomSize, checksum: str) -> None:
    draw_phantom(tmp_path / "p", size, workers=1)
    mark = json.loads((tmp_path / "p" / "PHANTOM.json").read_text())
    found, means = frozen_content(tmp_path / "p")
    assert (mark["phantom_version"], found) == (1, checksum)
    # Processors round the last bit each their way; a grey level turns, and equalising the
    # histogram passes that on to all pixels of the level.
    with np.load(Path(__file__).with_name("core_v1.npz")) as frozen:
        wanted = frozen[size.prevalence]
    assert means.shape == wanted.shape
    assert np.abs(means - wanted).max() < 1.5
    assert np.abs(means - wanted).mean() < 0.02
    assert set(mark["rules"]) == {"mimic", "ms_cxr", "nih", "rsna", "test sets"}
    assert set(mark["counts"]) == {
        "cases", "cases_by_population", "mimic_images", "ms_cxr_boxes", "ms_cxr_pairs",
        "nih_images", "nih_boxes", "rsna_images",
    }  # fmt: skip


def test_an_unknown_data_set_is_refused_with_a_near_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`nih_cxr14`"):
        draw_phantom(tmp_path / "p", SMALL, ("nih_cxr", "mimic_cxr"))
    assert not list(tmp_path.iterdir())


def test_seed_and_dials_change_what_is_drawn(drawn: Path, tmp_path: Path) -> None:
    size = PhantomSize(cases=40, size=64, seed=5)
    draw_phantom(tmp_path / "a", size, workers=1)
    draw_phantom(tmp_path / "b", size, workers=1, dials=ReportDials(omission=1.0))
    a, b = digests(tmp_path / "a"), digests(tmp_path / "b")
    changed = {path for path in a if a[path] != b[path]}
    assert set(a) == set(b)
    assert changed and not any(path.endswith((".jpg", ".png", ".dcm")) for path in changed)
    draw_phantom(tmp_path / "c", PhantomSize(cases=40, size=64, seed=6), workers=1)
    assert not set(digests(tmp_path / "c").values()) & {
        digest for path, digest in a.items() if path.endswith((".jpg", ".png", ".dcm"))
    }


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match="empty folder"):
        draw_phantom(tmp_path, SMALL)
    with pytest.raises(UsageError, match="empty folder"):
        draw_phantom(tmp_path / "mine.txt", SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("size", [PhantomSize(5, 64), PhantomSize(80, 16)])
def test_a_size_that_is_too_small_is_refused(tmp_path: Path, size: PhantomSize) -> None:
    with pytest.raises(UsageError, match="too small"):
        draw_phantom(tmp_path / "new", size)


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_drawing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: type[BaseException]
) -> None:
    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(core.nih_cxr14, "write_tables", fail)
    (tmp_path / "empty").mkdir()
    with pytest.raises(fault):
        draw_phantom(tmp_path / "empty", PhantomSize(40, 64), workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
    assert not list((tmp_path / "empty").iterdir())


def test_workers_import_no_torch() -> None:
    code = (
        "import sys, benchmark.phantom.draw as d; "
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
