"""Methods that are evaluated from released weights alone, as a plan shows them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmark import registry
from benchmark.plan import make_plan
from benchmark.settings import Settings


def settings_for(tmp_path, task, **others):
    return Settings(
        profile="toy",
        results=tmp_path / "results",
        data_roots={"nih_cxr14": tmp_path},
        tasks=(task,),
        baselines=("ark",),
        **others,
    )


def test_without_a_file_its_cells_are_blocked_and_say_where_to_get_one(tmp_path):
    plan = make_plan(settings_for(tmp_path, "nih_classification"))
    assert set(plan.counts()) == {"blocked"}
    cause = plan.cells[0].cause
    assert "`ark` is not pre-trained here" in cause
    assert "--weights" in cause and registry.load_baseline("ark").released in cause


def test_with_a_file_it_is_the_data_that_may_lack(tmp_path):
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"any")
    settings = settings_for(tmp_path, "nih_classification")
    plan = make_plan(replace(settings, weights=weights))
    assert all("--weights" not in item.cause for item in plan.cells)
    assert {item.cell.weights[:5] for item in plan.cells} == {"file:"}


def test_pretraining_does_not_apply_to_it(tmp_path):
    settings = replace(settings_for(tmp_path, "pretraining"), data_roots={"mimic_cxr": tmp_path})
    plan = make_plan(settings)
    assert [item.state for item in plan.cells] == ["not_applicable"]


@pytest.mark.parametrize("name", ["ark", "kad", "biovil_t"])
def test_it_is_no_method_of_all(name):
    assert registry.load_baseline(name).needs_weights
    assert name not in registry.method_names()
