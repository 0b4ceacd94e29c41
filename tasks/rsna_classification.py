"""Fine-tuning on RSNA Pneumonia with 1, 10 and 100 % of the labels.

The image encoder is fine-tuned end to end; a linear head sits on its pooled features. SGD with
momentum 0.9, linear warm-up and cosine by step, gradient clip 1.0, batch 96, drop-path 0.1,
random resized crop and flip.

| variant | split | rates and steps | chosen by |
|---|---|---|---|
| `maco` | published lists: 25,184 / 1,500 / 3,000 images | MaCo's script | validation |
| `maco_search` | the same | rate searched per fraction in the range that MaCo prints | validation |
| `mrm` | the same lists | MRM's settings | validation |
| `clean` | ours, by patient | as `maco` | the same percent of validation |

The 3,000 test images of the lists lie in `stage_2_test_images`; their labels are in the lists.
1,500 labelled images that choose a checkpoint after training on 251 are no "1 % of the labels":
in `clean` the choice is made on the same percent of the validation set as of the training set.

Source: MaCo, Nature Communications 2024, Table 1; MRM, ICLR 2023; official fine-tuning scripts.
"""

from __future__ import annotations

from benchmark.recipes import FineTuneRecipe
from benchmark.specs import TaskSpec

_SOURCE = "MaCo 2024, Table 1; official fine-tuning script, its RSNA rates and steps"
# The paper prints the ends of the range; the steps between them are ours.
_SEARCHED = (8e-3, 4e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4)
_MACO = FineTuneRecipe(
    source=_SOURCE,
    split="maco_lists",
    batch_size=96,
    learning_rates={"1": 6.5e-3, "10": 6e-4, "100": 5e-4},
    steps={"1": 2000, "10": 10000, "100": 50000},
    warmup_steps={"1": 50, "10": 200, "100": 2000},
    selection="full_validation",
)

TASK = TaskSpec(
    name="rsna_classification",
    version=1,
    title="Fine-tuned classification, RSNA Pneumonia",
    protocol="fine_tune",
    metrics="classification",
    dataset="rsna_pneumonia",
    variants={
        "maco": _MACO,
        "maco_search": _MACO.replaced(
            {
                "source": "MaCo 2024, Methods: rate searched between 8e-3 and 1e-4",
                "learning_rate_search": {"1": _SEARCHED, "10": _SEARCHED, "100": _SEARCHED},
            }
        ),
        "mrm": _MACO.replaced(
            {
                "source": "MRM 2023, official fine-tuning settings for RSNA; the lists of MaCo",
                "learning_rates": {"1": 3e-3, "10": 5e-4, "100": 5e-4},
            }
        ),
        "clean": _MACO.replaced(
            {
                "source": _SOURCE + "; our split by patient",
                "split": "clean",
                "selection": "matched_fraction",
            }
        ),
    },
    headline="auc",
    needs="fine_tune",
    classes=("Lung Opacity",),
    label_percents=(1.0, 10.0, 100.0),
    source="MaCo 2024, Table 1; MRM 2023",
)
