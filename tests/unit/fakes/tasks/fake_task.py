"""A task whose score is made up from names."""

from benchmark.recipes import FineTuneRecipe
from benchmark.specs import TaskSpec

TASK = TaskSpec(
    name="fake_task",
    version=1,
    title="Fake task",
    protocol="fake_score",  # type: ignore[arg-type]
    metrics="fake_metrics",
    dataset="fake_source",
    variants={"main": FineTuneRecipe(source="fake", split="clean")},
    headline="score",
    needs="fine_tune",
    classes=("finding",),
    label_percents=(10.0, 100.0),
)
