"""COVID-19 image data collection: COVID-19 against other pneumonia, fine-tuned end to end.

The class is COVID-19 (1) against any other pneumonia (0). Images are frontal radiographs
of the collection by Cohen et al.; supine views take part in neither task.

| variant | split | chosen by |
|---|---|---|
| `mrm` | MRM's counts, 354 / 51 / 104 images, drawn by patient | validation |
| `mrm_lists`, `mrm_lists_2` ... `_5` | MRM's five published splits; they **leak** | validation |
| `clean` | ours, by patient | the same percent of validation |

The published splits are by image: images of one patient, such as those of day 1 and day 3, may
stand on both sides, so a score on them is too high for a new patient.

MRM has one setting and trains on all labels. It is offered for 1 and 10 % too; 1 % is three or
four images, which shows the floor and no more. The intervals are wide: a test set of about a
hundred images.

Source: MRM, ICLR 2023, table on COVID-19; official fine-tuning settings and split lists.
"""

from __future__ import annotations

from benchmark.recipes import FineTuneRecipe
from benchmark.specs import TaskSpec

_SOURCE = "MRM 2023, official fine-tuning settings for COVID-19 (one setting, all labels)"
_MRM = FineTuneRecipe(
    source=_SOURCE,
    split="mrm_covid",
    batch_size=96,
    learning_rates={"1": 3e-2, "10": 3e-2, "100": 3e-2},
    steps={"1": 1000, "10": 1000, "100": 1000},
    warmup_steps={"1": 50, "10": 50, "100": 50},
    selection="full_validation",
)

TASK = TaskSpec(
    name="covid_idc_covid",
    version=1,
    title="Fine-tuned classification, COVID-19 collection: COVID-19 against other pneumonia",
    protocol="fine_tune",
    metrics="classification",
    dataset="covid_idc",
    variants={
        "mrm": _MRM,
        "mrm_lists": _MRM.replaced({"split": "mrm_covid1"}),
        "mrm_lists_2": _MRM.replaced({"split": "mrm_covid2"}),
        "mrm_lists_3": _MRM.replaced({"split": "mrm_covid3"}),
        "mrm_lists_4": _MRM.replaced({"split": "mrm_covid4"}),
        "mrm_lists_5": _MRM.replaced({"split": "mrm_covid5"}),
        "clean": _MRM.replaced(
            {
                "source": _SOURCE + "; our split by patient",
                "split": "clean",
                "selection": "matched_fraction",
            }
        ),
    },
    headline="auc",
    needs="fine_tune",
    classes=("COVID-19",),
    label_percents=(1.0, 10.0, 100.0),
    source="MRM 2023, COVID-19 table",
)
