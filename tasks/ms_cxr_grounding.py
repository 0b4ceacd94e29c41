"""Phrase grounding on MS-CXR: where in the radiograph is what the phrase says?

A map of patch-text similarities (weighted by the method's scoring layer, where it has one) is
smoothed, enlarged and compared with the boxes of the phrase: contrast-to-noise ratio (signed and
absolute), mean IoU over thresholds 0.1 to 0.5, pointing game.

A map that shows nothing but two lungs reaches scores near the published ones, so every method
stands beside the sentinels `static_prior`, `class_prior`, `noise_x_weights`, `phrase_swapped`
and `oracle_at_grid`, and the figure to read is the paired excess over `static_prior`.

Variant `maco` takes patch features after the image projection, as the official code does;
variant `paper` takes them before it, as the text says. The temperature of the patch weights is
chosen on validation, relative to the weights' own spread; the paper's 0.02 is stored beside it.
Sentences are not shuffled (the official code shuffles them, so its values move from run to run).

Source: MaCo, Nature Communications 2024, Table 6; official grounding script.
"""

from __future__ import annotations

from benchmark.recipes import GroundRecipe
from benchmark.specs import TaskSpec

_SOURCE = "MaCo 2024, Table 6; official grounding script"

TASK = TaskSpec(
    name="ms_cxr_grounding",
    version=1,
    title="Phrase grounding, MS-CXR",
    protocol="ground",
    metrics="grounding",
    dataset="ms_cxr",
    variants={
        "maco": GroundRecipe(source=_SOURCE, split="official", projected=True),
        "paper": GroundRecipe(
            source=_SOURCE + "; unprojected patch features, the text's wording",
            split="official",
            projected=False,
        ),
    },
    headline="cnr",
    needs="grounding",
    source="MaCo 2024, Table 6",
)
