"""Rendering: determinism, exact masks, sides, independence of size, shortcuts."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from benchmark.phantom.acceptance import Verdict, as_markdown, draw_cases
from benchmark.phantom.contact_sheet import write_contact_sheet
from benchmark.phantom.population import draw_study
from benchmark.phantom.prevalence import NAMES
from benchmark.phantom.render import render_view
from benchmark.phantom.shortcuts import linear_auc, thumbnails
from benchmark.phantom.sites import draw_site
from benchmark.phantom.truth import NIH_CLASSES, Finding


def _normal(number=0):
    study = draw_study(0, "render", number, "real", "nih")
    view = replace(study.views[0], devices=(), marker="", name="PA")
    return replace(study, findings=(), views=(view,))


def _with(name, side=None, severity=0.9, number=0, view_name="PA"):
    site = draw_site(name, severity, {}, np.random.default_rng(number))
    one = Finding(name, side or site.side, site.zone, severity, site.size_cm, 1234 + number)
    study = _normal(number)
    view = replace(study.views[0], name=view_name)
    return replace(study, findings=(one,), views=(view,))


def _pixels(number):
    study = draw_study(0, "render", number, "enriched", "mimic")
    return render_view(study, study.views[0], 64).pixels


def test_rendering_is_the_same_in_another_process():
    with ProcessPoolExecutor(1) as pool:
        other = list(pool.map(_pixels, range(3)))
    for number in range(3):
        np.testing.assert_array_equal(_pixels(number), other[number])


@pytest.mark.parametrize("size", [64, 128, 224])
def test_pixels_masks_and_lungs_have_the_stated_form(size):
    study = _with("Mass")
    drawing = render_view(study, study.views[0], size)
    assert drawing.pixels.shape == (size, size) and drawing.pixels.dtype == np.float32
    assert drawing.pixels.min() >= 0 and drawing.pixels.max() <= 1
    assert drawing.lungs.shape == (2, size, size) and drawing.lungs.dtype == bool
    assert drawing.masks[0].shape == (size, size) and drawing.masks[0].dtype == bool


@pytest.mark.parametrize("view_name", ["PA", "AP", "LATERAL"])
@pytest.mark.parametrize("name", NAMES)
def test_every_finding_is_visible_and_has_a_mask(name, view_name):
    for number in range(4):
        study = _with(name, number=number, view_name=view_name)
        view = study.views[0]
        drawing = render_view(study, view, 128)
        mask = drawing.masks[0]
        assert mask.any()
        plain = render_view(replace(study, findings=()), view, 128)
        change = np.abs(drawing.pixels - plain.pixels)
        assert change[mask].mean() > 0.003
        if name not in ("Cardiomegaly", "Atelectasis", "Emphysema", "Fibrosis"):
            # These do not move the borders of the body, so nothing changes far from the mask.
            assert change[mask].mean() > 2 * change[~mask].mean()


@pytest.mark.parametrize("name", ["Effusion", "Mass", "Pneumothorax", "Pneumonia", "Fibrosis"])
def test_the_left_of_the_patient_is_on_the_right_of_the_picture(name):
    for side, better in (("left", 1), ("right", 0)):
        study = _with(name, side)
        drawing = render_view(study, study.views[0], 128)
        overlap = [(drawing.masks[0] & lung).sum() for lung in drawing.lungs]
        assert overlap[better] > 0 and overlap[1 - better] == 0
    columns = [np.nonzero(lung)[1].mean() for lung in drawing.lungs]
    assert columns[0] < columns[1]


def test_geometry_does_not_depend_on_the_size():
    for name in ("Consolidation", "Effusion", "Nodule", "Hernia"):
        study = _with(name)
        small = render_view(study, study.views[0], 96).masks[0]
        large = render_view(study, study.views[0], 288).masks[0]
        reduced = large.reshape(96, 3, 96, 3).mean((1, 3)) > 0.5
        union = (small | reduced).sum()
        assert (small & reduced).sum() / union > 0.75, name


def test_a_finding_leaves_body_and_exposure_alone():
    study = _with("Nodule")
    view = study.views[0]
    with_it = render_view(study, view, 128)
    without = render_view(replace(study, findings=()), view, 128)
    np.testing.assert_array_equal(with_it.lungs, without.lungs)
    assert np.abs(with_it.pixels - without.pixels).max() > 0.03


def test_a_wide_heart_is_wider():
    study = _with("Cardiomegaly", severity=1.0)
    faint = replace(study, findings=(replace(study.findings[0], severity=0.0),))
    width = [
        np.ptp(np.nonzero(render_view(given, study.views[0], 224).masks[0])[1])
        for given in (faint, study)
    ]
    assert width[1] > 1.1 * width[0]


def test_linear_auc_finds_what_is_there_and_nothing_else():
    random = np.random.default_rng(0)
    features = random.standard_normal((600, 5)).astype(np.float32)
    labels = np.stack([features[:, 0] > 0, random.random(600) > 0.5], 1).astype(np.float32)
    auc = linear_auc(features[:400], labels[:400], features[400:], labels[400:])
    assert auc[0] > 0.97 and abs(auc[1] - 0.5) < 0.12


def test_shortcuts_fail_on_a_small_draw():
    train = draw_cases(0, "small-train", 700, "enriched", 64, 1)
    test = draw_cases(0, "small-test", 400, "enriched", 64, 1)
    auc = linear_auc(
        thumbnails(train.images, 8), train.labels, thumbnails(test.images, 8), test.labels
    )
    assert auc.mean() < 0.58
    flags = linear_auc(train.flags, train.labels, test.flags, test.labels)
    assert abs(flags.mean() - 0.5) < 0.05


def test_a_verdict_names_what_fails():
    good, bad = np.full(14, 0.55, np.float32), np.full(14, 0.55, np.float32)
    bad[3] = 0.7
    positives = np.full(14, 60)
    sound = Verdict({"8x8 thumbnail": good, "supervised": np.full(14, 0.85)}, positives, 1, 1)
    assert sound.failures() == []
    assert "| Hernia | 60 | 0.550 | 0.850 |" in as_markdown(sound)
    assert NIH_CLASSES[3] in Verdict({"8x8 thumbnail": bad}, positives, 1, 1).failures()[0]
    assert Verdict({"supervised": np.full(14, 0.97)}, positives, 1, 1).failures()
    assert Verdict({}, positives // 2, 1, 1).failures()


def test_the_contact_sheet_is_a_picture(tmp_path):
    path = tmp_path / "sheet.png"
    write_contact_sheet(path, size=64)
    with Image.open(path) as sheet:
        assert sheet.width > 300 and sheet.height > 300
