"""An encoder's maps and a decoder on them: images to one logit a pixel.

UPerNet is transformers' (`models.upernet`), the U-Net decoder that of segmentation-models-pytorch;
both begin from scratch, unless a method brings a U-Net decoder from its pre-training. The maps of
a plain transformer, all of one size, are first rescaled by 4, 2, 1 and 1/2 with transposed
convolutions and pooling, as BEiT and MaCo do.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmark.errors import UsageError
from benchmark.training.device import private_random_state, seed_everything

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.interfaces import DenseTrunk, Representation
    from benchmark.recipes.segment import SegmentRecipe

LEVELS = 4
POOL_SCALES = (1, 2, 3, 6)
AUXILIARY_LEVEL = 2
SMALLEST_BATCH = 2
"""Batch normalisation behind the pooling to one cell needs two images."""


class Segmenter(nn.Module):
    """Images (B, 1, H, W) to logits (B, 1, H, W), and in training those of the auxiliary head.

    Args:
        trunk: The encoder; frozen where the recipe says so.
        recipe: Names the decoder and its widths.
        seed: Of the initial weights of all that is not the trunk.
    """

    def __init__(self, trunk: DenseTrunk, recipe: SegmentRecipe, seed: int) -> None:
        super().__init__()
        self.trunk = cast(nn.Module, trunk)
        self.frozen = recipe.freeze_encoder
        if self.frozen:
            self.trunk.requires_grad_(False)
        with private_random_state("cpu"):
            seed_everything(seed, "cpu")
            self.pyramid = make_pyramid(trunk.channels, trunk.strides)
            make = _UNet if recipe.decoder == "unet" else _UPerNet
            self.decoder = make(trunk.channels, recipe)

    def train(self, mode: bool = True) -> Segmenter:
        """A frozen encoder stays in evaluation mode: no dropped paths, no new statistics."""
        super().train(mode)
        if self.frozen:
            self.trunk.eval()
        return self

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits of the decoder, and of the auxiliary head or None."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            maps = self.trunk(images)
        main, auxiliary = self.decoder(self.pyramid(maps), images)
        size = (images.shape[-2], images.shape[-1])
        return _enlarged(main, size), None if auxiliary is None else _enlarged(auxiliary, size)


def start_decoder(
    model: Segmenter, representation: Representation, recipe: SegmentRecipe
) -> dict[str, int]:
    """Put a method's pre-trained decoder into the U-Net: every tensor of equal name and shape.

    Returns:
        For the record: how many tensors were handed over, and how many the U-Net has; 0 handed
        over where it begins from scratch.
    """
    own = model.decoder.state_dict()
    offer = getattr(representation, "segmentation_decoder", None)
    wanted = recipe.decoder_from_pretraining and recipe.decoder == "unet"
    given = (offer() or {}) if wanted and offer is not None else {}
    equal = {
        name: value
        for name, value in given.items()
        if name in own and own[name].shape == value.shape
    }
    model.decoder.load_state_dict(equal, strict=False)
    return {"decoder_tensors": len(own), "decoder_tensors_from_pretraining": len(equal)}


def make_pyramid(channels: Sequence[int], strides: Sequence[int]) -> nn.Module:
    """What turns a trunk's maps into four of falling size.

    Raises:
        UsageError: The trunk does not give four maps.
    """
    if len(channels) != LEVELS:
        raise UsageError(
            f"Segmentation needs {LEVELS} maps of the encoder, not {len(channels)}.",
            remedy="Name four blocks in `taps`, such as [4, 6, 8, 12].",
        )
    if len(set(strides)) == 1:
        return _Rescale(channels)
    return _AsTheyAre()


class _AsTheyAre(nn.Module):
    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        return maps


class _Rescale(nn.Module):
    """Four maps of one size to four of 4, 2, 1 and 1/2 times the side."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        first, second = channels[0], channels[1]
        self.scales = nn.ModuleList(
            [
                nn.Sequential(
                    nn.ConvTranspose2d(first, first, 2, 2),
                    nn.BatchNorm2d(first),
                    nn.GELU(),
                    nn.ConvTranspose2d(first, first, 2, 2),
                ),
                nn.ConvTranspose2d(second, second, 2, 2),
                nn.Identity(),
                nn.MaxPool2d(2, 2, ceil_mode=True),
            ]
        )

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        return [scale(one) for scale, one in zip(self.scales, maps, strict=True)]


class _UPerNet(nn.Module):
    """transformers' UPerNet head with dropout before its last convolution, and its FCN head."""

    def __init__(self, channels: Sequence[int], recipe: SegmentRecipe) -> None:
        super().__init__()
        from transformers.models.upernet.modeling_upernet import UperNetFCNHead, UperNetHead

        # The heads read these fields alone; the library's own class would build a backbone.
        config = SimpleNamespace(
            pool_scales=POOL_SCALES,
            hidden_size=recipe.upernet_channels,
            num_labels=1,
            auxiliary_in_channels=None,
            auxiliary_channels=recipe.auxiliary_channels,
            auxiliary_num_convs=1,
            auxiliary_concat_input=False,
        )
        self.head = cast(Any, UperNetHead)(config, list(channels))
        self.head.classifier = nn.Sequential(nn.Dropout2d(recipe.dropout), self.head.classifier)
        self.auxiliary: Any = None
        if recipe.auxiliary_weight > 0:
            self.auxiliary = UperNetFCNHead(config, list(channels), in_index=AUXILIARY_LEVEL)

    def forward(self, maps: list[Tensor], images: Tensor) -> tuple[Tensor, Tensor | None]:
        beside = self.auxiliary(maps) if self.auxiliary is not None and self.training else None
        return self.head(maps), beside


class _UNet(nn.Module):
    """The U-Net decoder of segmentation-models-pytorch over four maps."""

    def __init__(self, channels: Sequence[int], recipe: SegmentRecipe) -> None:
        super().__init__()
        from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder

        widths = list(recipe.unet_channels)
        if len(widths) != LEVELS + 1:
            raise UsageError(f"`unet_channels` must name {LEVELS + 1} widths, not {len(widths)}.")
        # Its first entry, the image, is never used; the second, of stride 2, has no channels.
        self.decoder = UnetDecoder(
            encoder_channels=[1, 0, *channels], decoder_channels=widths, n_blocks=len(widths)
        )
        self.last = nn.Conv2d(widths[-1], 1, kernel_size=3, padding=1)

    def forward(self, maps: list[Tensor], images: Tensor) -> tuple[Tensor, None]:
        height, width = images.shape[-2], images.shape[-1]
        half = maps[0].new_empty(len(images), 0, -(-height // 2), -(-width // 2))
        return self.last(self.decoder([images, half, *maps])), None


def _enlarged(logits: Tensor, size: tuple[int, int]) -> Tensor:
    if logits.shape[-2:] == size:
        return logits
    return functional.interpolate(logits, size=size, mode="bilinear", align_corners=False)
