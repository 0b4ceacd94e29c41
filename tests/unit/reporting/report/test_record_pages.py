import numpy as np
import pytest

from benchmark.errors import BadRecordError
from benchmark.interfaces import Metric
from benchmark.reporting.report.grids import Link
from benchmark.reporting.report.record_pages import Places, record_view
from tests.unit.reporting.report.handmade import PHANTOM_ID, Results


@pytest.fixture
def made(tmp_path):
    return Results(tmp_path / "results")


def view_of(result, **more):
    places = Places({result.cell["key"]: "cell-x"}, headlines={"rsna_zero_shot": "auc"}, **more)
    return record_view(result, places)


def test_the_page_names_what_was_done_and_shows_the_first_metric_first(made):
    view = view_of(made.classification("maco", 1.0))
    assert (view.task, view.variant, view.baseline) == ("rsna_zero_shot", "maco", "maco")
    assert view.setting == "seeds p0"
    overall, by_class = view.metrics
    assert [row.cells[0].text for row in overall.rows] == ["`auc`", "`average_precision`"]
    assert by_class.title == "`auc` by class" and not by_class.foldable
    assert [row.cells[0].text for row in by_class.rows] == ["Effusion", "Pneumonia"]


def test_an_undefined_metric_says_why(made):
    overall = view_of(made.classification("maco", 1.0)).metrics[0]
    cell = overall.rows[1].cells[1]
    assert (cell.text, cell.sort, cell.notes) == ("undefined", None, (1,))
    assert overall.footnotes == ("No positive case.",)


def test_an_undefined_class_has_its_reason_and_the_mean_points_to_it(made):
    score = Metric(
        0.7,
        per_class={"Effusion": 0.7, "Hernia": None},
        why_per_class={"Hernia": "no positive case"},
        n=1,
    )
    view = view_of(made.add("rsna_zero_shot", "maco", {"auc": score}))
    assert view.metrics[0].footnotes == ("Undefined for Hernia; see the classes below.",)
    by_class = view.metrics[1]
    assert by_class.footnotes == ("No positive case.",)
    assert [row.cells[1].text for row in by_class.rows] == ["0.7000", "undefined"]


def test_protocol_provenance_and_the_rest_are_sections(made):
    view = view_of(made.classification("maco", 1.0))
    sections = {section.title: section for section in view.sections}
    assert next(iter(sections)) == "Protocol"
    assert sections["Protocol"].remark == "Source: Paper."
    assert {"Selection", "Options of the method", "Weights", "Data", "Versions", "Provenance",
            "Timing", "Files"} <= set(sections)  # fmt: skip
    provenance = {fact.name: fact for fact in sections["Provenance"].facts}
    assert provenance["commit"].text == "0123456789abcdef"
    assert provenance["libraries"].children[0].text == "2.0"


def test_the_pretraining_behind_it_is_a_link(made):
    source = made.add("pretraining", "maco", {}, kind="pretrain")
    key = source.cell["key"]
    result = made.classification("maco", 1.0, depends_on=key)
    places = Places({result.cell["key"]: "cell-x", key: "cell-y"})
    fact = record_view(result, places).summary[-1]
    assert (fact.name, fact.link) == ("pre-trained by", Link(key[:8], "cell-y"))
    assert record_view(source, places).worst is None


def test_tables_and_figures_that_show_it_are_named(made):
    result = made.classification("maco", 1.0)
    key = result.cell["key"]
    table, figure = Link("Table 1", "table-small"), Link("ROC", "figure-roc")
    view = view_of(result, tables={key: (table,)}, figures={key: (figure,)})
    assert (view.tables, view.figures) == ((table,), (figure,))


def test_worst_cases_name_samples_with_their_class(made):
    worst = view_of(made.classification("maco", 0.5)).worst
    assert worst.grid is not None and len(worst.grid.rows) == 10
    assert all(sample.startswith("image-") for sample in worst.samples)
    assert {row.cells[1].text for row in worst.grid.rows} <= {"Effusion", "Pneumonia"}


def test_worst_cases_take_the_classes_of_an_older_record_from_its_predictions(made):
    result = made.classification("maco", 0.5, selection={"classes": 2})
    worst = view_of(result).worst
    assert {row.cells[1].text for row in worst.grid.rows} <= {"class 1", "class 2"}


def test_no_patient_is_named(made):
    view = view_of(made.classification("maco", 0.5))
    assert "0000000000000001" not in repr(view)


def test_a_copy_without_single_samples_says_so(made):
    worst = view_of(made.add("rsna_zero_shot", "maco", {"auc": Metric(0.7)})).worst
    assert worst.grid is None and "no per-sample values" in worst.why


def test_changed_arrays_are_an_error(made):
    result = made.classification("maco", 1.0)
    np.savez(result.folder / "samples.npz", ids=np.array(["x"]))
    with pytest.raises(BadRecordError, match="changed after its record"):
        view_of(result)


def test_a_leak_and_a_phantom_are_marked(made):
    leaks = {"train-test": {"images": 2, "patients": 1}}
    view = view_of(made.classification("maco", 1.0, data_id=PHANTOM_ID, leaks=leaks))
    assert view.phantom
    assert "2 images and 1 patients stand in both training and test" in view.leak
