"""Every writer that is drawn on its own, whichever files there are, and one that tests bring."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmark import registry
from benchmark.phantom import core
from benchmark.phantom.datasets import further_names
from benchmark.phantom.draw import draw_phantom
from benchmark.phantom.population import patient_of
from benchmark.phantom.writers.common import Case, Setting, Written, tree_checksum
from benchmark.specs import PhantomSize

if TYPE_CHECKING:
    from collections.abc import Iterator

FAKES = Path(__file__).parents[1] / "fakes"
NAMES = [*further_names(), "fake_source"]
TOY = registry.load_profile("toy").phantom
LARGER = PhantomSize(cases=2000, size=64, seed=3)
TAG = b"synthetic: maco-bench phantom version 1 seed 0"


@pytest.fixture(scope="module", autouse=True)
def fake_writer() -> Iterator[None]:
    registry.add_search_root(FAKES)
    yield
    registry.remove_search_root(FAKES)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "PHANTOM.json"
    }


def mark_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "PHANTOM.json").read_text()))


@pytest.fixture(scope="module", params=NAMES)
def alone(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """A data set's name, and the folder that it alone was drawn into."""
    folder = tmp_path_factory.mktemp("phantoms") / request.param
    draw_phantom(folder, TOY, (request.param,), workers=1)
    return request.param, folder


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All further data sets in one folder, drawn by two workers."""
    folder = tmp_path_factory.mktemp("phantoms") / "together"
    draw_phantom(folder, TOY, NAMES, workers=2)
    return folder


@pytest.mark.parametrize("size", [TOY, LARGER], ids=["toy", "larger"])
@pytest.mark.parametrize("name", NAMES)
def test_cases_are_split_by_patient(name: str, size: PhantomSize) -> None:
    cases: list[Case] = registry.writer_module(name).cases(size)
    assert cases == registry.writer_module(name).cases(size)
    assert {case.layout for case in cases} == {name}
    assert len({(case.population, case.number) for case in cases}) == len(cases)
    splits = {case.split for case in cases}
    assert splits <= {"train", "validate", "test"}
    if {"train", "test"} - splits:
        # A corpus of reports has no split; a task could not be scored on it.
        assert splits == {"train"}
        assert name not in {registry.load_task(task).dataset for task in registry.task_names()}
    owners: dict[tuple[str, int], set[str]] = {}
    for case in cases:
        patient = patient_of(case.number, size.seed, case.population)[0]
        owners.setdefault((case.population, patient), set()).add(case.split)
    assert all(len(parts) == 1 for parts in owners.values())


def test_data_sets_share_no_population() -> None:
    owners: dict[str, set[str]] = {}
    for name in ("core", *NAMES):
        module = core if name == "core" else registry.writer_module(name)
        for case in module.cases(TOY):
            owners.setdefault(case.population, set()).add(name)
    assert not {name: found for name, found in owners.items() if len(found) > 1}


def test_other_data_sets_and_workers_change_no_byte(
    alone: tuple[str, Path], together: Path
) -> None:
    everything, own = digests(together), digests(alone[1])
    assert own and {path: everything.get(path) for path in own} == own


def test_nothing_but_the_data_sets_stands_in_the_folder(together: Path) -> None:
    folders = {registry.writer_module(name).FOLDER.split("/")[0] for name in NAMES}
    assert {path.name for path in together.iterdir()} - {"splits_maco"} == {
        *folders,
        "PHANTOM.json",
    }


def test_the_mark_counts_what_was_drawn(alone: tuple[str, Path], together: Path) -> None:
    name, folder = alone
    module, found, mark = registry.writer_module(name), digests(folder), mark_of(folder)
    cases = module.cases(TOY)
    assert mark["rules"] == {name: module.RULE} and module.RULE.strip()
    assert mark["tree_sha256"] == tree_checksum(found) and mark["files"] == len(found)
    assert mark["counts"]["cases"] == len(cases)
    assert mark["counts"]["cases_by_population"] == Counter(case.population for case in cases)
    expected = {
        "cases": len(cases),
        "cases_by_split": Counter(case.split for case in cases),
        "files_by_ending": Counter(Path(path).suffix for path in found),
    }
    assert mark["counts"][name] == expected
    whole = mark_of(together)
    assert set(whole["rules"]) == set(NAMES) and whole["counts"][name] == expected
    assert whole["tree_sha256"] == tree_checksum(digests(together))


def test_the_reader_finds_every_image_tagged(alone: tuple[str, Path]) -> None:
    name, folder = alone
    root = folder / registry.writer_module(name).FOLDER
    assert registry.writer_module(name).FOLDER in registry.load_source(name).folders
    manifest = registry.source_module(name).read(root)
    assert manifest.phantom == mark_of(folder) and manifest.partial == 0
    for path in manifest.images["path"]:
        assert TAG in (manifest.root / path).read_bytes()
    assert len(manifest) >= len({case.number for case in registry.writer_module(name).cases(TOY)})
    assert bool(manifest.lists) == (folder / "splits_maco").is_dir()


def test_a_further_data_set_stands_beside_the_core_without_touching_it(tmp_path: Path) -> None:
    size = PhantomSize(40, 64)
    draw_phantom(tmp_path / "core", size, workers=1)
    draw_phantom(tmp_path / "both", size, ("mimic_cxr", "fake_source"), workers=1)
    bare, both = digests(tmp_path / "core"), digests(tmp_path / "both")
    assert {path for path in both if path not in bare} == {
        "fake-data/labels.csv",
        *(f"fake-data/images/i{number}.png" for number in range(20)),
    }
    assert {path: both[path] for path in bare} == bare
    labels = (tmp_path / "both" / "fake-data" / "labels.csv").read_text().splitlines()
    assert len(labels) == 21, "rows of other data sets stay out, whatever their table's name"
    mark, before = mark_of(tmp_path / "both"), mark_of(tmp_path / "core")
    assert mark["counts"]["cases"] == 60
    assert mark["counts"]["rsna_images"] == before["counts"]["rsna_images"]
    assert mark["rules"] == before["rules"] | {"fake_source": "positive = any opacity"}


def test_two_files_of_one_name_are_a_fault(tmp_path: Path) -> None:
    setting = Setting(tmp_path, 64, 0, None)  # type: ignore[arg-type]
    first, second = Written(), Written()
    first.save(setting, "a/b.png", b"1")
    second.save(setting, "a/b.png", b"2")
    with pytest.raises(ValueError, match=r"a/b\.png"):
        first.merge(second)
    with pytest.raises(ValueError, match=r"a/b\.png"):
        first.save(setting, "a/b.png", b"1")


@pytest.mark.parametrize("name", further_names())
def test_writers_import_neither_torch_nor_pandas(name: str) -> None:
    code = (
        f"import sys, benchmark.phantom.writers.{name}; "
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
