"""Ark: a Swin transformer that learned from the expert labels of six data sets; released weights.

Ma et al., "Foundation Ark: Accruing and Reusing Knowledge for Superior and Robust Performance",
MICCAI 2023, and its larger successor Ark+; code jlianglab/Ark. A strong supervised comparison, no
image-text method: it learned from labels in turn of MIMIC-CXR, CheXpert, ChestX-ray14, RSNA,
VinDr-CXR and Shenzhen. For evaluation alone. The sizes `demo` and `toy` are small random networks
for tests.

**Its data are those of many tasks here.** It has seen labels of ChestX-ray14, CheXpert and RSNA by
the official or its own division, so that a test image of another division may be one that it was
trained on; its rows are no measure of learning from few labels.

Kept: 224 px (768 for Ark+), each colour with its own mean and deviation of ImageNet, in the first
convolution; features are the mean over the last stage's cells. The embedding, which linear probes
read where a recipe says `embedding`, is behind the projector, as in the official probes. At other
sizes than the trained one windows keep their side, and maps that they do not divide are padded.
Segmentation and detection take the four stages, a norm behind each. Not kept: the official test
images are squashed to 256 px and cut to 224, or squashed to 768 px; here the task's geometry holds.

There are no texts, hence no zero-shot. The trained classifiers, which the authors read under that
name, are loaded and can be asked in Python: `label_logits`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmark.specs import BaselineSpec, ImageProfile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmark.interfaces import BuildContext, Representation

LABELS = (14, 14, 14, 3, 6, 1)
"""Of MIMIC-CXR, CheXpert, ChestX-ray14, RSNA, VinDr-CXR and Shenzhen."""

BASELINE = BaselineSpec(
    name="ark",
    version=1,
    title="Ark (released weights)",
    kind="method",
    source="Ark (Ma et al., MICCAI 2023); github.com/jlianglab/Ark",
    capabilities=("image_features", "fine_tune"),
    # ImageNet's means and deviations, averaged over the colours.
    image_profile=ImageProfile(mean=0.449, std=0.226),
    sizes={
        # Swin-B of the first paper, with the projector of its six data sets' file.
        "paper": {
            "patch": 4,
            "channels": 3,
            "width": 128,
            "depths": [2, 2, 18, 2],
            "heads": [4, 8, 16, 32],
            "window": 7,
            "projector_layers": 2,
            "projector_width": 1376,
            "labels": list(LABELS),
        },
        "demo": {
            "patch": 2,
            "channels": 1,
            "width": 24,
            "depths": [2, 2, 2, 2],
            "heads": [2, 4, 8, 16],
            "window": 4,
            "projector_layers": 2,
            "projector_width": 128,
            "labels": list(LABELS),
        },
        "toy": {
            "patch": 2,
            "channels": 1,
            "width": 8,
            "depths": [2, 2, 2, 2],
            "heads": [1, 2, 4, 8],
            "window": 2,
            "projector_layers": 1,
            "projector_width": 48,
            "labels": list(LABELS),
        },
    },
    pretraining=None,
    released="on request by the forms linked in github.com/jlianglab/Ark, under the ASU GitHub "
    "Project License that stands there",
    uses_text=False,
    extra_annotation="expert labels of six data sets, among them ChestX-ray14, CheXpert and RSNA",
    no_capability_reason="it learned from labels: there is no text tower",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.methods.ark import build_ark

    return build_ark(context)


def load(
    path: Path,
    options: Mapping[str, Any] | None = None,
    tokenizer_json: str | None = None,
    trusted: bool = False,
) -> Representation:
    """Weights in our own form or in the official one; see `baselines.checkpoints.released`."""
    from baselines.checkpoints.released import load as load_weights

    given = BASELINE.options if options is None else options
    return load_weights(BASELINE.name, build, path, given, tokenizer_json, trusted)
