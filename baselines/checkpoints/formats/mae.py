"""MAE's files, `mae_pretrain_vit_base.pth` and those of its training script, with the decoder.

Nothing but what is absent tells them from other vision transformers by timm's names: a file of
such a transformer, without its classifier, is read as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.checkpoints.dimensions import decoder_size, image_size_of, vit_size
from baselines.checkpoints.form import Fields, Form

if TYPE_CHECKING:
    from baselines.checkpoints.shapes import Shapes

HEAD_WIDTH = 32
"""Of the official decoder: width 512, 16 heads."""


def mae_fields(shape: Shapes) -> Fields:
    """Dimensions, options and image size; without a decoder only features can be asked for."""
    decoder, high_resolution = decoder_size(shape, HEAD_WIDTH)
    return Fields(
        size={**vit_size(shape), **decoder},
        image_size=image_size_of(shape),
        options={
            # The size is the file's, whatever the options say of the published one.
            "settings": "ablation",
            "positions": "mae",
            "mask_ratio": 0.75,
            "high_resolution": high_resolution and decoder["decoder_depth"] > 0,
        },
    )


FORMS = (
    Form(
        title="MAE",
        baselines=("mae",),
        source="links in the repository facebookresearch/mae, whose licence stands there",
        marks=(
            r"^cls_token$",
            r"^pos_embed$",
            r"^patch_embed\.proj\.weight$",
            r"^blocks\.0\.attn\.qkv\.weight$",
            r"^norm\.weight$",
        ),
        absent=(r"^(bert_encoder|bert_mlp|img_mlp|head|fc_norm)\b", r"\bgamma_?\d?$"),
        fields=mae_fields,
    ),
)
