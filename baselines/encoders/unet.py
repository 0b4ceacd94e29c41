"""A U-Net decoder on the four maps of a ResNet, of the form that segmentation has.

Names and shapes of its tensors are those of `benchmark.protocols.segment_model`'s U-Net head, so
that one which was pre-trained can be handed to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence


class UNetHead(nn.Module):
    """Maps of four stages to `outputs` values a pixel.

    Args:
        channels: Of the four maps, the finest first.
        widths: Of the five blocks, the coarsest first.
        outputs: Values a pixel.
    """

    def __init__(self, channels: Sequence[int], widths: Sequence[int], outputs: int) -> None:
        super().__init__()
        # The image's entry is never used; the map of stride 2 is not given out by the encoders.
        self.decoder = UnetDecoder(
            encoder_channels=[1, 0, *channels],
            decoder_channels=list(widths),
            n_blocks=len(widths),
        )
        self.last = nn.Conv2d(widths[-1], outputs, kernel_size=3, padding=1)

    def forward(self, maps: Sequence[Tensor], images: Tensor) -> Tensor:
        """(B, outputs, H, W) for images (B, C, H, W) and their maps."""
        height, width = images.shape[-2], images.shape[-1]
        half = maps[0].new_empty(len(images), 0, -(-height // 2), -(-width // 2))
        drawn: Tensor = self.last(self.decoder([images, half, *maps]))
        return drawn
