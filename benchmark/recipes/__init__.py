"""How work is done: one frozen recipe per protocol, holding the paper's values and their source.

A profile replaces fields of a recipe by name (`Recipe.replaced`); it changes the size of the work
and nothing else. Label fractions are percents written as strings (`"1"`, `"10"`, `"100"`).
"""

from benchmark.recipes.base import Geometry, Precision, Recipe
from benchmark.recipes.detect import DetectRecipe
from benchmark.recipes.fine_tune import FineTuneRecipe
from benchmark.recipes.ground import ClassGroundRecipe, GroundRecipe
from benchmark.recipes.labelled import LabelledRecipe, Selection, Target, Uncertain
from benchmark.recipes.linear_probe import LinearProbeRecipe
from benchmark.recipes.measure import MeasureRecipe
from benchmark.recipes.pretrain import PretrainRecipe
from benchmark.recipes.segment import SegmentRecipe
from benchmark.recipes.zero_shot import ZeroShotRecipe

__all__ = [
    "ClassGroundRecipe",
    "DetectRecipe",
    "FineTuneRecipe",
    "Geometry",
    "GroundRecipe",
    "LabelledRecipe",
    "LinearProbeRecipe",
    "MeasureRecipe",
    "Precision",
    "PretrainRecipe",
    "Recipe",
    "SegmentRecipe",
    "Selection",
    "Target",
    "Uncertain",
    "ZeroShotRecipe",
]
