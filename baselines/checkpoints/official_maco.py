"""The official MaCo checkpoint: sizes read from its shapes, every wanted tensor placed."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.checkpoints.loading import place, tensors_of
from baselines.encoders.image_text import MaskedImageTextModel, build_model
from benchmark.errors import BadDataError, MissingDataError
from benchmark.interfaces import BuildContext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

TOKENIZER_FILE = "mimic_wordpiece.json"
_DROPPED = re.compile(r"^(WCE|CE)\.|position_ids$")
_BERT = "bert_encoder.model.bert."


@dataclass(frozen=True)
class OfficialMaco:
    """A loaded official model in eval mode.

    Attributes:
        unused: Tensors of the file that the model has no place for (masked-language head,
            `logit_scale`, `pos_weight_text`, `pos_cat`, dropped loss buffers).
    """

    model: MaskedImageTextModel
    size: Mapping[str, Any]
    options: Mapping[str, Any]
    image_size: int
    unused: tuple[str, ...]


def load_official_maco(
    content: Mapping[str, Any],
    path: Path,
    tokenizer_json: str | None = None,
    *,
    heads: int | None = None,
    decoder_heads: int | None = None,
    text_heads: int | None = None,
) -> OfficialMaco:
    """Load a file of the official repository, or of its form at another size.

    Args:
        content: What `load_checkpoint(path)` gave.
        path: Where it lies, to look for the tokenizer beside it.
        tokenizer_json: Content of `mimic_wordpiece.json`; null looks for it beside the file.
        heads: Of the image tower; heads cannot be read from shapes: width / 64, as officially,
            unless given.
        decoder_heads: Likewise; width / 128.
        text_heads: Likewise; width / 64.

    Raises:
        BadDataError: Listing the missing or ill-shaped tensors.
        MissingDataError: The tokenizer is not at hand.
    """
    tensors = tensors_of(content)
    dropped = [name for name in tensors if _DROPPED.search(name)]
    kept = {name: tensor for name, tensor in tensors.items() if name not in dropped}
    size, options, image_size = infer_size(kept)
    given = {"heads": heads, "decoder_heads": decoder_heads, "text_heads": text_heads}
    size |= {name: value for name, value in given.items() if value is not None}
    if tokenizer_json is None:
        tokenizer_json = find_tokenizer(path)
    model = build_model(
        BuildContext(
            size=size, options=options, image_size=image_size, tokenizer_json=tokenizer_json
        )
    )
    unused = place(model, kept)
    return OfficialMaco(model.eval(), size, options, image_size, tuple(sorted(unused + dropped)))


def find_tokenizer(path: Path) -> str:
    """The official tokenizer's JSON, from beside the weight file."""
    place_beside = Path(path).parent / TOKENIZER_FILE
    if not place_beside.is_file():
        raise MissingDataError(
            f"Official MaCo weights need their tokenizer, `{TOKENIZER_FILE}`.",
            looked_in=[place_beside],
            remedy="Take it from the SZUHvern/MaCo repository and put it beside the weight file.",
        )
    return place_beside.read_text(encoding="utf-8")


def infer_size(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Any], int]:
    """Dimensions, options and image size, from shapes alone.

    Raises:
        BadDataError: Where a tensor that tells a size is missing, or shapes contradict.
    """
    shape = _Shapes(tensors)
    width, channels, patch, _ = shape["patch_embed.proj.weight"]
    patches = shape["pos_embed"][1] - 1
    vocabulary, text_width = shape[_BERT + "embeddings.word_embeddings.weight"]
    shared_width = shape["img_mlp.weight"][0]
    pooler = shape[_BERT + "pooler.dense.weight"][0]
    if pooler != shared_width:
        raise BadDataError(
            f"The text pooler gives {pooler} values and the image projection {shared_width}: such "
            "a model cannot compare them. The released file has a 768 x 384 pooler."
        )
    decoder, high_resolution = _decoder_size(shape, channels * patch**2)
    size = {
        "patch": patch,
        "channels": channels,
        "width": width,
        "depth": shape.layers("blocks."),
        "heads": max(width // 64, 1),
        **decoder,
        "shared_width": shared_width,
        "text_width": text_width,
        "text_depth": shape.layers(_BERT + "encoder.layer."),
        "text_heads": max(text_width // 64, 1),
        "text_intermediate": shape[_BERT + "encoder.layer.0.intermediate.dense.weight"][0],
        "vocabulary": vocabulary,
        "text_length": shape[_BERT + "embeddings.position_embeddings.weight"][0],
        "text_dropout": 0.1,
    }
    options = {
        "weighting": "official",
        "loss_weighting": "code",
        "antialias": False,
        "high_resolution": high_resolution,
    }
    return size, options, math.isqrt(patches) * patch


def _decoder_size(shape: _Shapes, patch_values: int) -> tuple[dict[str, int], bool]:
    """Decoder dimensions, and whether it predicts an image of twice the side."""
    if not any(name.startswith(("decoder_", "mask_token")) for name in shape.tensors):
        return {"decoder_width": 0, "decoder_depth": 0, "decoder_heads": 1}, True
    values = shape["decoder_pred.weight"][0]
    if values not in (patch_values, 4 * patch_values):
        raise BadDataError(
            f"The decoder predicts {values} values a patch; {patch_values} or "
            f"{4 * patch_values} were expected."
        )
    width = shape["decoder_embed.weight"][0]
    size = {
        "decoder_width": width,
        "decoder_depth": shape.layers("decoder_blocks."),
        "decoder_heads": max(width // 128, 1),
    }
    return size, values == 4 * patch_values


class _Shapes:
    """Shapes by name, with an error that names what is missing."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.tensors = tensors

    def __getitem__(self, name: str) -> tuple[int, ...]:
        if name not in self.tensors:
            raise BadDataError(
                f"The weight file lacks `{name}`, so it is not a complete MaCo model."
            )
        return tuple(self.tensors[name].shape)

    def layers(self, prefix: str) -> int:
        """One more than the largest number that follows the prefix."""
        numbers = [
            int(name[len(prefix) :].split(".")[0])
            for name in self.tensors
            if name.startswith(prefix)
        ]
        if not numbers:
            raise BadDataError(f"The weight file lacks every `{prefix}*`.")
        return max(numbers) + 1
