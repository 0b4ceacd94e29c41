"""Files, bytes, names, what is skipped, and which images may be shown."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from benchmark.data.manifest import BOX_COLUMNS, Manifest
from benchmark.errors import BadDataError, BadRecordError, MissingDataError, UsageError
from benchmark.fingerprint import data_id
from benchmark.reporting.figures import FIGURES, make_figures
from benchmark.reporting.figures.images import Radiographs
from benchmark.reporting.figures.make import LEADERBOARDS
from benchmark.reporting.figures.methods import methods_of, own_method
from benchmark.reporting.layout import read_layouts
from benchmark.reporting.select import Group, load_results
from tests.unit.reporting.figures.conftest import LAYOUT

SVG = "{http://www.w3.org/2000/svg}"


def _fill(shelf, **more):
    shelf.grounded("maco", 3.0, weighted=True, **more)
    shelf.grounded("static_prior", 0.5, **more)
    shelf.segmented("maco", [2, 8, 0])
    shelf.detected("maco")
    shelf.classified("maco", 1.0)
    shelf.labelled("maco", {1.0: 0.6, 10.0: 0.7})
    shelf.pretrained(
        "maco",
        {
            "loss_total": np.linspace(5, 1, 300),
            "array_steps": np.array([0, 200]),
            "array_weight_map": np.random.default_rng(0).normal(size=(2, 4, 4)),
        },
    )


def _make(shelf, out, **more):
    results = load_results(shelf.root, "demo")
    arguments = {"own": "maco", "leaderboards": shelf.boards, **more}
    return make_figures(results, shelf.root, "demo", out=out, **arguments)


def test_every_kind_is_written_twice_alike(shelf, tmp_path):
    _fill(shelf)
    made = [_make(shelf, tmp_path / name) for name in ("a", "b")]
    assert [figure.kind for figure in made[0]] == list(FIGURES)
    for first, second in zip(*made, strict=True):
        for form, path in first.files.items():
            content = path.read_bytes()
            assert content == second.files[form].read_bytes()
            assert path.name == f"{first.name}.{form}"
        assert first.text.read_bytes() == second.text.read_bytes()
        assert first.text.read_text(encoding="utf-8") == f"{first.title}\n\n{first.caption}\n"
        svg = first.svg.read_text(encoding="utf-8")
        assert ElementTree.fromstring(svg).tag == f"{SVG}svg"
        assert not re.search(r"\d{4}-\d\d-\d\d|[Mm]atplotlib (v|version)|<dc:date", svg)
        assert first.png.read_bytes().startswith(b"\x89PNG")
        assert "(phantom" in first.title
        assert "phantom: synthetic radiographs" in first.caption
        assert first.keys == tuple(sorted(first.keys))
        assert json.loads(json.dumps(first.plain()))["name"] == first.name
    names = [figure.name for figure in made[0]]
    assert names[0] == "losses-pretraining@maco"
    assert "label_efficiency-rsna_classification@maco" in names
    assert len(set(names)) == len(names)


def test_pdf_holds_no_time(shelf, tmp_path):
    shelf.grounded("maco", 3.0, weighted=True)
    made = [
        _make(shelf, tmp_path / name, only=["temperature"], formats=["pdf"])[0].files["pdf"]
        for name in ("a", "b")
    ]
    assert made[0].read_bytes() == made[1].read_bytes()
    assert made[0].read_bytes().startswith(b"%PDF")
    assert not re.search(rb"CreationDate|Matplotlib", made[0].read_bytes())


def test_a_users_matplotlib_settings_change_nothing(shelf, tmp_path):
    import matplotlib as mpl

    shelf.classified("maco", 1.0)
    (first,) = _make(shelf, tmp_path / "a", only=["roc"])
    with mpl.rc_context({"font.size": 20, "lines.linewidth": 9, "savefig.dpi": 30}):
        (second,) = _make(shelf, tmp_path / "b", only=["roc"])
        assert mpl.rcParams["font.size"] == 20
    assert first.svg.read_bytes() == second.svg.read_bytes()
    assert first.png.read_bytes() == second.png.read_bytes()


def test_what_has_no_record_is_skipped_with_a_reason(shelf, tmp_path):
    skipped = []
    assert _make(shelf, tmp_path / "out", on_skipped=skipped.append) == []
    assert {item.kind for item in skipped} == set(FIGURES)
    assert all(item.why and "\n" not in item.why for item in skipped)
    assert not (tmp_path / "out").exists()


def test_records_without_predictions_are_skipped(shelf, tmp_path):
    from benchmark.reporting.publish import share_copy

    _fill(shelf)
    share_copy(shelf.root, tmp_path / "shared")
    shelf.root = tmp_path / "shared"
    skipped = []
    made = _make(shelf, tmp_path / "out", on_skipped=skipped.append)
    assert [figure.kind for figure in made] == ["label_efficiency"]
    assert {item.kind for item in skipped} == set(FIGURES) - {"label_efficiency"}


def test_unknown_names_are_told(shelf, tmp_path):
    with pytest.raises(UsageError, match="`roc`"):
        _make(shelf, tmp_path, only=["rok"])
    with pytest.raises(UsageError, match="format"):
        _make(shelf, tmp_path, formats=["gif"])
    with pytest.raises(UsageError, match="suite"):
        _make(shelf, tmp_path, suite="smal")


def test_changed_predictions_are_refused(shelf, tmp_path):
    shelf.classified("maco", 1.0)
    (path,) = shelf.root.rglob("predictions.npz")
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(BadRecordError, match="changed after"):
        _make(shelf, tmp_path, only=["roc"])


def test_two_states_of_the_data_have_two_names(shelf, tmp_path):
    for data in ("nih_cxr14-11111111", "nih_cxr14-22222222"):
        shelf.classified("maco", 1.0, data_id=data, phantom=False)
    made = _make(shelf, tmp_path, only=["roc"])
    assert [figure.name for figure in made] == [
        "roc-nih_zero_shot@maco-nih_cxr14-11111111",
        "roc-nih_zero_shot@maco-nih_cxr14-22222222",
    ]
    assert not any(figure.phantom or "phantom" in figure.caption for figure in made)


def test_text_of_records_is_no_markup(shelf, tmp_path):
    def hostile(predictions):
        predictions["classes"] = np.array(["$\\frac{1}$", "<script>alert(1)</script>"])

    shelf.classified("maco", 1.0, change=hostile)
    (made,) = _make(shelf, tmp_path, only=["roc"])
    tree = ElementTree.fromstring(made.svg.read_bytes())
    assert not list(tree.iter(f"{SVG}script"))


def test_order_look_and_titles_of_methods(shelf):
    layouts = read_layouts(shelf.boards, ["small"])
    groups = [
        Group("chance", "none"),
        Group("static_prior", "none"),
        Group("mae", "trained"),
        Group("random_init", "trained"),
        Group("maco", "trained", '{"mask_ratio": 0.75}'),
        Group("maco", "trained"),
        Group("maco", "file:12345678"),
        Group("maco+from_scratch", "trained"),
        Group("guest", "trained"),
        Group("mae+mask_ratio=0.5", "trained"),
    ]
    found = methods_of(groups, layouts, "maco")
    assert [method.title for method in found.values()] == [
        "Ours (file:12345678)",
        "Ours",
        "Ours (mask_ratio=0.75)",
        "Other",
        "guest",
        "Other (mask ratio=0.5)",
        "Ours (from scratch)",
        "random_init",
        "static prior",
        "chance",
    ]
    coloured = [method for method in found.values() if method.learnt]
    assert len({(m.colour, m.marker, str(m.dash)) for m in coloured}) == len(coloured)
    assert not any(method.marker for method in found.values() if not method.learnt)
    many = methods_of([Group(f"m{number}", "trained") for number in range(28)], layouts)
    assert len({(m.colour, m.marker, str(m.dash)) for m in many.values()}) == 28


def test_a_step_of_an_ablation_is_no_name(shelf):
    def title(*rows):
        names = [f"t{place}" for place in range(len(rows))]
        for name, (baseline, text) in zip(names, rows, strict=True):
            row = f'[[row]]\ntitle = "{text}"\nbaseline = "{baseline}"\n'
            head, _, rest = LAYOUT.partition("[[row]]")
            path = shelf.boards / "tables" / f"{name}.toml"
            path.write_text(head + row + rest[rest.index("[[column]]") :], encoding="utf-8")
        layouts = read_layouts(shelf.boards, names)
        (method,) = methods_of([Group(rows[0][0], "trained")], layouts).values()
        return method.title

    assert title(("mae_hr", "+ HR"), ("mae_hr", "Larger target")) == "Larger target"
    assert title(("mae_hr", "+ HR"), ("maco", "MaCo")) == "MAE + HR"
    assert title(("mae_hr", "MAE (large)"), ("mae_hr", "+ HR")) == "MAE (large)"
    assert title(("guest", "+ a guest")) == "guest"


def test_no_name_in_the_tables_is_a_step():
    names = sorted(path.stem for path in (LEADERBOARDS / "tables").glob("*.toml"))
    layouts = read_layouts(LEADERBOARDS, names)
    groups = {Group(row.baseline, "trained") for layout in layouts for row in layout.rows}
    titles = {
        method.group.baseline: method.title for method in methods_of(groups, layouts).values()
    }
    assert titles["mae_hr"] == "MAE + HR"
    assert not [title for title in titles.values() if title.startswith("+")]


def test_two_corpora_are_told_apart(shelf):
    groups = [Group("maco", "trained", corpus=name) for name in ("mimic_cxr", "open_i")]
    titles = [m.title for m in methods_of(groups, read_layouts(shelf.boards, ["small"])).values()]
    assert titles == ["Ours (pre-trained on mimic_cxr)", "Ours (pre-trained on open_i)"]


@pytest.mark.parametrize(
    ("suite", "own"),
    [("maco", "maco"), ("maco-demo", "maco"), ("maco-v1", "maco_v1"), ("mrm", "mrm"), ("", "")],
)
def test_own_method_of_a_suite(suite, own):
    assert own_method(suite) == own


@pytest.fixture
def manifest(tmp_path):
    """Ten images of 40 x 20 pixels with a box and a phrase each."""
    root = tmp_path / "data"
    root.mkdir()
    names = [f"i{number}" for number in range(10)]
    for number, name in enumerate(names):
        Image.fromarray(np.full((20, 40), 20 * number, np.uint8)).save(root / f"{name}.png")
    images = pd.DataFrame(
        {
            "image": names, "path": [f"{name}.png" for name in names], "patient": names,
            "study": names, "view": "frontal", "split": "test", "sex": "", "age": np.nan,
        }
    )  # fmt: skip
    boxes = pd.DataFrame(
        [(n, "Pneumonia", f"phrase of {n}", 1, 2, 8, 8, 40, 20, "test") for n in names],
        columns=list(BOX_COLUMNS),
    )
    labels = pd.DataFrame(index=images.index)
    return Manifest("ms_cxr", "1", root, images, labels, boxes)


def test_images_and_phrases_where_they_may_be_shown(shelf, tmp_path, manifest):
    shelf.grounded("maco", 3.0, data_id=data_id(manifest), phantom=False, redistributable=True)
    reader = Radiographs(lambda name: {"ms_cxr": manifest}[name])
    (made,) = _make(shelf, tmp_path / "out", only=["grounding"], images=reader)
    assert made.shows_images
    svg = made.svg.read_text(encoding="utf-8")
    assert "“phrase of i" in svg
    assert "radiograph" in svg
    (bare,) = _make(shelf, tmp_path / "bare", only=["grounding"])
    assert not bare.shows_images
    assert "phrase of" not in bare.svg.read_text(encoding="utf-8")
    (result,) = load_results(shelf.root, "demo")
    assert reader.original(result, "i3").tolist() == np.full((20, 40), 60).tolist()
    square = reader.square(result, "i3", 40, "pad_square")
    assert square.shape == (40, 40)
    assert square[0, 0] == 0
    assert square[20, 20] == 60
    assert reader.phrase(result, "i3#0", 40, "pad_square") == "phrase of i3"
    assert reader.phrase(result, "i3#Pneumonia", 40, "pad_square") == ""
    with pytest.raises(BadDataError, match="no image `i99`"):
        reader.original(result, "i99")


def test_images_of_a_set_that_forbids_it_are_refused(shelf, tmp_path, manifest):
    shelf.grounded("maco", 3.0, data_id=data_id(manifest), phantom=False)
    shelf.classified("maco", 1.0, phantom=False)

    def never(name):
        raise AssertionError(f"{name} was read")

    reader = Radiographs(never)
    with pytest.raises(UsageError, match="`ms_cxr`"):
        _make(shelf, tmp_path / "out", images=reader)
    assert not (tmp_path / "out").exists()
    (made,) = _make(shelf, tmp_path / "out", images=reader, only=["roc"])
    assert not made.shows_images
    made = _make(shelf, tmp_path / "out", images=reader, lenient=True, only=["grounding"])
    assert [figure.shows_images for figure in made] == [False]
    (result,) = [item for item in load_results(shelf.root) if item.cell["task"].startswith("ms")]
    with pytest.raises(UsageError, match="must not be shown"):
        reader.original(result, "i0")
    with pytest.raises(UsageError, match="must not be shown"):
        reader.phrase(result, "i0#0", 32, "pad_square")


def test_phantom_images_may_be_shown_and_must_be_the_records(shelf, tmp_path, manifest):
    shelf.grounded("maco", 3.0)
    with pytest.raises(MissingDataError, match="are not those of the record"):
        _make(
            shelf, tmp_path / "out", only=["grounding"], images=Radiographs(lambda name: manifest)
        )


def test_the_command(shelf, tmp_path, capsys):
    from benchmark.cli import main

    options = ["--results", str(shelf.root), "--profile", "demo", "--suite", "maco"]
    assert main(["figures", *options]) == 2
    assert "no record of profile `demo`" in capsys.readouterr().err
    _fill(shelf)
    shelf.segmented("maco", [3], variant="clean")
    out = str(tmp_path / "figures")
    assert main(["figures", *options, "--out", out, "--only", "roc,temperature,grounding"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        f"wrote {out}/{name}.{form}"
        for name in (
            "roc-nih_zero_shot@maco",
            "grounding-ms_cxr_grounding@maco",
            "temperature-ms_cxr_grounding@maco",
        )
        for form in ("svg", "png")
    ]
    assert main(["figures", *options, "--json", "--format", "pdf", "--only", "roc,detection"]) == 0
    content = json.loads(capsys.readouterr().out)
    (figure,) = content["figures"]
    assert sorted(figure["files"]) == ["pdf", "png", "svg"]
    told = {item["kind"]: item["why"] for item in content["skipped"]}
    assert told["detection"] == "no record of a detection task"
    assert "rsna_classification@maco (phantom): no record keeps scores" in told["roc"]
    assert (shelf.root / "figures" / "maco-demo" / "roc-nih_zero_shot@maco.pdf").is_file()
