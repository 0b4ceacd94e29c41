"""Stands in for the real pre-training task."""

from benchmark.recipes import PretrainRecipe
from benchmark.specs import TaskSpec

TASK = TaskSpec(
    name="pretraining",
    version=1,
    title="Fake pre-training",
    protocol="pretrain",
    metrics="",
    dataset="",
    variants={"maco": PretrainRecipe(source="fake")},
    headline="",
    needs="image_features",
)
