"""BioViL-T: BioViL with earlier radiographs of the same patient; released weights alone.

Bannur et al., "Learning to exploit temporal structure for biomedical vision-language processing",
CVPR 2023; inference code microsoft/hi-ml, hi-ml-multimodal. For evaluation alone: the training
code is not public, and its pre-training needs the order of a patient's studies. The sizes `demo`
and `toy` are small random networks for tests.

The benchmark shows every image by itself. Officially, too, the half of a patch that tells what has
changed is then a learned vector of its own, and the blocks that compare two images are skipped; in
Python, `patch_features` and `image_embedding` take an earlier image besides
(`baselines/methods/biovil_t.py`). Linear probing and fine-tuning read the ResNet, as with BioViL.

Kept: 448 px without mean and standard deviation, the image's vector as the mean of its projected
patches, the head on CLS, prompts without their last stop (`strip_prompts`), grounding by cosines
of 14 x 14 projected patches. Different: the task's geometry fills the 448 px, where the package
cuts them from the middle of an image whose short side has 512.

`temperature` is no part of the files, and the package gives cosines alone: it moves probabilities
and no ranking, and equals that of our BioViL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from baselines.encoders.sizes import RESNET_IMAGE, with_text
from benchmark.specs import BaselineSpec, ImageProfile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="biovil_t",
    version=1,
    title="BioViL-T (released weights)",
    kind="method",
    source="BioViL-T (Bannur et al., CVPR 2023); github.com/microsoft/hi-ml, hi-ml-multimodal",
    capabilities=("image_features", "fine_tune", "zero_shot", "grounding", "text_features"),
    image_profile=ImageProfile(mean=0.0, std=1.0),
    options={"temperature": 0.5, "strip_prompts": True},
    sizes=with_text(
        RESNET_IMAGE,
        paper={
            "shared_width": 128,
            # Of a patch's part that one image gives; a second part tells what has changed.
            "patch_width": 256,
            "compare_layers": 3,
            "compare_heads": 8,
            "vocabulary": 30522,
        },
        demo={"shared_width": 128, "patch_width": 64, "compare_layers": 3, "compare_heads": 2},
        toy={"shared_width": 48, "patch_width": 16, "compare_layers": 2, "compare_heads": 2},
    ),
    pretraining=None,
    released="Hugging Face, microsoft/BiomedVLP-BioViL-T, revision v1.0: the image model, "
    "pytorch_model.bin and vocab.txt, whose licence stands there",
    extra_annotation="the order of a patient's studies (its pre-training; unused in evaluation)",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.biovil_t import BioViLT

    model: Representation = build_with_reports(context, BioViLT)
    return model


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
