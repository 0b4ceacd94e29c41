"""REFERS' image tower, `REFERS.pth` of funnyzhou/REFERS: a plain state dict of 198 tensors.

The names are those of jeonsworld's ViT, whose own files nothing tells from these. A file that was
fine-tuned has a classifier (`head.*`), which is left out and listed as unused: its tower has seen
labels. The report side is in no file. A tower below another prefix, as BenchX's own training
writes it, is not read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch

from baselines.checkpoints.dimensions import image_size_of, vit_size
from baselines.checkpoints.form import Fields, Form
from baselines.methods.official_refers import TOWERS
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from torch import Tensor

    from baselines.checkpoints.shapes import Shapes

PARTS = ("query", "key", "value")
"""In the order in which one matrix holds them."""

_LAYER = r"^transformer\.encoder\.layer\.(\d+)\."
_PART = re.compile(rf"^(blocks\.\d+\.attn\.)({'|'.join(PARTS)})\.(weight|bias)$")


def join_attention(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Query, key and value of each block below one another, as `qkv`.

    Raises:
        BadDataError: One of the three is missing, or they are not equally wide.
    """
    found: dict[str, Tensor] = {}
    parts: dict[str, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        match = _PART.match(name)
        if match is None:
            found[name] = value
        else:
            parts.setdefault(f"{match[1]}qkv.{match[3]}", {})[match[2]] = value
    for name, three in parts.items():
        absent = [name.replace("qkv", part) for part in PARTS if part not in three]
        if absent:
            raise BadDataError(f"The weight file lacks what stands for {', '.join(absent)}.")
        if len({value.shape for value in three.values()}) > 1:
            raise BadDataError(f"Query, key and value of `{name}` have different shapes.")
        found[name] = torch.cat([three[part] for part in PARTS])
    return found


def refers_fields(shape: Shapes) -> Fields:
    """Dimensions and image size."""
    return Fields({**vit_size(shape), "towers": TOWERS}, image_size_of(shape))


FORMS = (
    Form(
        title="REFERS",
        baselines=("refers",),
        source="links in the repository funnyzhou/REFERS, whose licence stands there",
        marks=(
            r"^transformer\.embeddings\.cls_token$",
            r"^transformer\.embeddings\.position_embeddings$",
            r"^transformer\.encoder\.layer\.0\.attn\.query\.weight$",
            r"^transformer\.encoder\.encoder_norm\.weight$",
        ),
        dropped=(r"^head\.",),
        renames=(
            (r"^transformer\.embeddings\.position_embeddings$", "pos_embed"),
            (r"^transformer\.embeddings\.patch_embeddings\.", "patch_embed.proj."),
            (r"^transformer\.embeddings\.", ""),
            (r"^transformer\.encoder\.encoder_norm\.", "norm."),
            (_LAYER + r"attention_norm\.", r"blocks.\1.norm1."),
            (_LAYER + r"ffn_norm\.", r"blocks.\1.norm2."),
            (_LAYER + r"ffn\.", r"blocks.\1.mlp."),
            (_LAYER + r"attn\.out\.", r"blocks.\1.attn.proj."),
            (_LAYER, r"blocks.\1."),
        ),
        convert=join_attention,
        fields=refers_fields,
    ),
)
