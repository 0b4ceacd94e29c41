"""CheXzero's checkpoints: a plain CLIP state dict with a vision transformer, float32 or float16.

OpenAI's own files are TorchScript archives, which are refused with a remedy; saved as a state
dict they have this form, with three entries that are no weights.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from baselines.checkpoints.form import Fields, Form
from baselines.encoders.clip_towers import FACTS, clip_size
from baselines.methods.official_clip import TOWERS

if TYPE_CHECKING:
    from baselines.checkpoints.shapes import Shapes


def clip_fields(shape: Shapes) -> Fields:
    """Dimensions of both towers."""
    size = clip_size(shape.tensors)
    return Fields({**asdict(size), "towers": TOWERS}, size.image)


FORMS = (
    Form(
        title="CheXzero (CLIP)",
        baselines=("chexzero",),
        source="links in the repository rajpurkarlab/CheXzero, whose licence stands there",
        marks=(
            r"^visual\.conv1\.weight$",
            r"^visual\.transformer\.resblocks\.",
            r"^text_projection$",
        ),
        dropped=(rf"^({'|'.join(FACTS)})$",),
        fields=clip_fields,
    ),
)
