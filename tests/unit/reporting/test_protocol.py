"""Records made with replaced fields of a recipe, and what they may be held against."""

from __future__ import annotations

import dataclasses
import json

import pytest

from benchmark.cells import PRETRAINING, recipe_content, resolve
from benchmark.interfaces import Metric
from benchmark.registry import load_baseline
from benchmark.reporting.beside import beside
from benchmark.reporting.cells import Measured, measured
from benchmark.reporting.comparison import Comparer
from benchmark.reporting.join import read_join
from benchmark.reporting.protocol import NO_PRETRAINING, off_protocol, why_not_averaged
from benchmark.reporting.published import PublishedNumber
from benchmark.reporting.reproduction import ONE_FILE, ONE_RUN
from benchmark.reporting.select import load_results
from benchmark.settings import Settings
from benchmark.specs import Seeds

AUC = {"auc": Metric(0.9, interval=(0.899, 0.901), best=1.0, chance=0.5)}
TASK = "rsna_classification"


def protocol(task=TASK, baseline="maco", profile="paper"):
    content = recipe_content(resolve(task, "maco", baseline, Settings(profile=profile)).recipe)
    return json.loads(json.dumps(content))


def one(records, recipe, **more):
    more = {"profile": "paper", "percent": 1.0, "data_id": "rsna_pneumonia-dddddddd", **more}
    records.add(TASK, "maco", AUC, recipe=recipe, **more)
    (found,) = load_results(records.root, "paper")
    return found


def test_the_protocol_as_it_stands(records):
    assert off_protocol(one(records, protocol()), "paper") == ""


def test_a_replaced_field_is_named_with_both_values(records):
    recipe = protocol()
    recipe["learning_rates"], wanted = [0.5], recipe["learning_rates"]
    assert off_protocol(one(records, recipe), "paper") == (
        f"`learning_rates` is `[0.5]`, the protocol's is `{wanted}`"
    )


def test_where_a_recipe_is_from_and_when_it_is_stored_are_free(records):
    recipe = {**protocol(), "source": "elsewhere"}
    assert off_protocol(one(records, recipe), "paper") == ""


def test_the_recipe_of_the_pretraining_counts(records):
    found = one(records, protocol(), pretraining_key="abc")
    assert off_protocol(found, "paper") == NO_PRETRAINING
    recipe = protocol(PRETRAINING, load_baseline("maco").trained_as)
    made = {"task": PRETRAINING, "variant": "maco", "recipe": recipe}
    assert off_protocol(dataclasses.replace(found, pretraining=made), "paper") == ""
    made["recipe"] = {**recipe, "epochs": 1}
    told = off_protocol(dataclasses.replace(found, pretraining=made), "paper")
    assert told == f"pre-training: `epochs` is `1`, the protocol's is `{recipe['epochs']}`"


def test_records_of_several_recipes_are_not_averaged(records):
    recipe = protocol()
    one(records, recipe, seeds=Seeds(pretrain=0))
    more = {"profile": "paper", "percent": 1.0, "data_id": "rsna_pneumonia-dddddddd"}
    records.add(TASK, "maco", AUC, recipe=recipe, seeds=Seeds(pretrain=1), **more)
    results = load_results(records.root, "paper")
    assert why_not_averaged(results) == ""
    assert measured(results, "auc").state == "value"
    other = {**recipe, "source": "elsewhere", "learning_rates": [0.5]}
    records.add(TASK, "maco", AUC, recipe=other, seeds=Seeds(pretrain=2), **more)
    results = load_results(records.root, "paper")
    told = "records of several recipes: `learning_rates` differs"
    assert why_not_averaged(results) == told
    cell = measured(results, "auc")
    assert (cell.state, cell.value) == ("ambiguous", None)
    # What no table averages nothing compares.
    assert Comparer(50).compare(results, results[:1], "auc").found.why == told


def test_repeats_have_other_seeds(records):
    one(records, protocol())
    records.add(
        TASK, "maco", AUC, recipe={**protocol(), "epochs": 7}, profile="paper", percent=1.0,
        data_id="rsna_pneumonia-dddddddd",
    )  # fmt: skip
    assert "same seeds" in why_not_averaged(load_results(records.root, "paper"))


class Source:
    """What `beside` reads of a table's source."""

    def __init__(self, path):
        path.write_text(
            '[method.paper]\nOURS = "maco"\n[metric.AUC]\nours = ["auc"]\n'
            'scale = { percent = 0.01 }\nmargin = 0.01\n[release]\nc0ffee = "the authors"\n',
            encoding="utf-8",
        )
        self.join = read_join(path)


PRINTED = PublishedNumber(
    "paper_table1", "Paper", "Table 1", "classification", "RSNA", "OURS", "1", "", "AUC", "90.0",
    "percent", "printed", "table",
)  # fmt: skip


@pytest.mark.parametrize(
    ("weights", "checksum", "seeds", "verdict", "why"),
    [
        ("trained", "", 3, "reproduced", ""),
        ("trained", "", 1, "unresolved", ONE_RUN),
        ("file:c0ffee", "c0ffee", 1, "reproduced", ""),
        ("file:decaf", "decaf", 1, "unresolved", ONE_FILE),
    ],
)
def test_one_run_counts_only_as_the_authors_own(
    records, tmp_path, weights, checksum, seeds, verdict, why
):
    result = one(records, protocol(), weights=weights)
    record = {**result.record, "weights": {"checksum": checksum}}
    found = [dataclasses.replace(result, record=record)]
    cell = Measured(
        "value", value=0.9, interval=(0.899, 0.901), seeds={"pretrain": tuple(range(seeds))}
    )
    told = beside(Source(tmp_path / "join.toml"), PRINTED, cell, found, "")
    assert (told.verdict, told.reason) == (verdict, why)
