"""A task that needs what `fake_method` lacks."""

from benchmark.recipes import ZeroShotRecipe
from benchmark.specs import TaskSpec

TASK = TaskSpec(
    name="fake_text_task",
    version=1,
    title="Fake text task",
    protocol="fake_score",  # type: ignore[arg-type]
    metrics="fake_metrics",
    dataset="fake_source",
    variants={"main": ZeroShotRecipe(source="fake", split="clean")},
    headline="score",
    needs="zero_shot",
)
