"""The plan: which cells, in which state, and what moves their keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark import registry
from benchmark.commands.output import left_out_lines
from benchmark.errors import UsageError
from benchmark.plan import Plan, make_plan
from benchmark.settings import Settings
from benchmark.specs import BaselineSpec
from benchmark.workshop import Workshop

Maker = Callable[..., Settings]


def keys(plan: Plan) -> dict[str, str]:
    return {item.cell.name: item.cell.key for item in plan.cells}


def states(plan: Plan) -> dict[str, str]:
    return {item.cell.name: item.state for item in plan.cells}


def run_here(plan: Plan, only: str = "") -> None:
    """Run cells in this process."""
    from benchmark.runner import attempt_cell

    workshop = Workshop(plan.settings)
    for item in plan.cells:
        if item.cell.key and only in item.cell.name:
            attempt_cell(item, workshop, lambda *_: None)


def test_cells_of_a_suite(fake_settings: Maker) -> None:
    found = states(make_plan(fake_settings()))
    assert found == {
        "pretraining@maco/fake_method/all-p0": "to_run",
        "pretraining@maco/other_method/all-p0": "to_run",
        "fake_task@main/fake_method/10-p0s0h0": "waiting",
        "fake_task@main/fake_method/100-p0s0h0": "waiting",
        "fake_task@main/other_method/10-p0s0h0": "waiting",
        "fake_task@main/other_method/100-p0s0h0": "waiting",
        "fake_task@main/fake_sentinel/all-none": "to_run",
        "fake_text_task@main/fake_method/all-none": "not_applicable",
        "fake_text_task@main/other_method/all-none": "not_applicable",
        "fake_text_task@main/fake_sentinel/all-none": "to_run",
    }


def test_the_reason_of_not_applicable_comes_from_the_baseline(fake_settings: Maker) -> None:
    plan = make_plan(fake_settings(tasks=("fake_text_task",), baselines=("fake_method",)))
    assert plan.cells[0].cause == "zero_shot: it is a fake"


def test_seed_axes_multiply(fake_settings: Maker) -> None:
    plan = make_plan(
        fake_settings(
            baselines=("fake_method",),
            labels=(10.0,),
            tasks=("fake_task",),
            pretrain_seeds=(0, 1),
            subset_seeds=(0, 1),
            head_seeds=(0, 1, 2),
        )
    )
    assert len([item for item in plan.cells if item.cell.kind == "pretrain"]) == 2
    assert len([item for item in plan.cells if item.cell.kind == "evaluate"]) == 12
    assert len(set(keys(plan).values())) == 14


def test_only_takes_the_pretraining_along(fake_settings: Maker) -> None:
    plan = make_plan(fake_settings(only="fake_task@*/fake_method/10-*"))
    assert list(states(plan)) == [
        "pretraining@maco/fake_method/all-p0",
        "fake_task@main/fake_method/10-p0s0h0",
    ]
    alone = make_plan(fake_settings(only="pretraining@*/other*"))
    assert list(states(alone)) == ["pretraining@maco/other_method/all-p0"]


def test_a_selection_of_nothing_is_a_mistake(fake_settings: Maker) -> None:
    with pytest.raises(UsageError, match="no cell"):
        make_plan(fake_settings(only="nothing*"))
    with pytest.raises(UsageError, match="label percent"):
        make_plan(fake_settings(labels=(3.0,)))


def test_keys_do_not_depend_on_order_or_selection(fake_settings: Maker) -> None:
    whole = keys(make_plan(fake_settings()))
    part = keys(
        make_plan(fake_settings(baselines=("fake_sentinel", "fake_method"), tasks=("fake_task",)))
    )
    assert part.items() <= whole.items()


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({"options": {"fake_method": {"ratio": "0.25"}}}, ("fake_method/10", "pretraining")),
        ({"recipes": {"pretrain": {"epochs": 3}}}, ("fake_method/10", "pretraining")),
        ({"recipes": {"pretrain": {"checkpoint_every_seconds": 1.0}}}, ()),
        ({"recipes": {"fake_score": {"batch_size": 8}}}, ("fake_method/10", "sentinel")),
        ({"sources": {"fake_source": {"flavour": "b"}}}, ("method/10", "pretraining", "sentinel")),
        ({"jobs": 2}, ()),
    ],
)
def test_what_moves_keys(fake_settings: Maker, change: dict, moved: tuple[str, ...]) -> None:
    selection = {"baselines": ("fake_method", "fake_sentinel"), "tasks": ("fake_task",)}
    before = keys(make_plan(fake_settings(**selection, labels=(10.0,))))
    after = keys(make_plan(fake_settings(**selection, labels=(10.0,), **change)))
    assert before.keys() == after.keys()
    differing = {name for name in before if before[name] != after[name]}
    assert differing == {name for name in before if any(part in name for part in moved)}


def test_a_version_moves_the_key_and_makes_the_record_stale(
    fake_settings: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = fake_settings(baselines=("fake_method",), labels=(10.0,), tasks=("fake_task",))
    run_here(make_plan(settings))
    assert set(states(make_plan(settings)).values()) == {"done"}
    load = registry.load_baseline

    def raised(name: str) -> BaselineSpec:
        return replace(load(name), version=2)

    monkeypatch.setattr(registry, "load_baseline", raised)
    plan = make_plan(
        fake_settings(baselines=("fake_method",), labels=(10.0,), tasks=("fake_task",))
    )
    assert set(states(plan).values()) == {"stale"}
    assert "method version 1 -> 2" in plan.cells[0].cause


def test_prompts_move_the_keys_of_zero_shot_cells(
    fake_settings: Maker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = keys(make_plan(fake_settings(baselines=("fake_sentinel", "fake_method"))))
    edited = tmp_path / "prompts.toml"
    edited.write_text(registry.prompts_file("maco").read_text() + "\n# another wording\n")
    monkeypatch.setattr(registry, "prompts_file", lambda name: edited)
    after = keys(make_plan(fake_settings(baselines=("fake_sentinel", "fake_method"))))
    differing = {name for name in before if before[name] != after[name]}
    assert differing == {"fake_text_task@main/fake_sentinel/all-none"}


def test_other_options_are_another_result_and_not_stale(fake_settings: Maker) -> None:
    choice = {"baselines": ("fake_method",), "labels": (10.0,), "tasks": ("fake_task",)}
    run_here(make_plan(fake_settings(**choice)))
    plan = make_plan(fake_settings(**choice, options={"fake_method": {"mode": "official"}}))
    assert [item.state for item in plan.cells] == ["to_run", "waiting"]
    assert plan.cells[0].cell.options == {"mode": "official"}


def test_a_default_given_by_hand_is_the_default(fake_settings: Maker) -> None:
    plain = keys(make_plan(fake_settings()))
    said = keys(make_plan(fake_settings(options={"fake_method": {"ratio": "0.5"}})))
    assert plain == said


def test_missing_data_block_and_say_how_to_get_them(fake_settings: Maker, tmp_path: Path) -> None:
    plan = make_plan(fake_settings(data_root=tmp_path / "nowhere"))
    blocked = plan.in_state("blocked")
    assert {item.cell.kind for item in blocked} == {"pretrain", "evaluate"}
    assert "Make it with" in blocked[0].cause and "nowhere" in blocked[0].cause
    assert not plan.in_state("to_run", "waiting")


@pytest.mark.parametrize(
    ("baseline", "corpus"), [("fake_method", "fake_source"), ("fake_sentinel", "")]
)
def test_a_failure_names_the_corpus_of_trained_weights(
    fake_settings: Maker, tmp_path: Path, baseline: str, corpus: str
) -> None:
    settings = fake_settings(baselines=(baseline,), tasks=("fake_task",), labels=(10.0,))
    (tmp_path / "data" / "flags" / "raise").write_text("fake_task")
    run_here(make_plan(settings), "pretraining")
    run_here(make_plan(settings), "fake_task")
    (note,) = settings.results.rglob("failed.json")
    assert json.loads(note.read_text())["corpus"] == corpus


def test_a_failure_is_shown_and_runs_again(fake_settings: Maker, tmp_path: Path) -> None:
    settings = fake_settings(baselines=("fake_sentinel",), tasks=("fake_task",))
    (tmp_path / "data" / "flags" / "raise").write_text("fake_task")
    run_here(make_plan(settings))
    failed = make_plan(settings).cells[0]
    assert (failed.state, failed.cause) == ("failed", "ValueError: the fake fails")
    folder = settings.results / failed.cell.folder
    assert "Traceback" in json.loads((folder / "failed.json").read_text())["trace"]
    (tmp_path / "data" / "flags" / "raise").unlink()
    run_here(make_plan(settings))
    assert make_plan(settings).cells[0].state == "done"


def test_tested_patients_leave_the_corpus(fake_settings: Maker) -> None:
    from benchmark.records import read_record

    settings = fake_settings(baselines=("fake_method",), labels=(10.0,))
    plan = make_plan(settings)
    run_here(plan, "pretraining")
    record = read_record(settings.results / plan.cells[0].cell.folder)
    # The clean split tests on 20 % and tunes on 10 % of 20 patients.
    assert record.leaks["dropped_patients"] == 6
    assert record.facts["pairs"] == 14
    included = make_plan(
        fake_settings(
            baselines=("fake_method",), recipes={"pretrain": {"ms_cxr_in_pretraining": "include"}}
        )
    )
    assert included.cells[0].cell.key != plan.cells[0].cell.key


def test_a_weights_file_needs_no_pretraining(fake_settings: Maker, tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(b"weights")
    plan = make_plan(fake_settings(baselines=("fake_method",), tasks=("fake_task",), weights=file))
    assert {item.state for item in plan.cells} == {"to_run"}
    assert plan.cells[0].cell.weights.startswith("file:")
    assert plan.cells[0].cell.seeds.pretrain is None
    with pytest.raises(UsageError, match="does not exist"):
        make_plan(fake_settings(baselines=("fake_method",), weights=tmp_path / "none"))


def test_a_weights_file_is_for_one_method(fake_settings: Maker, tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(b"weights")
    both = {"tasks": ("fake_task",), "weights": file}
    beside = make_plan(fake_settings(baselines=("fake_method", "fake_sentinel"), **both))
    assert {item.cell.baseline for item in beside.cells} == {"fake_method", "fake_sentinel"}
    with pytest.raises(UsageError, match="2 methods would read it: fake_method, other_method"):
        make_plan(fake_settings(baselines=("fake_method", "other_method"), **both))


def test_a_recipes_words_are_those_it_knows(fake_settings: Maker) -> None:
    settings = {"baselines": ("fake_method",), "tasks": ("fake_task",)}
    field = {"ms_cxr_in_pretraining": "inclued"}
    with pytest.raises(UsageError, match="Did you mean `include`"):
        make_plan(fake_settings(recipes={"pretrain": field}, **settings))


def test_a_malformed_record_runs_again(fake_settings: Maker) -> None:
    settings = fake_settings(baselines=("fake_sentinel",), tasks=("fake_task",))
    plan = make_plan(settings)
    run_here(plan)
    path = settings.results / plan.cells[0].cell.folder / "record.json"
    path.write_text(path.read_text()[:100])
    assert make_plan(settings).cells[0].state == "to_run"
    assert path.with_name("record.json.bad").exists()


def test_sentinels_that_cannot_predict_are_left_out(
    fake_settings: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = registry.load_baseline

    def mute(name: str) -> BaselineSpec:
        spec = load(name)
        return replace(spec, protocols=()) if spec.kind == "sentinel" else spec

    monkeypatch.setattr(registry, "load_baseline", mute)
    plan = make_plan(fake_settings(tasks=("fake_task",)))
    assert not any("sentinel" in name for name in states(plan))
    alone = make_plan(fake_settings(tasks=("fake_task",), baselines=("fake_sentinel",)))
    assert alone.cells[0].state == "not_applicable"


@pytest.mark.parametrize(
    "wish",
    [
        {"tasks": ("rsna_zero_shoot",)},
        {"baselines": ("macoo",)},
        {"weights": Path("absent.pth")},
        {"suite": "macko"},
    ],
)
def test_a_mistake_is_told_before_a_phantom_is_drawn(
    wish: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("the phantom was to stay undrawn")

    monkeypatch.setattr("benchmark.plan.with_phantom", refuse)
    with pytest.raises(UsageError):
        make_plan(Settings(results=tmp_path, cache_dir=tmp_path, **wish))


def with_start(fake_settings: Maker, **more: object) -> Settings:
    return fake_settings(recipes={"pretrain": {"start_from": "other_method"}}, **more)


def test_a_method_waits_for_its_start(fake_settings: Maker) -> None:
    settings = with_start(fake_settings, baselines=("fake_method",), only="fake_task*/10-*")
    plan = make_plan(settings)
    assert states(plan) == {
        "pretraining@maco/other_method/all-p0": "to_run",
        "pretraining@maco/fake_method/all-p0": "waiting",
        "fake_task@main/fake_method/10-p0s0h0": "waiting",
    }
    start, method, scored = (item.cell for item in plan.cells)
    assert (start.depends_on, method.depends_on, scored.depends_on) == ("", start.key, method.key)


def test_the_start_is_part_of_the_key(fake_settings: Maker) -> None:
    plain = keys(make_plan(fake_settings()))
    started = keys(make_plan(with_start(fake_settings)))
    name = "pretraining@maco/fake_method/all-p0"
    assert plain[name] != started[name]


def test_a_misspelt_start_is_refused_with_near_names(fake_settings: Maker) -> None:
    with pytest.raises(UsageError, match="other_method"):
        make_plan(fake_settings(recipes={"pretrain": {"start_from": "other_metod"}}))


def test_a_recipe_may_be_replaced_for_one_baseline(fake_settings: Maker) -> None:
    plain = keys(make_plan(fake_settings()))
    recipes = {"pretrain@other_method": {"epochs": 7}}
    changed = keys(make_plan(fake_settings(recipes=recipes)))
    moved = {name for name in plain if plain[name] != changed[name]}
    assert moved
    assert all("/other_method/" in name for name in moved)
    with pytest.raises(UsageError, match="other_method"):
        make_plan(fake_settings(recipes={"pretrain@other_metod": {"epochs": 7}}))


def test_the_house_start_is_the_one_that_each_method_names(
    fake_settings: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = registry.load_baseline
    house = {"fake_method": "other_method"}
    monkeypatch.setattr(
        registry, "load_baseline", lambda name: replace(load(name), house=house.get(name, ""))
    )
    settings = fake_settings(recipes={"pretrain": {"start_from": "house"}}, only="fake_task*/10-*")
    found = {item.cell.name: item.cell for item in make_plan(settings).cells}
    start = found["pretraining@maco/other_method/all-p0"]
    assert start.depends_on == ""
    assert found["pretraining@maco/fake_method/all-p0"].depends_on == start.key


def test_rows_of_an_ablation_are_baselines_with_options(fake_settings: Maker) -> None:
    names = ("other_method", "other_method+ratio=0.25", "other_method+ratio=0.25+mode=code")
    plan = make_plan(fake_settings(baselines=names, tasks=("fake_task",), labels=(10.0,)))
    found = keys(plan)
    assert len(set(found.values())) == len(found) == 6
    scored = "fake_task@main/other_method+ratio=0.25/10-p0s0h0"
    cell = next(item.cell for item in plan.cells if item.cell.name == scored)
    assert cell.depends_on == found["pretraining@maco/other_method+ratio=0.25/all-p0"]
    with pytest.raises(UsageError, match="ratio"):
        make_plan(fake_settings(baselines=("other_method+ration=0.25",)))


def test_scores_on_the_way_come_from_one_pretraining(fake_settings: Maker) -> None:
    names = ("other_method+at=25", "other_method")
    kept = {"pretrain": {"snapshots": [25, 50]}}
    wanted = {"baselines": names, "tasks": ("fake_task",), "labels": (10.0,)}
    plan = make_plan(fake_settings(recipes=kept, **wanted))
    first, *scored = (item.cell for item in plan.cells)
    assert first.name == "pretraining@maco/other_method/all-p0"
    assert [cell.depends_on for cell in scored] == [first.key, first.key]
    assert scored[0].key != scored[1].key
    with pytest.raises(UsageError, match=r"25 % of the budget \(kept: none\)"):
        make_plan(fake_settings(**wanted))
    with pytest.raises(UsageError, match="whole percent"):
        make_plan(fake_settings(baselines=("other_method+at=2.5",)))


def test_all_baselines_are_those_of_the_suite_and_every_method(
    fake_settings: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "method_names", lambda: ["other_method"])
    suite = replace(registry.load_suite("fake"), baselines=("fake_sentinel",))
    monkeypatch.setattr(registry, "load_suite", lambda name: suite)
    plan = make_plan(fake_settings(baselines=("all",)))
    assert {item.cell.baseline for item in plan.cells} == {"fake_sentinel", "other_method"}
    assert left_out_lines(plan) == []


def test_a_profile_without_time_for_every_method_says_which_it_leaves_out(
    fake_settings: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "method_names", lambda: ["fake_method", "other_method"])
    settings = fake_settings(baselines=("all",))
    methods = {settings.profile: ("other_method",)}
    suite = replace(registry.load_suite("fake"), baselines=(), profile_methods=methods)
    monkeypatch.setattr(registry, "load_suite", lambda name: suite)
    plan = make_plan(settings)
    assert {item.cell.baseline for item in plan.cells} == {"other_method"}
    (line,) = left_out_lines(plan)
    assert line.endswith("1 more methods run where they are named: fake_method")
    named = make_plan(replace(settings, baselines=("all", "fake_method")))
    assert left_out_lines(named) == []


def test_from_scratch_beside_the_house_start(
    fake_settings: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = registry.load_baseline
    house = {"fake_method": "other_method"}

    def with_house(name: str) -> BaselineSpec:
        spec = load(name)
        return replace(spec, house=house.get(spec.base, ""))

    monkeypatch.setattr(registry, "load_baseline", with_house)
    monkeypatch.setattr(registry, "method_names", lambda: ["fake_method"])
    recipes = {"pretrain": {"start_from": "house"}}
    both = ("all", "all+from_scratch")
    plan = make_plan(
        fake_settings(recipes=recipes, baselines=both, tasks=("fake_task",), labels=(10.0,))
    )
    found = {item.cell.name: item.cell for item in plan.cells}
    start = found["pretraining@maco/other_method/all-p0"]
    assert found["pretraining@maco/fake_method/all-p0"].depends_on == start.key
    scratch = found["pretraining@maco/fake_method+from_scratch/all-p0"]
    assert scratch.depends_on == ""
    scored = found["fake_task@main/fake_method+from_scratch/10-p0s0h0"]
    assert scored.depends_on == scratch.key
    assert not any("other_method+from_scratch" in name for name in found)
