"""Ark's teachers: tensors by timm's names of a Swin, with a projector and one head a data set.

The released file of the first paper is the teacher's state dict by itself; files of the training
code and of Ark+ hold it as `teacher` beside the student, and under several devices' `module.`.
They are of timm 0.5, where merging of cells stood at the end of a stage; since timm 0.9 it stands
at the beginning of the next. `head` is timm's classifier, which Ark does not train. The variant of
Ark+ with a ConvNeXt is not read.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from baselines.checkpoints.form import Fields, Form

if TYPE_CHECKING:
    from torch import Tensor

    from baselines.checkpoints.shapes import Shapes

STAGES = "swin.layers."
_TABLE = "blocks.0.attn.relative_position_bias_table"
_MASK = "swin.layers.0.blocks.1.attn_mask"


def move_merging(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Merging behind stage i, the names of timm 0.5, as the one in front of stage i + 1."""
    if not any(name.startswith(f"{STAGES}0.downsample.") for name in tensors):
        return tensors
    old = re.compile(rf"^({re.escape(STAGES)})(\d+)(\.downsample\.)")
    return {
        old.sub(lambda found: f"{found[1]}{int(found[2]) + 1}{found[3]}", name): value
        for name, value in tensors.items()
    }


def ark_fields(shape: Shapes) -> Fields:
    """Dimensions, and the image size from the first stage's mask of shifted windows.

    timm since 0.9 stores no masks: then the size is the one at which a window holds all of the
    last stage, as at 224 px.
    """
    width, channels, patch, _ = shape["swin.patch_embed.proj.weight"]
    stages = range(shape.layers(STAGES))
    tables = [shape[f"{STAGES}{index}.{_TABLE}"] for index in stages]
    window = (math.isqrt(tables[0][0]) + 1) // 2
    windows = math.isqrt(shape[_MASK][0]) if shape.has(_MASK) else 2 ** stages[-1]
    layers, out = _projector(shape)
    heads = range(shape.layers("omni_heads.") if shape.has("omni_heads.") else 0)
    size = {
        "patch": patch,
        "channels": channels,
        "width": width,
        "depths": [shape.layers(f"{STAGES}{index}.blocks.") for index in stages],
        "heads": [table[1] for table in tables],
        "window": window,
        "projector_layers": layers,
        "projector_width": out,
        "labels": [shape[f"omni_heads.{index}.weight"][0] for index in heads],
    }
    return Fields(size, windows * window * patch)


def _projector(shape: Shapes) -> tuple[int, int]:
    if shape.has("projector.0."):
        return 2, shape["projector.0.weight"][0]
    return (1, shape["projector.weight"][0]) if shape.has("projector.") else (0, 0)


FORMS = (
    Form(
        title="Ark",
        baselines=("ark",),
        source="on request by the forms linked in the repository jlianglab/Ark, under the ASU "
        "GitHub Project License that stands there",
        marks=(
            r"^patch_embed\.proj\.weight$",
            r"^layers\.0\.blocks\.0\.attn\.relative_position_bias_table$",
            r"^(projector|omni_heads)\.",
        ),
        entry="teacher",
        dropped=(r"\.relative_position_index$", r"^head(_dist)?\."),
        renames=((r"^(patch_embed|layers|norm)\.", r"swin.\1."),),
        convert=move_merging,
        fields=ark_fields,
    ),
)
