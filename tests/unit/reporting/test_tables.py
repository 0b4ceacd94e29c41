"""Tables made from hand-made records, compared as text."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from benchmark import registry
from benchmark.errors import UsageError
from benchmark.interfaces import Metric
from benchmark.plan import PlannedCell
from benchmark.registry import CHECKOUT
from benchmark.reporting.layout import read_layouts, suite_tables
from benchmark.reporting.tables import write_tables
from benchmark.specs import Cell, Seeds

AUC = {"auc": Metric(0.713, interval=(0.689, 0.736), best=1.0, chance=0.5, n=1)}
GOLDEN = """\
# Table 1 of Paper: two tasks (phantom)

<!-- Generated from records. Do not edit: changes are lost at the next run. Command: \
maco-bench tables --suite small --profile demo -->

| Method                |   Seeds |                 RSNA |   RSNA, published |         CNR |
|:----------------------|--------:|---------------------:|------------------:|------------:|
| Ours                  |      p0 |    71.3 [68.9, 73.6] |   90.5 (text) [1] |     not run |
| Other                 |       – |          not run [2] |    80.4 (printed) | not run [2] |
| *random_init* (floor) |       – |              not run |                   |     not run |
| *chance* (sentinel)   |       – |    50.1 [49.9, 50.3] |                   |     not run |
| *oracle* (sentinel)   |       – |                100.0 |                   |       – [3] |

- [1] Not comparable: phantom data.
- [2] this version has no baseline of that name
- [3] oracle makes no predictions for ground

## Remarks

- A note.
- Brackets hold the 95 % interval over the test patients: percentiles of a bootstrap by patient, \
or DeLong's for an AUC of fewer than 30 patients on a side.
- A value with one pre-training seed (`p`) speaks of that checkpoint, not of the method: its \
interval holds no spread between pre-training runs.
- Seeds: `p` pre-training, `s` label subset, `h` head.
- Phantom data are synthetic: no difference to a published number is shown, no value is marked as \
best, and no verdict on a method follows from this table.
- Status of a published number: `printed` in the named table; `text`, stated in the paper's text, \
the table's cell not seen; `copied`, taken from another paper that prints the same row.

## Origin

- Profile: `demo`
- Data of `rsna_zero_shot@maco`: `rsna_pneumonia-phantom-v1-aaaaaaaa` (phantom: synthetic \
radiographs)
- Data of `ms_cxr_grounding`: no record
- Commit: `0123456789ab`
- Records: 3
- Command: `maco-bench tables --suite small --profile demo`
"""


@pytest.fixture
def specs(monkeypatch):
    """What the specs say of an absent record, without the project's own tasks and baselines."""
    from benchmark.reporting import states
    from benchmark.reporting.cells import Measured

    def why_absent(task, baseline):
        if (task, baseline) == ("ms_cxr_grounding", "oracle"):
            return Measured("not_applicable", reason="oracle makes no predictions for ground")
        return None

    monkeypatch.setattr(states, "why_absent", why_absent)


def page(records, leaderboards, tmp_path, profile="demo", **more):
    out = tmp_path / "out"
    write_tables("small", records.root, out, profile, leaderboards=leaderboards, **more)
    return (out / "small.md").read_text(encoding="utf-8")


def line(text, start):
    return next(item for item in text.splitlines() if item.startswith(f"| {start}"))


def cells(text, start):
    return [item.strip() for item in line(text, start).strip("|").split(" | ")]


def unpadded(text):
    """Table padding is tabulate's matter, not ours."""
    return [
        " ".join(item.replace("-", " - ").split())
        if item.startswith("|:")
        else " ".join(item.split())
        for item in text.splitlines()
        if not item.startswith("|:")
    ]


def test_golden_page(records, leaderboards, tmp_path, specs):
    records.add("rsna_zero_shot", "maco", AUC)
    records.sentinels()
    assert unpadded(page(records, leaderboards, tmp_path)) == unpadded(GOLDEN)


def test_same_records_same_bytes(records, leaderboards, tmp_path, specs):
    records.add("rsna_zero_shot", "maco", AUC)
    records.sentinels()
    first = page(records, leaderboards, tmp_path)
    assert page(records, leaderboards, tmp_path) == first


def test_undefined_failed_and_not_applicable(records, leaderboards, tmp_path):
    undefined = {"auc": Metric(None, why="no positive case", best=1.0)}
    records.add("rsna_zero_shot", "maco", undefined)
    planned = [
        PlannedCell(_cell("ms_cxr_grounding", "maco"), "not_applicable", "no text tower"),
        PlannedCell(_cell("ms_cxr_grounding", "random_init"), "failed", "out of memory\ntrace"),
    ]
    text = page(records, leaderboards, tmp_path, planned=planned)
    assert cells(text, "Ours")[2].startswith("undefined [")
    assert cells(text, "Ours")[4].startswith("– [")
    assert cells(text, "*random_init*")[4].startswith("failed [")
    for reason in ("no positive case", "no text tower", "out of memory"):
        assert f"] {reason}\n" in text


def test_a_score_that_the_predictions_lack_does_not_apply(records, leaderboards, tmp_path, specs):
    """`not run` is for what has no record."""
    records.add("rsna_zero_shot", "chance", {"f1": Metric(0.5)})
    text = page(records, leaderboards, tmp_path)
    assert cells(text, "*random_init*")[2] == "not run"
    (footnote,) = [
        item for item in text.splitlines() if "its predictions have no such score" in item
    ]
    assert cells(text, "*chance*")[2] == f"– {footnote.split()[1]}"


def _cell(task, baseline):
    return Cell("evaluate", task, "maco", baseline, "demo", "", "trained", Seeds(pretrain=0))


def test_failure_note_beside_no_record(records, leaderboards, tmp_path, specs):
    records.sentinels()
    folder = records.root / "demo/rsna_pneumonia-phantom-v1-aaaaaaaa/rsna_zero_shot@maco/maco"
    folder = folder / "all-p0-12345678"
    folder.mkdir(parents=True)
    (folder / "failed.json").write_text(json.dumps({"cause": "killed by signal 9"}))
    text = page(records, leaderboards, tmp_path)
    assert cells(text, "Ours")[2].startswith("failed [")
    assert "killed by signal 9" in text


@pytest.mark.parametrize(("corpus", "shown"), [("openi", False), ("mimic_cxr", True), ("", True)])
def test_a_failure_with_weights_of_another_corpus_says_nothing(
    records, leaderboards, tmp_path, specs, corpus, shown
):
    records.sentinels()
    folder = records.root / "demo/rsna_pneumonia-phantom-v1-aaaaaaaa/rsna_zero_shot@maco/maco"
    folder = folder / "all-p0-12345678"
    folder.mkdir(parents=True)
    note = {"cause": "killed by signal 9", "corpus": corpus}
    (folder / "failed.json").write_text(json.dumps(note))
    write_tables(
        "small", records.root, tmp_path / "o", "demo", leaderboards=leaderboards, corpus="mimic_cxr"
    )
    assert ("killed" in (tmp_path / "o" / "small.md").read_text()) == shown


def test_two_seeds_join_patients_and_runs(records, leaderboards, tmp_path, specs):
    for seed, value in ((0, 0.70), (1, 0.72)):
        metric = {"auc": Metric(value, interval=(value - 0.02, value + 0.02), best=1.0)}
        records.add("rsna_zero_shot", "maco", metric, seeds=Seeds(pretrain=seed))
    text = page(records, leaderboards, tmp_path)
    # t(0.975, 1) = 12.706, standard error of two values 0.02 apart = 0.01.
    half = 100 * np.hypot(0.02, 12.7062 * 0.01)
    assert cells(text, "Ours")[1] == "p0,1"
    # Two values 0.02 apart have a standard deviation of 0.014.
    assert cells(text, "Ours")[2] == f"71.0 [{71 - half:.1f}, {71 + half:.1f}], sd p 1.4"
    assert "joins the patients' error" in text
    assert "speaks of that checkpoint" not in text


def test_two_data_ids_never_share_a_table(records, leaderboards, tmp_path, specs):
    records.add("rsna_zero_shot", "maco", AUC)
    records.sentinels()
    other = {"auc": Metric(0.9, interval=(0.88, 0.92), best=1.0)}
    records.add("rsna_zero_shot", "maco", other, data_id="rsna_pneumonia-bbbbbbbb")
    text = page(records, leaderboards, tmp_path)
    first, second = text.split("## Other data or variant")
    assert "71.3" in first and "90.0" not in first
    assert "90.0" in second and "71.3" not in second
    assert "rsna_pneumonia-bbbbbbbb" in second


def test_planned_data_stand_first(records, leaderboards, tmp_path, specs):
    records.add("rsna_zero_shot", "maco", AUC)
    records.sentinels()
    new = "rsna_pneumonia-phantom-v2-cccccccc"
    records.add("rsna_zero_shot", "maco", {"auc": Metric(0.6)}, data_id=new)
    cell = Cell("evaluate", "rsna_zero_shot", "maco", "maco", "demo", new, "trained", Seeds(0))
    text = page(records, leaderboards, tmp_path, planned=[PlannedCell(cell, "done")])
    assert "60.0" in text.split("## Other data")[0]


def test_variants_never_share_a_table(records, leaderboards, tmp_path, specs):
    records.add("rsna_zero_shot", "maco", AUC)
    records.sentinels()
    records.add("rsna_zero_shot", "maco", {"auc": Metric(0.6)}, variant="clean")
    assert "60.0" in page(records, leaderboards, tmp_path).split("## Other data or variant")[1]


@pytest.mark.parametrize(
    ("baseline", "metric", "words"),
    [
        ("oracle", Metric(0.99, best=1.0), "0.99, not 1"),
        ("chance", Metric(0.51, chance=0.5), "standard errors"),
    ],
)
def test_broken_sentinel_marks_the_title(
    records, leaderboards, tmp_path, specs, baseline, metric, words
):
    stored = {"standard_error": {"auc": 0.001}, "draws": {"auc": 200}}
    records.add("rsna_zero_shot", baseline, {"auc": metric}, selection=stored)
    text = page(records, leaderboards, tmp_path)
    assert text.splitlines()[0].endswith("(phantom, BROKEN)")
    assert words in text


def test_difference_only_where_comparable(records, leaderboards, tmp_path, specs):
    real = {"data_id": "rsna_pneumonia-dddddddd", "profile": "paper"}
    records.add("rsna_zero_shot", "maco", {"auc": Metric(0.902)}, **real)
    text = page(records, leaderboards, tmp_path, "paper")
    assert cells(text, "Ours")[3].startswith("90.5 (text), −0.3, unresolved [")
    assert "phantom" not in text.lower()


@pytest.mark.parametrize(
    ("change", "profile", "reason"),
    [
        ({"recipe": {"split": "clean"}}, "paper", "`split` is `clean`"),
        ({}, "demo", "profile `demo` is smaller"),
    ],
)
def test_reason_where_not_comparable(
    records, leaderboards, tmp_path, specs, change, profile, reason
):
    where = {"data_id": "rsna_pneumonia-dddddddd", "profile": profile}
    records.add("rsna_zero_shot", "maco", {"auc": Metric(0.902)}, **where, **change)
    text = page(records, leaderboards, tmp_path, profile)
    assert cells(text, "Ours")[3] == "90.5 (text) [1]"
    assert reason in text


def test_a_count_is_compared_whatever_the_data(records, leaderboards, tmp_path, specs):
    records.add("rsna_zero_shot", "maco", {"auc": Metric(0.902)})
    path = leaderboards / "tables" / "small.toml"
    text = path.read_text(encoding="utf-8")
    assert cells(page(records, leaderboards, tmp_path), "Ours")[3] == "90.5 (text) [1]"
    changed = text.replace('title = "RSNA"\n', 'title = "RSNA"\ndata_free = true\n')
    assert changed != text
    path.write_text(changed, encoding="utf-8")
    join = leaderboards / "published" / "join.toml"
    join.write_text(join.read_text() + "margin = 0.01\n", encoding="utf-8")
    found = page(records, leaderboards, tmp_path)
    assert cells(found, "Ours")[3] == "90.5 (text), −0.3, reproduced"
    assert "but of what no data enter, no value" in found


def test_a_new_baseline_gets_its_row(records, leaderboards, tmp_path, specs):
    records.add("rsna_zero_shot", "my_model", AUC, weights="file:0123456789abcdef")
    text = page(records, leaderboards, tmp_path)
    names = [row.split(" | ")[0] for row in text.splitlines() if row.startswith("| ")]
    assert "| `my_model` (file:01234567)" in " ".join(names)
    assert names.index(next(n for n in names if "my_model" in n)) < names.index(
        next(n for n in names if "random_init" in n)
    )


def test_methods_without_start_weights_stand_in_a_block_of_their_own(
    records, leaderboards, tmp_path, specs
):
    records.add("rsna_zero_shot", "maco", AUC)
    records.add("rsna_zero_shot", "maco+from_scratch", {"auc": Metric(0.6)})
    records.add("rsna_zero_shot", "mine+from_scratch", {"auc": Metric(0.5)})
    records.add("rsna_zero_shot", "my_model", AUC)
    text = page(records, leaderboards, tmp_path)
    rows = [[part.strip() for part in row.strip("|").split(" | ")] for row in text.splitlines()
            if row.startswith("| ")][1:]  # fmt: skip
    names = [row[0] for row in rows]
    heading = names.index("**Without start weights**")
    assert set(rows[heading][1:]) <= {"", "|"}
    assert names[heading + 1 : heading + 3] == ["Ours", "`mine+from_scratch`"]
    assert names.index("Ours") < names.index("`my_model`") < heading
    assert heading + 3 == names.index("*random_init* (floor)")
    assert rows[names.index("Ours")][2].startswith("71.3")
    assert rows[heading + 1][2] == "60.0"
    assert rows[heading + 1][3] == ""
    assert names.count("**Without start weights**") == 1


def test_options_make_rows_and_keep_no_published_number(records, leaderboards, tmp_path, specs):
    records.add("rsna_zero_shot", "maco", AUC)
    records.add("rsna_zero_shot", "maco", {"auc": Metric(0.6)}, options={"weighting": "v1"})
    text = page(records, leaderboards, tmp_path)
    assert cells(text, "Ours")[2].startswith("71.3")
    changed = cells(text, "Ours (weighting=v1)")
    assert changed[2] == "60.0" and changed[3] == ""


def test_changed_options_alone_leave_the_published_row(records, leaderboards, tmp_path, specs):
    records.add("rsna_zero_shot", "maco", AUC, options={"weighting": "v1"})
    text = page(records, leaderboards, tmp_path)
    assert cells(text, "Ours ")[2:4] == ["not run", "90.5 (text)"]
    assert cells(text, "Ours (weighting=v1)")[2].startswith("71.3")


def test_a_stale_record_is_shown_and_said_to_be(records, leaderboards, tmp_path, specs):
    records.add("rsna_zero_shot", "maco", AUC)
    records.sentinels()
    cell = Cell(
        "evaluate", "rsna_zero_shot", "maco", "maco", "demo",
        "rsna_pneumonia-phantom-v1-aaaaaaaa", "trained", Seeds(pretrain=0), key="another",
    )  # fmt: skip
    text = page(records, leaderboards, tmp_path, planned=[PlannedCell(cell, "stale")])
    assert cells(text, "Ours")[2].startswith("71.3 [68.9, 73.6] [")
    assert "stale: made with other settings" in text
    fresh = page(records, leaderboards, tmp_path, planned=[PlannedCell(cell, "done")])
    assert "stale" not in fresh


def test_older_versions_are_named(records, leaderboards, tmp_path, specs):
    now = registry.module_version("benchmark/metrics", "classification")
    records.add("rsna_zero_shot", "maco", AUC, versions={"task": 1, "metrics": now - 1})
    text = page(records, leaderboards, tmp_path)
    told = f"Made with older versions (CHANGELOG.md): metrics classification {now - 1} (now {now})"
    assert told in text
    records.add("rsna_zero_shot", "maco", AUC, versions={"task": 1, "metrics": now})
    assert "older versions" not in page(records, leaderboards, tmp_path)


def test_a_row_of_two_pretrainings_is_said_to_be_one(records, leaderboards, tmp_path, specs):
    records.add("rsna_zero_shot", "maco", AUC, pretraining_key="aaaaaaaa11")
    other = {"data_id": "ms_cxr-phantom-v1-bbbbbbbb", "pretraining_key": "bbbbbbbb22"}
    records.add("ms_cxr_grounding", "maco", {"cnr": Metric(0.5)}, **other)
    text = page(records, leaderboards, tmp_path)
    assert "**Ours, pre-training seed 0: columns of this row rest on different" in text
    assert "(aaaaaaaa, bbbbbbbb)" in text
    (folder,) = records.root.rglob("ms_cxr_grounding@maco")
    shutil.rmtree(folder)
    assert "different pre-trainings" not in page(records, leaderboards, tmp_path)


def test_records_with_equal_seeds_are_not_averaged(records, leaderboards, tmp_path, specs):
    records.add("rsna_zero_shot", "maco", AUC)
    records.add("rsna_zero_shot", "maco", AUC, recipe={"split": "other"})
    assert cells(page(records, leaderboards, tmp_path), "Ours")[2].startswith("ambiguous [")


def test_newest_version_wins(records, leaderboards, tmp_path, specs):
    records.add("rsna_zero_shot", "maco", AUC)
    records.add("rsna_zero_shot", "maco", {"auc": Metric(0.6)}, versions={"task": 2})
    assert cells(page(records, leaderboards, tmp_path), "Ours")[2] == "60.0"


def test_chance_stands_for_every_label_fraction(records, leaderboards, tmp_path, specs):
    path = leaderboards / "tables" / "small.toml"
    text = path.read_text().replace('metric = "auc"\n', 'metric = "auc"\nlabels = "10"\n', 1)
    path.write_text(text)
    records.sentinels()
    records.add("rsna_zero_shot", "maco", AUC, percent=10.0, seeds=Seeds(0, 0, 0))
    made = page(records, leaderboards, tmp_path)
    assert cells(made, "*chance*")[2].startswith("50.1")
    assert cells(made, "Ours")[1:3] == ["p0 s0 h0", "71.3 [68.9, 73.6]"]


def test_details_by_class(records, leaderboards, tmp_path, specs):
    metric = Metric(
        0.7,
        per_class={"Mass": 0.7, "Hernia": None},
        why_per_class={"Hernia": "no positive case"},
        interval_per_class={"Mass": (0.6, 0.8)},
    )
    records.add("rsna_zero_shot", "maco", {"auc": metric})
    page(records, leaderboards, tmp_path)
    text = (tmp_path / "out" / "small_details.md").read_text(encoding="utf-8")
    assert cells(text, "Mass")[1] == "70.0 [60.0, 80.0]"
    assert cells(text, "Hernia")[1] == "undefined [1]"
    assert "- [1] no positive case" in text


def test_unknown_table_gets_near_names(records, leaderboards, tmp_path):
    with pytest.raises(UsageError, match="small"):
        page(records, leaderboards, tmp_path, tables=["smal"])


def test_unknown_suite_gets_near_names(records, leaderboards, tmp_path):
    with pytest.raises(UsageError, match="small"):
        write_tables("smal", records.root, tmp_path, "demo", leaderboards=leaderboards)


def test_every_suite_lists_tables_that_exist():
    boards = CHECKOUT / "leaderboards"
    for path in sorted((boards / "suites").glob("*.toml")):
        assert read_layouts(boards, suite_tables(boards, path.stem)), path.stem
