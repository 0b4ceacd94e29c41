from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmark.errors import UsageError
from benchmark.phantom import core
from benchmark.phantom.draw import draw_phantom
from benchmark.phantom.reports import ReportDials
from benchmark.phantom.writers.common import tree_checksum
from benchmark.specs import PhantomSize

if TYPE_CHECKING:
    from pathlib import Path

SMALL = PhantomSize(cases=120, size=64, seed=5)


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


@pytest.mark.parametrize(
    ("size", "checksum"),
    [
        (
            PhantomSize(60, 64),
            "6ac88a70bff5d58bbd3861e9ee7194e5ecf046290b5d5af8f6f5f467ccbcab3c",
        ),
        (
            PhantomSize(60, 64, 5, "enriched"),
            "1fe7150d5a2c34dee371dde63357d5adfbcc26cf9e9c526b8cadf78099626509",
        ),
    ],
)
def test_the_core_of_version_1_is_frozen_to_the_byte(
    tmp_path: Path, size: PhantomSize, checksum: str
) -> None:
    draw_phantom(tmp_path / "p", size, workers=1)
    mark = json.loads((tmp_path / "p" / "PHANTOM.json").read_text())
    assert (mark["phantom_version"], mark["tree_sha256"]) == (1, checksum)
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
