"""Every task runs on the toy phantom, with an untrained encoder and with the sentinels."""

from __future__ import annotations

import pytest

from benchmark import registry
from benchmark.cells import PRETRAINING, why_not_applicable
from benchmark.records import Record, all_records
from tests.end_to_end.runs import run_all

pytestmark = pytest.mark.full

TASKS = [name for name in registry.task_names() if name != PRETRAINING]
CLASSIFICATION = [name for name in TASKS if registry.load_task(name).metrics == "classification"]
SENTINELS = ("oracle", "chance", "class_frequency", "metadata_only")
Records = dict[tuple[str, str], list[Record]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """Records by task and baseline of one run over all tasks and label fractions.

    A task that a suite runs in two variants has both.
    """
    results = tmp_path_factory.mktemp("results")
    done = run_all(
        "--profile", "toy",
        "--tasks", ",".join(TASKS),
        "--baselines", ",".join(("random_init", *SENTINELS)),
        "--labels", "1,10,100",
        "--results", str(results),
        "--cache-dir", str(tmp_path_factory.mktemp("cache")),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    records: Records = {}
    for _, record in all_records(results):
        records.setdefault((record.cell.task, record.cell.baseline), []).append(record)
    return records


@pytest.mark.parametrize("task", TASKS)
def test_an_untrained_encoder_is_scored_at_every_fraction(found: Records, task: str) -> None:
    spec = registry.load_task(task)
    records = found[task, "random_init"]
    wanted = {f"{percent:g}" for percent in spec.label_percents} or {"all"}
    assert {record.cell.labels for record in records} == wanted
    for record in records:
        assert record.data["phantom"]
        headline = record.metrics[spec.headline]
        assert headline.value is not None or headline.why


@pytest.mark.parametrize("task", TASKS)
def test_every_sentinel_that_fits_has_its_record(found: Records, task: str) -> None:
    for name in SENTINELS:
        reason = why_not_applicable(registry.load_task(task), registry.load_baseline(name))
        assert bool(reason) == ((task, name) not in found), f"{name}: {reason}"


@pytest.mark.parametrize("task", CLASSIFICATION)
def test_the_truth_is_perfect_and_a_constant_is_chance(found: Records, task: str) -> None:
    for truth in found[task, "oracle"]:
        assert truth.metrics["auc"].value == 1.0
        headline = truth.metrics[registry.load_task(task).headline]
        assert headline.value == headline.best == 1.0
    for constant in found[task, "class_frequency"]:
        assert constant.metrics["auc"].value == pytest.approx(0.5)


@pytest.mark.parametrize("task", CLASSIFICATION)
def test_chance_is_at_its_level(found: Records, task: str) -> None:
    for chance in found[task, "chance"]:
        metric, errors = chance.metrics["auc"], chance.selection["standard_error"]
        assert metric.chance == 0.5
        assert metric.value == pytest.approx(0.5, abs=5 * errors["auc"])
