"""Dimensions of the parts that many released models share, from the shapes of their tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from baselines.checkpoints.shapes import Shapes

BERT = "bert_encoder.model.bert."
"""Where our text towers have their tensors."""

_RESNETS = {
    ("basic", (2, 2, 2, 2)): "resnet18",
    ("basic", (3, 4, 6, 3)): "resnet34",
    ("bottleneck", (3, 4, 6, 3)): "resnet50",
    ("bottleneck", (3, 4, 23, 3)): "resnet101",
}
_STEM = 64
_USUAL_WIDTHS = [64, 128, 256, 512]


def image_size_of(shape: Shapes) -> int:
    """Side of a transformer's input in pixels, from its table of positions."""
    return shape.side("pos_embed") * shape["patch_embed.proj.weight"][2]


def vit_size(shape: Shapes) -> dict[str, int]:
    """Dimensions of a vision transformer; heads are 64 channels wide, as officially."""
    width, channels, patch, _ = shape["patch_embed.proj.weight"]
    return {
        "patch": patch,
        "channels": channels,
        "width": width,
        "depth": shape.layers("blocks."),
        "heads": max(width // 64, 1),
    }


def decoder_size(shape: Shapes, head_width: int = 128) -> tuple[dict[str, int], bool]:
    """Dimensions of MAE's decoder, and whether it restores an image of twice the side.

    A file without a decoder gives a depth of 0.

    Args:
        shape: Of the file.
        head_width: Channels of a head.
    """
    if not (shape.has("decoder_") or shape.has("mask_token")):
        return {"decoder_width": 0, "decoder_depth": 0, "decoder_heads": 1}, True
    _, channels, patch, _ = shape["patch_embed.proj.weight"]
    small = channels * patch**2
    values = shape["decoder_pred.weight"][0]
    if values not in (small, 4 * small):
        raise BadDataError(
            f"The decoder predicts {values} values a patch; {small} or {4 * small} were expected."
        )
    width = shape["decoder_embed.weight"][0]
    size = {
        "decoder_width": width,
        "decoder_depth": shape.layers("decoder_blocks."),
        "decoder_heads": max(width // head_width, 1),
    }
    return size, values == 4 * small


def report_size(shape: Shapes, prefix: str = BERT) -> dict[str, Any]:
    """Dimensions of a BERT; heads are 64 channels wide, as in all published models."""
    vocabulary, width = shape[prefix + "embeddings.word_embeddings.weight"]
    return {
        "text_width": width,
        "text_depth": shape.layers(prefix + "encoder.layer."),
        "text_heads": max(width // 64, 1),
        "text_intermediate": shape[prefix + "encoder.layer.0.intermediate.dense.weight"][0],
        "vocabulary": vocabulary,
        "text_length": shape[prefix + "embeddings.position_embeddings.weight"][0],
        "text_dropout": 0.1,
    }


def resnet_size(shape: Shapes, prefix: str = "backbone.", stages: int = 4) -> dict[str, Any]:
    """Architecture of a ResNet of torchvision's names, by timm's name; narrow ones with widths.

    Args:
        shape: Of the file.
        prefix: Before `conv1.weight` and `layer1.*`.
        stages: How many a file has; a shorter file is completed to the usual architecture.

    Raises:
        BadDataError: The blocks of the stages are those of no ResNet.
    """
    stem, channels, _, _ = shape[prefix + "conv1.weight"]
    kind = "bottleneck" if shape.has(f"{prefix}layer1.0.conv3.") else "basic"
    counts = tuple(shape.layers(f"{prefix}layer{index}.") for index in range(1, stages + 1))
    found = [
        name
        for (known, blocks), name in _RESNETS.items()
        if known == kind and blocks[:stages] == counts
    ]
    if not found or stem != _STEM:
        raise BadDataError(
            f"{shape.model}: {kind} blocks {counts} behind {stem} channels are "
            "those of no known ResNet."
        )
    widths = [shape[f"{prefix}layer{i}.0.conv1.weight"][0] for i in range(1, stages + 1)]
    size: dict[str, Any] = {"architecture": found[0], "channels": channels, "output_stride": 32}
    if widths != _USUAL_WIDTHS[:stages]:
        # A stem of one convolution has its own width, whatever is asked for.
        size |= {"stem_width": _STEM, "widths": widths}
    return size
