"""A results folder becomes a report, by function and by command."""

import json

import numpy as np
import pytest

from benchmark.cli import main
from benchmark.errors import UsageError
from benchmark.reporting.model import TableCell
from benchmark.reporting.report.make import Asked, leading_suite, make_report
from tests.unit.reporting.report.handmade import (
    DATA_ID,
    PHANTOM_ID,
    Results,
    line,
    page,
    sheet,
    value,
)


def asked(leaderboards, **more):
    return Asked(leaderboards=leaderboards, figures=False, **more)


@pytest.fixture
def made(tmp_path):
    return Results(tmp_path / "results")


def test_suites_with_records_are_found_and_verdicts_counted(made, leaderboards):
    made.classification("maco", 2.0)
    made.classification("oracle", 50.0)
    made.add("pretraining", "maco", {}, kind="pretrain", data_id="mimic_cxr-real-cccccccc")
    (leaderboards / "suites" / "other.toml").write_text('tables = []\ntitle = "Other"')
    report = make_report(made.root, "paper", asked(leaderboards))
    assert [suite.name for suite in report.suites] == ["small"]
    assert [table.anchor for table in report.tables] == ["table-small"]
    assert sum(report.suites[0].counts.values()) == 2
    assert len(report.records) == 3
    assert not report.phantom


def test_a_named_suite_shows_its_records_and_what_they_were_pre_trained_by(made, leaderboards):
    source = made.add("pretraining", "maco", {}, kind="pretrain")
    made.add("pretraining", "mrm", {}, kind="pretrain")
    made.classification("maco", 2.0, depends_on=source.cell["key"])
    made.add("siim_zero_shot", "maco", {})
    report = make_report(made.root, "paper", asked(leaderboards, suites=("small",)))
    assert sorted((view.task, view.baseline) for view in report.records) == [
        ("pretraining", "maco"), ("rsna_zero_shot", "maco"),
    ]  # fmt: skip


def test_a_phantom_is_said_on_the_first_page(made, leaderboards):
    made.classification("maco", 2.0, data_id=PHANTOM_ID)
    report = make_report(made.root, "paper", asked(leaderboards))
    assert report.phantom
    data = next(grid for grid in report.overview if grid.anchor == "data")
    assert [cell.text for cell in data.rows[0].cells[:2]] == [f"`{PHANTOM_ID}`", "phantom"]


def test_without_a_record_there_is_no_report(made, leaderboards):
    with pytest.raises(UsageError, match="no record of profile `paper`"):
        make_report(made.root, "paper", asked(leaderboards))


def test_other_profiles_stay_out(tmp_path, leaderboards):
    Results(tmp_path / "results", "demo").classification("maco", 2.0)
    made = Results(tmp_path / "results", "paper")
    made.classification("mrm", 1.0)
    report = make_report(made.root, "paper", asked(leaderboards))
    assert [view.baseline for view in report.records] == ["mrm"]


def test_every_stage_is_told(made, leaderboards):
    made.classification("maco", 2.0)
    told = []
    make_report(made.root, "paper", asked(leaderboards), lambda *stage: told.append(stage))
    assert told[-1] == ("report", 1, 1) and ("tables", 0, 1) in told


class Radiographs:
    """Stands in for the reader of images."""

    def __init__(self):
        self.asked = []

    def original(self, result, image):
        self.asked.append(image)
        return np.full((300, 600), 128, dtype=np.uint8)

    def square(self, result, image, size, geometry):
        return self.original(result, image)

    def phrase(self, result, pair, frame, geometry):
        return f"phrase of {pair}"


def test_images_of_a_set_that_forbids_them_are_never_read(made, leaderboards):
    made.classification("maco", 0.5, data_id=DATA_ID)
    images = Radiographs()
    report = make_report(made.root, "paper", asked(leaderboards, images=images))
    assert images.asked == []
    assert all(not view.worst.pictures for view in report.records if view.worst)
    assert report.images == (
        "The page holds no radiographs of `rsna_pneumonia`: "
        "the licence forbids to show them to others."
    )


def test_images_of_a_phantom_are_shown_on_demand(made, leaderboards):
    made.classification("maco", 0.5, data_id=PHANTOM_ID)
    without = make_report(made.root, "paper", asked(leaderboards))
    assert without.images == "" and without.records[0].worst.pictures == ()
    images = Radiographs()
    report = make_report(made.root, "paper", asked(leaderboards, images=images))
    view = report.records[0]
    assert report.images == "The page holds radiographs of single test samples."
    assert [picture.caption for picture in view.worst.pictures] == list(view.worst.samples[:4])
    assert all(one.uri.startswith("data:image/jpeg;base64,") for one in view.worst.pictures)


def test_a_phrase_is_shown_with_its_pair(made, leaderboards):
    samples = {
        "ids": np.array(["i#0", "j#1"]),
        "patients": np.array(["a", "b"]),
        "category": np.array(["Edema", "Nodule"]),
        "cnr": np.array([0.2, -0.1]),
    }
    recipe = {"kind": "GroundRecipe", "frame": 224, "geometry": "pad_square"}
    made.add("ms_cxr_grounding", "maco", {}, data_id=PHANTOM_ID, samples=samples, recipe=recipe)
    images = Radiographs()
    made.classification("maco", 0.5, data_id=DATA_ID)
    report = make_report(made.root, "paper", asked(leaderboards, images=images))
    view = next(one for one in report.records if one.task == "ms_cxr_grounding")
    assert report.images == (
        "The page holds radiographs and phrases of single test samples. None of `rsna_pneumonia`: "
        "the licence forbids to show them to others."
    )
    assert images.asked == ["j", "i"]
    assert [one.caption for one in view.worst.pictures] == [
        "j#1: phrase of j#1", "i#0: phrase of i#0",
    ]  # fmt: skip


def test_what_figures_alone_hold_is_said_too(made, leaderboards, monkeypatch):
    made.add("rsna_zero_shot", "maco", {}, data_id=PHANTOM_ID)

    def figures(results, *_, images, **more):
        images.square(results[0], "image", 8, "pad_square")
        return []

    monkeypatch.setattr("benchmark.reporting.figures.make_figures", figures)
    report = make_report(made.root, "paper", Asked(leaderboards=leaderboards, images=Radiographs()))
    assert report.images == "The page holds radiographs of single test samples."


def test_where_no_sample_calls_for_an_image_nothing_is_said_of_images(made, leaderboards):
    made.add("rsna_zero_shot", "maco", {}, data_id=PHANTOM_ID)
    report = make_report(made.root, "paper", asked(leaderboards, images=Radiographs()))
    assert report.images == ""


def test_the_command_writes_one_file_and_says_so(made, tmp_path, capsys):
    made.classification("maco", 2.0)
    out = tmp_path / "report.html"
    arguments = ["report", "--suite", "maco-demo", "--results", str(made.root)]
    arguments += ["--profile", "paper", "--no-figures", "--out", str(out)]
    assert main([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["file"] == str(out) and told["bytes"] == out.stat().st_size
    assert (told["records"], told["suites"]) == (1, ["maco-demo"])
    first = out.read_bytes()
    assert main(arguments) == 0
    assert f"wrote {out}: 2 tables" in capsys.readouterr().out
    assert out.read_bytes() == first
    assert str(tmp_path).encode() not in first


def test_the_command_refuses_an_unknown_suite(made, capsys):
    assert main(["report", "--suite", "maco-dem", "--results", str(made.root)]) == 2
    assert "Did you mean `maco-demo`" in capsys.readouterr().err


def pages_on(**keys):
    """Pages of suites whose cells stand on records with some keys."""
    return {
        name.replace("_", "-"): [
            page(sheet(*(line(key, TableCell(value(0.5), keys=(key,))) for key in its_keys)))
        ]
        for name, its_keys in keys.items()
    }


def test_the_suite_with_the_most_records_leads_the_figures(made):
    evaluations = [made.classification(name, 1.0) for name in ("g2d", "maco", "clip_vit")]
    pages = pages_on(g2d="a", maco="abc", maco_demo="ab")
    assert leading_suite(pages, evaluations) == "maco"
    assert leading_suite(dict(reversed(pages.items())), evaluations) == "maco"


def test_a_suite_without_a_record_of_its_own_method_leads_no_other(made):
    evaluations = [made.classification(name, 1.0) for name in ("g2d", "maco")]
    assert leading_suite(pages_on(g2d="a", maco_v1="abc"), evaluations) == "g2d"
    assert leading_suite(pages_on(mrm="a", maco_v1="abc"), evaluations) == ""
    assert leading_suite(pages_on(maco_v1="abc"), evaluations) == "maco-v1"
    assert leading_suite(pages_on(unheard_of="abc"), evaluations) == ""


def test_without_a_named_suite_the_own_method_of_those_found_stands_first(made, monkeypatch):
    for name in ("clip_vit", "maco", "mae_hr_clip"):
        made.classification(name, 1.0)
    asked_for = []
    monkeypatch.setattr(
        "benchmark.reporting.figures.make_figures",
        lambda *_, suite, **more: asked_for.append(suite) or [],
    )
    report = make_report(made.root, "paper", Asked(comparisons=False))
    assert len(report.suites) > 1 and asked_for == ["maco"]
