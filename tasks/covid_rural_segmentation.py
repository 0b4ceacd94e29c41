"""Opacity segmentation on COVID Rural with 1, 10 and 100 % of the masks.

221 radiographs of 104 COVID-19 patients; about 28 masks are empty.

| variant | split | chosen by |
|---|---|---|
| `maco` | LoVT's counts, 133 / 44 / 44 images, drawn by patient | validation |
| `clean` | ours, by patient, 70 / 10 / 20 % | the same percent of validation |

MaCo publishes neither lists nor counts, and its repository links another data set under this
name. 1 % of 133 images is one patient: it shows the floor and no more. With 44 test images an
interval is wide.

`maco`: the model of `siim_segmentation`, at this set's rates and steps. The shape of the images
is kept (`pad_square`); masks are compared at their own size, about 2,100 x 2,400 pixels. The
code ignores the padding in its loss, here it is background.

Source: MaCo, Nature Communications 2024, Table 3; official COVID configurations.
"""

from __future__ import annotations

from benchmark.data.sources.covid_rural import CLASSES
from benchmark.recipes.segment import SegmentRecipe
from benchmark.specs import TaskSpec

_SOURCE = "MaCo 2024, Table 3; official COVID configurations for 1, 10 and 100 %; counts of LoVT"
_MACO = SegmentRecipe(
    source=_SOURCE,
    split="lovt",
    learning_rates={"1": 2e-5, "10": 8e-6, "100": 1e-5},
    steps={"1": 1000, "10": 650, "100": 6700},
    warmup_steps={"1": 100, "10": 100, "100": 100},
    selection="full_validation",
    chosen_by="dice_empty_is_one",
    threshold_rule="half",
)

TASK = TaskSpec(
    name="covid_rural_segmentation",
    version=1,
    title="Segmentation, COVID Rural",
    protocol="segment",
    metrics="segmentation",
    dataset="covid_rural",
    variants={
        "maco": _MACO,
        "clean": _MACO.replaced(
            {
                "source": _SOURCE + "; our split by patient",
                "split": "clean",
                "selection": "matched_fraction",
                "chosen_by": "dice_nonempty",
                "threshold_rule": "validation",
            }
        ),
    },
    headline="dice_nonempty",
    needs="fine_tune",
    classes=CLASSES,
    label_percents=(1.0, 10.0, 100.0),
    source="MaCo 2024, Table 3",
)
