"""A method without a model."""

from benchmark.recipes import PretrainRecipe
from benchmark.specs import BaselineSpec

BASELINE = BaselineSpec(
    name="fake_method",
    version=1,
    title="Fake method",
    kind="method",
    source="none",
    capabilities=("image_features", "fine_tune"),
    options={"ratio": 0.5, "mode": "paper", "deep": False, "extra": None},
    sizes={"fake": {"width": 4}},
    pretraining=PretrainRecipe(source="fake", epochs=1),
    no_capability_reason="it is a fake",
)
