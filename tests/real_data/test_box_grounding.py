"""Box grounding on the real label files, and on the real radiographs of the small NIH set.

The images of the label files are not there; the readers are told that they are.
"""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from baselines import class_prior, oracle_at_grid, static_prior
from benchmark.data.box_splits import boxed_rows
from benchmark.data.manifest import IMAGE_COLUMNS, Manifest, Mask
from benchmark.data.parts import overlaps
from benchmark.data.sources import _files, nih_cxr14, rsna_pneumonia, siim_acr
from benchmark.interfaces import Scores, SentinelSamples
from benchmark.metrics import box_grounding
from benchmark.metrics.grounding_maps import box_counts
from benchmark.protocols.class_pairs import read_class_pairs
from benchmark.protocols.mask_boxes import mask_in_frame, tiling_boxes
from benchmark.recipes.ground import ClassGroundRecipe
from benchmark.records import all_records
from tests.end_to_end.runs import run_all

if TYPE_CHECKING:
    from benchmark.protocols.pairs import Pairs

GRID, FRAME = (14, 14), 112
"""Half of the papers' frame: four times as fast, and no score moves by more than 0.01."""
RECIPE = ClassGroundRecipe(source="test", frame=FRAME)


@pytest.fixture(scope="module")
def annotations(real_data: Path) -> Path:
    return real_data / "annotations"


def pretend(folder: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]) -> None:
    """One official-sized image stands for all."""
    Image.fromarray(np.zeros((1024, 1024), np.uint8)).save(folder / "one.png")
    index = dict.fromkeys(names, "one.png")
    monkeypatch.setattr(_files, "index_images", lambda *_, **__: index)


@pytest.fixture(scope="module")
def nih(annotations: Path, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = tmp_path_factory.mktemp("nih")
    for name in ("Data_Entry_2017_v2020.csv.gz", "BBox_List_2017.csv.gz"):
        shutil.copyfile(annotations / name, folder / name)
    rows = _files.read_table(folder / "Data_Entry_2017_v2020.csv.gz")
    with pytest.MonkeyPatch.context() as patch:
        pretend(folder, patch, [_files.stem_of(name) for name in rows["Image Index"]])
        return nih_cxr14.read(folder)


@pytest.fixture(scope="module")
def rsna(annotations: Path, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """RSNA, with the NIH person of each image for patient."""
    folder = tmp_path_factory.mktemp("rsna")
    labels = folder / "stage_2_train_labels.csv.zip"
    shutil.copyfile(annotations / "rsna_stage_2_train_labels.csv.zip", labels)
    shutil.copyfile(annotations / "rsna_to_nih_map.csv.gz", folder / "rsna_to_nih_map.csv.gz")
    with pytest.MonkeyPatch.context() as patch:
        pretend(folder, patch, _files.read_table(labels)["patientId"].tolist())
        return rsna_pneumonia.read(folder)


def pairs_of(manifest: Manifest, rows: np.ndarray) -> Pairs:
    return read_class_pairs(manifest, rows, RECIPE)


def boxed_positions(manifest: Manifest) -> np.ndarray:
    return np.flatnonzero(manifest.images["image"].isin(manifest.boxes["image"]))


def two_ellipses() -> np.ndarray:
    """Two upright ellipses where lungs are: no data and no model at all, (N,)."""
    rows, columns = (np.mgrid[:14, :14] + 0.5) / 14
    left, right = (
        ((columns - centre) / 0.15) ** 2 + ((rows - 0.52) / 0.3) ** 2 < 1 for centre in (0.28, 0.72)
    )
    return (left | right).astype(np.float32).ravel()


def scored(test: Pairs, reference: Pairs, predictor: object) -> Scores:
    """Scores of a sentinel, or of one map for all pairs; the threshold comes from the reference."""
    parts = {"validation": reference, "test": test}
    answers = []
    for part in parts.values():
        samples = SentinelSamples(
            "ground", part.ids, part.categories, GRID, FRAME,
            {"boxes": reference.boxes, "box_pair": reference.box_pair,
             "category": reference.categories},
        )  # fmt: skip
        if isinstance(predictor, np.ndarray):
            answers.append(np.tile(predictor, (len(part), 1)))
        else:
            truth = {"boxes": part.boxes, "box_pair": part.box_pair}
            found = predictor.predict(samples, truth, np.random.default_rng(0))  # type: ignore[attr-defined]
            answers.append(found["similarities"])
    predictions = {
        "ids": np.concatenate([part.ids for part in parts.values()]),
        "patients": np.concatenate([part.patients for part in parts.values()]),
        "split": np.repeat(list(parts), [len(part) for part in parts.values()]),
        "category": np.concatenate([part.categories for part in parts.values()]),
        "grid": np.array(GRID),
        "frame": np.array([FRAME]),
        "boxes": np.concatenate([part.boxes for part in parts.values()]),
        "box_pair": np.concatenate([reference.box_pair, test.box_pair + len(reference)]),
        "similarities": np.concatenate(answers),
    }
    return box_grounding.score(predictions, RECIPE, 0, 0)


def values(scores: Scores, *names: str) -> list[float]:
    found = [scores.metrics[name].value for name in names]
    assert None not in found
    return [float(value) for value in found if value is not None]


def test_a_fixed_map_of_two_lungs_on_all_nih_boxes(nih: Manifest, rsna: Manifest) -> None:
    """CNR 1.15 and mIoU 0.16 to 0.17 without an image; 1.144 and 0.255 are printed on MS-CXR."""
    test = pairs_of(nih, boxed_positions(nih))
    assert len(test) == len(test.boxes) == 984
    tested = set(test.patients)
    positives = boxed_positions(rsna)
    others = positives[~rsna.images["patient"].iloc[positives].isin(tested).to_numpy()]
    reference = pairs_of(rsna, others[::8])
    prior = scored(test, reference, static_prior)
    cnr, miou, recall, dice = values(prior, "cnr", "miou", "recall", "dice")
    assert cnr == pytest.approx(1.15, abs=0.03)
    assert miou == pytest.approx(0.165, abs=0.02)
    assert recall > 0.5 and dice > 1.5 * values(prior, "dice/whole_image")[0]
    drawn = values(scored(test, reference, two_ellipses()), "cnr", "miou")
    assert drawn == pytest.approx([1.15, 0.16], abs=0.02)


def test_a_fixed_map_of_two_lungs_on_rsna_positives(rsna: Manifest) -> None:
    """CNR 1.35 to 1.40 and mIoU 0.27, learned from other patients or drawn by hand."""
    positives = boxed_positions(rsna)
    people = rsna.images["patient"].iloc[positives].to_numpy(dtype=str)
    chosen = np.random.default_rng(0).permutation(np.unique(people))[::2]
    half = np.isin(people, chosen)
    test = pairs_of(rsna, positives[~half][::4])
    reference = pairs_of(rsna, positives[half][::8])
    assert not set(test.patients) & set(reference.patients)
    prior = scored(test, reference, static_prior)
    assert values(prior, "cnr") == pytest.approx([1.375], abs=0.06)
    assert values(prior, "miou") == pytest.approx([0.265], abs=0.02)
    drawn = scored(test, reference, two_ellipses())
    assert values(drawn, "cnr") == pytest.approx([1.375], abs=0.06)
    assert values(drawn, "miou") == pytest.approx([0.275], abs=0.02)
    recall, dice = values(prior, "recall", "dice")
    assert recall > 0.6 and dice > 0.3, "0.83 to 0.88 and 0.35 to 0.48 are printed for models"


def test_the_split_of_the_nih_boxes(nih: Manifest) -> None:
    rows = boxed_rows(nih)
    validation, test = pairs_of(nih, rows.validation), pairs_of(nih, rows.test)
    assert len(validation) + len(test) == 984
    assert len(test) == pytest.approx(689, abs=25)
    assert overlaps(nih, rows.validation, rows.test) == {"images": 0, "patients": 0}
    for label in set(test.categories):
        share = np.mean(test.categories == label) / np.mean(validation.categories == label)
        assert 0.7 < share < 1.4, label
    priors = [scored(test, validation, module) for module in (static_prior, class_prior)]
    oracle = scored(test, validation, oracle_at_grid)
    dice = [values(scores, "dice")[0] for scores in (*priors, oracle)]
    cnr = [values(scores, "cnr")[0] for scores in (*priors, oracle)]
    assert dice[0] < dice[1] < dice[2] and cnr[0] < cnr[1] < cnr[2]
    assert dice[2] > 0.6


def test_what_the_nih_boxes_share_with_rsna(nih: Manifest, annotations: Path) -> None:
    """The facts of the task's page: a model that saw RSNA has seen many of these images."""
    mapped = _files.read_table(annotations / "rsna_to_nih_map.csv.gz")
    images = set(nih.boxes["image"])
    assert len(images) == 880
    stems = mapped["nih_image"].map(_files.stem_of)
    assert int(stems.isin(images).sum()) == 346
    people = {image.split("_")[0] for image in images}
    assert len(people) == 726
    assert len(people & {stem.split("_")[0] for stem in stems}) == 630


@pytest.fixture(scope="module")
def siim_masks(annotations: Path) -> dict[str, Mask]:
    """The masks that are not empty; the file names no patients."""
    masks = siim_acr._read_masks(annotations / "siim-pneumothorax-train-rle.csv.gz")
    return {image: mask for image, mask in masks.items() if mask.runs}


def test_a_fixed_map_on_siim_masks(siim_masks: dict[str, Mask]) -> None:
    """Dice 2 to 5 % are printed for models; the whole image has 2.5, the mean mask 12."""
    names = sorted(siim_masks)[::4]
    images = pd.DataFrame({column: names for column in IMAGE_COLUMNS})
    labels = pd.DataFrame({"Pneumothorax": np.ones(len(names))})
    manifest = Manifest("siim_acr", "2", Path(), images, labels, masks=siim_masks)
    recipe = dataclasses.replace(RECIPE, truth="masks", mask_class="Pneumothorax")
    order = np.random.default_rng(0).permutation(len(names))
    reference, test = (
        read_class_pairs(manifest, np.sort(part), recipe) for part in np.array_split(order, 2)
    )
    prior = scored(test, reference, static_prior)
    dice, half, whole = values(prior, "dice", "dice/half_range", "dice/whole_image")
    assert whole == pytest.approx(0.025, abs=0.004)
    assert dice == pytest.approx(0.12, abs=0.02) and half < dice
    oracle = values(scored(test, reference, oracle_at_grid), "dice")[0]
    assert dice < oracle < 0.5, "masks are smaller than the grid can show"


def test_every_tenth_siim_mask_as_boxes(siim_masks: dict[str, Mask]) -> None:
    assert len(siim_masks) == 2_669
    shares = []
    for mask in list(siim_masks.values())[::10]:
        inside = mask_in_frame(mask.pixels(), 224, "pad_square")
        boxes = tiling_boxes(inside).astype(np.float32)
        counts = box_counts(boxes, np.zeros(len(boxes), int), 1, 224)[0]
        np.testing.assert_array_equal(counts, inside)
        assert inside.any() and len(boxes) < 200
        shares.append((mask.pixels().mean(), inside.mean()))
    of_mask, of_frame = np.median(shares, axis=0)
    assert of_mask == pytest.approx(0.008, abs=0.001)
    assert of_frame == pytest.approx(of_mask, rel=0.05)


def test_nih_boxes_on_real_radiographs(real_data: Path, checkout: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    convert = [sys.executable, "-m", "tests.real_data.convert", "nih_cxr14", "csv_pairs", str(data)]
    subprocess.run(convert, check=True, cwd=checkout)
    done = run_all(
        "--tasks", "nih_box_grounding", "--baselines", "random_init,static_prior,oracle_at_grid",
        "--profile", "toy", "--corpus", "csv_pairs", "--data-root", str(data), "--allow-partial",
        "--results", str(tmp_path / "r"), "--cache-dir", str(tmp_path / "c"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = {
        record.cell.baseline: record
        for _, record in all_records(tmp_path / "r")
        if record.cell.task == "nih_box_grounding"
    }
    assert set(found) == {"random_init", "static_prior", "oracle_at_grid"}
    pairs = found["random_init"].facts["pairs"]
    assert pairs["validation"] + pairs["test"] == 49, "the boxes of the small set"
    dice = {name: record.metrics["dice"].value for name, record in found.items()}
    assert all(value is not None for value in dice.values())
    assert dice["random_init"] < dice["oracle_at_grid"]
    assert found["random_init"].data["phantom"] is None
    assert found["random_init"].leaks["validation-test"] == {"images": 0, "patients": 0}
