"""What a model costs to run, from the counts that `benchmark.protocols.measure` stored.

A MAC is one multiplication with its addition, half of what papers call two FLOPs and many print as
one. Figures are of one image (and one report, at the longest that the text tower reads).

| metric | unit | what |
|---|---|---|
| `inference_gmacs` | 10^9 MACs | the image encoder on all patches |
| `embedding_gmacs` | 10^9 MACs | an image to its vector in the space shared with text |
| `text_gmacs` | 10^9 MACs | a report to its vector there |
| `pretraining_gmacs` | 10^9 MACs | the forward pass of a pre-training step, masking included |
| `..._gmacs_layers_only` | 10^9 MACs | linear and convolutional layers alone |
| `pretraining_gmacs_published` | 10^9 MACs | layers alone, of the official code's forward pass |
| `parameters_millions` | 10^6 | all parameters; fixed tables are none |

All count matrix products and convolutions and nothing else: no norm, softmax, activation,
look-up of word vectors or resizing. The plain ones hold the two products of attention (queries
with keys, weights with values). `layers_only` leaves them out, as counters do that add up the
layers of a model (such as `thop`, by which published figures were made); the similarity matrix of
a contrast stays in (one vector's length an image).

`pretraining_gmacs_published` is the figure to hold against a published one. Official code may run
what its method ignores; where the baseline says so (`published_forward`) it is counted here, and
`pretraining_gmacs_layers_only` is the same without it.

A name with `/evaluated` is of the model that the cell holds, the others of the method at the
recipe's reference size. `pretraining_gmacs` and `parameters_millions` have values by part in
`per_class`: `image_encoder` (what `inference` reads), `image_projection`, `text_encoder`, and
`pretraining_only`, which no other pass reads (a decoder, heads, the scoring layer).

There are no intervals: a count is the same for all images. Best value and chance level do not
exist. A pass that the method lacks is undefined, with the reason. Speed and memory are no metrics:
they depend on the machine and stand in the record's `timing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from benchmark.errors import BadDataError
from benchmark.interfaces import Metric, Scores
from benchmark.metrics.predictions import require

if TYPE_CHECKING:
    from benchmark.recipes import Recipe

VERSION = 1
MODELS = {"reference": "", "evaluated": "/evaluated"}
"""Models that are counted, and what their metrics' names end with."""
PASSES = ("inference", "embedding", "text", "pretraining")
PARTS = ("image_encoder", "image_projection", "text_encoder", "pretraining_only")
WITH_PARTS = ("pretraining", "pretraining_published")
LAYERS = ("mm", "addmm", "convolution", "_convolution")
"""Operations of linear and convolutional layers, by torch's names."""
ATTENTION = ("bmm", "baddbmm")
"""Products of two computed tensors: those of attention."""
_ARRAYS = (
    "macs_model",
    "macs_pass",
    "macs_part",
    "macs_operation",
    "macs",
    "parameters_model",
    "parameters_part",
    "parameters",
    "absent_model",
    "absent_pass",
    "absent_why",
)


def score(
    predictions: Mapping[str, np.ndarray], recipe: Recipe, seed: int, replicates: int
) -> Scores:
    """All metrics of one cell; nothing is drawn, so seed and replicates have no influence.

    Raises:
        BadDataError: An array is absent, or an operation is neither a layer nor attention.
    """
    require(predictions, *_ARRAYS)
    unknown = set(predictions["macs_operation"].tolist()) - {*LAYERS, *ATTENTION}
    if unknown:
        raise BadDataError(
            f"Operations that belong neither to a layer nor to attention: {sorted(unknown)}.",
            remedy="Name it in benchmark/metrics/efficiency.py.",
        )
    metrics: dict[str, Metric] = {}
    for model, ending in MODELS.items():
        for name in PASSES:
            metrics[f"{name}_gmacs{ending}"] = _gmacs(predictions, model, name)
            if name in ("inference", "pretraining"):
                metrics[f"{name}_gmacs_layers_only{ending}"] = _gmacs(
                    predictions, model, name, layers_only=True
                )
        metrics[f"pretraining_gmacs_published{ending}"] = _published(predictions, model)
        metrics[f"parameters_millions{ending}"] = _parameters(predictions, model)
    return Scores(metrics)


def _gmacs(
    predictions: Mapping[str, np.ndarray], model: str, name: str, layers_only: bool = False
) -> Metric:
    """10^9 MACs of one forward pass; by part for pre-training."""
    of_pass = (predictions["macs_model"] == model) & (predictions["macs_pass"] == name)
    if not of_pass.any():
        return Metric(None, why=_why_absent(predictions, model, name))
    if layers_only:
        of_pass &= np.isin(predictions["macs_operation"], LAYERS)
    parts = predictions["macs_part"][of_pass] if name in WITH_PARTS else None
    return _total(predictions["macs"][of_pass], 1e9, parts)


def _published(predictions: Mapping[str, np.ndarray], model: str) -> Metric:
    """Layers alone, of the official forward pass where that is another one than ours."""
    passes = predictions["macs_pass"][predictions["macs_model"] == model].tolist()
    name = "pretraining_published" if "pretraining_published" in passes else "pretraining"
    return _gmacs(predictions, model, name, layers_only=True)


def _parameters(predictions: Mapping[str, np.ndarray], model: str) -> Metric:
    mine = predictions["parameters_model"] == model
    return _total(predictions["parameters"][mine], 1e6, predictions["parameters_part"][mine])


def _total(values: np.ndarray, unit: float, parts: np.ndarray | None) -> Metric:
    """The sum in a unit, and by part; a part that the model lacks is left out."""
    by_part: dict[str, float | None] = {}
    if parts is not None:
        for part in PARTS:
            mine = parts == part
            if mine.any():
                by_part[part] = int(values[mine].sum()) / unit
    return Metric(int(values.sum()) / unit, per_class=by_part, n=1)


def _why_absent(predictions: Mapping[str, np.ndarray], model: str, name: str) -> str:
    mine = (predictions["absent_model"] == model) & (predictions["absent_pass"] == name)
    reasons = predictions["absent_why"][mine].tolist()
    return str(reasons[0]) if reasons else "no matrix product and no convolution was counted"
