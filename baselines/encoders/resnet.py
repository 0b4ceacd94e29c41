"""Convolutional encoders of timm as representations; no weights are downloaded."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import timm
import torch
from timm.layers import DropPath
from torch import Tensor, nn

from benchmark.errors import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from benchmark.interfaces import BuildContext, PretrainBatch


class ResNetEncoder(nn.Module):
    """A ResNet whose last map gives the patches; image-only, without an objective of its own.

    Args:
        size: `architecture`, a ResNet by its name in timm; `channels` of the images (grey images
            are repeated); `output_stride` of the last map, 8, 16 or 32; and, for narrow ones,
            `widths` of the four stages and `stem_width`.
        image_size: Side of the input in pixels; other sizes can be encoded, too.
    """

    tokenizer_json: str | None = None

    def __init__(self, size: Mapping[str, Any], image_size: int) -> None:
        super().__init__()
        narrow: dict[str, Any] = {}
        if "widths" in size:
            narrow = {"channels": tuple(size["widths"]), "stem_width": size["stem_width"]}
        self.backbone = timm.create_model(
            size["architecture"],
            pretrained=False,
            num_classes=0,
            in_chans=size["channels"],
            output_stride=size["output_stride"],
            **narrow,
        )
        self.channels = int(size["channels"])
        self.image_size = self.pretraining_image_size = image_size
        side = -(-image_size // int(size["output_stride"]))
        self.grid = (side, side)
        self.feature_dim = int(self.backbone.num_features)

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> Mapping[str, Tensor]:
        """There is none."""
        raise NotApplicable("This encoder has no pre-training objective of its own.")

    def stages(self, images: Tensor) -> list[Tensor]:
        """Maps of the four stages, the finest first: (B, C, rows, columns) each."""
        found = self.backbone.forward_intermediates(
            _repeated(images, self.channels), indices=4, intermediates_only=True
        )
        return list(found)

    def last_map(self, images: Tensor) -> Tensor:
        """(B, feature_dim, rows, columns) of the last stage."""
        last: Tensor = self.backbone.forward_features(_repeated(images, self.channels))
        return last

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) cells of the last map in row-major order; there is no projection."""
        return self.last_map(images).flatten(2).transpose(1, 2).float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, D) mean over the last map."""
        return self.patch_features(images, projected=False).mean(dim=1)

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """There is no text tower."""
        raise NotApplicable("This image-only model has no text tower.")

    def temperature(self) -> float:
        """1: nothing is learned."""
        return 1.0

    def patch_weights(self) -> Tensor | None:
        """None: there is no scoring layer."""
        return None

    def classification_trunk(self, drop_path: float) -> nn.Module:
        """A fresh copy of the encoder with global average pooling; see `ResNetTrunk`."""
        return ResNetTrunk(self, drop_path)

    def dense_trunk(
        self,
        taps: Sequence[int],
        drop_path: float = 0.0,
        window: int = 0,
        global_blocks: Sequence[int] = (),
    ) -> nn.Module:
        """A fresh copy with the maps of its four stages; taps and windows are a ViT's."""
        return DenseResNet(self, drop_path)

    def progress_arrays(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}


class ResNetTrunk(nn.Module):
    """Images (B, 1, S, S) to (B, feature_dim): global average pooling of the last map.

    Stochastic depth grows linearly over the blocks to `drop_path`, as in the transformer's trunk.
    """

    def __init__(self, encoder: ResNetEncoder, drop_path: float) -> None:
        super().__init__()
        self.channels = encoder.channels
        self.backbone = copy.deepcopy(encoder.backbone)
        layers = (self.backbone.layer1, self.backbone.layer2)
        layers += (self.backbone.layer3, self.backbone.layer4)
        blocks = [block for layer in layers for block in layer]
        for index, block in enumerate(blocks):
            rate = drop_path * index / max(len(blocks) - 1, 1)
            block.drop_path = DropPath(rate) if rate > 0 else None
        self.requires_grad_(True)

    def forward(self, images: Tensor) -> Tensor:
        """Pooled features."""
        last: Tensor = self.backbone.forward_features(_repeated(images, self.channels))
        return last.mean(dim=(2, 3))


class DenseResNet(ResNetTrunk):
    """Images (B, 1, H, W) to the maps of the four stages, the finest first.

    A `benchmark.interfaces.DenseTrunk`.
    """

    def __init__(self, encoder: ResNetEncoder, drop_path: float = 0.0) -> None:
        super().__init__(encoder, drop_path)
        stages = self.backbone.feature_info[-4:]
        self.image_channels = encoder.channels
        self.channels = tuple(int(stage["num_chs"]) for stage in stages)
        self.strides = tuple(int(stage["reduction"]) for stage in stages)
        self.layers = 5

    def layer_of(self, parameter: str) -> int:
        """0 for the stem, i for the i-th stage."""
        stage = parameter.removeprefix("backbone.").split(".")[0]
        return int(stage.removeprefix("layer")) if stage.startswith("layer") else 0

    def forward(self, images: Tensor) -> list[Tensor]:
        """One map per stage."""
        last = self.backbone.forward_intermediates(
            _repeated(images, self.image_channels), indices=4, intermediates_only=True
        )
        return list(last)


def build_resnet(context: BuildContext) -> ResNetEncoder:
    """Initial weights from `context.seed`, the global generator left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(context.seed)
        return ResNetEncoder(context.size, context.image_size)


def _repeated(images: Tensor, channels: int) -> Tensor:
    return images.expand(-1, channels, -1, -1)
