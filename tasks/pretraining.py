"""Pre-training on radiographs and their reports: the cell that others wait for.

The corpus is the suite's or a run option (`--corpus`). Each method brings its own recipe
(`BaselineSpec.pretraining`), which stands in for the placeholder below; a profile replaces its
sizes. Patients that any task tests or tunes on are left out of the corpus and counted
(`ms_cxr_in_pretraining = "exclude"`). The cell leaves `weights.pt` and `history.npz`; it has no
score, and its record holds the last losses.
"""

from __future__ import annotations

from benchmark.recipes import PretrainRecipe
from benchmark.specs import TaskSpec

TASK = TaskSpec(
    name="pretraining",
    version=1,
    title="Pre-training",
    protocol="pretrain",
    metrics="",
    dataset="",
    variants={"maco": PretrainRecipe(source="recipe of the method")},
    headline="",
    needs="image_features",
)
