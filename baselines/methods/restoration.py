"""Image-only methods that distort an image and restore it with a U-Net decoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from baselines.encoders.resnet import ResNetEncoder
from baselines.encoders.unet import UNetHead
from baselines.objectives.distortions import GenesisRates, genesis, swapped_patches
from benchmark.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.interfaces import BuildContext, PretrainBatch


class RestoringResNet(ResNetEncoder):
    """A ResNet with a U-Net decoder on its four maps.

    Args:
        size: See `ResNetEncoder`; `decoder_widths`, five, the coarsest first.
        options: Of the method.
        image_size: Side of the input in pixels.
    """

    # None: encoder and decoder learn in full.
    without_gradient: tuple[str, ...] = ()

    def __init__(
        self, size: Mapping[str, Any], options: Mapping[str, Any], image_size: int
    ) -> None:
        super().__init__(size, image_size)
        channels = [int(stage["num_chs"]) for stage in self.backbone.feature_info[-4:]]
        self.decoder = UNetHead(channels, size["decoder_widths"], outputs=1)

    def restored(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1, H, W) pixels drawn from the maps, and the last map."""
        maps = self.stages(images)
        return self.decoder(maps, images), maps[-1]


class UndoingResNet(RestoringResNet, ABC):
    """A restoring ResNet that is shown a distorted image and asked for the whole one."""

    @abstractmethod
    def distorted(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """What the encoder is shown."""

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Mean squared error of the restored pixels over the whole image."""
        drawn, _ = self.restored(self.distorted(batch.images, generator))
        loss = pixel_error(drawn, batch.images)
        return {"total": loss, "restoration": loss}


class ContextRestoration(UndoingResNet):
    """Patches that changed places are put back.

    Args:
        size: See `RestoringResNet`.
        options: `swaps`, and `patch_share`, the side of a patch as a share of the image's.
        image_size: Side of the input in pixels.
    """

    def __init__(
        self, size: Mapping[str, Any], options: Mapping[str, Any], image_size: int
    ) -> None:
        super().__init__(size, options, image_size)
        self.swaps, self.patch_share = int(options["swaps"]), float(options["patch_share"])
        if not 0 < self.patch_share <= 0.5 or self.swaps < 1:
            raise UsageError(
                f"{self.swaps} swaps of patches of {self.patch_share:g} of the side are not "
                "possible.",
                remedy="Give at least 1 swap, and a share above 0 and up to 0.5.",
            )

    def distorted(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Images with patches in wrong places."""
        side = max(1, round(self.patch_share * images.shape[-1]))
        return swapped_patches(images, generator, self.swaps, side)


class ModelsGenesis(UndoingResNet):
    """Bent, shuffled and painted images are restored.

    Args:
        size: See `RestoringResNet`.
        options: `curve`, `shuffle`, `paint` and `inner`: see `GenesisRates`.
        image_size: Side of the input in pixels.
    """

    def __init__(
        self, size: Mapping[str, Any], options: Mapping[str, Any], image_size: int
    ) -> None:
        super().__init__(size, options, image_size)
        self.rates = rates_of(options)

    def distorted(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Images after the distortions of Models Genesis."""
        return genesis(images, generator, self.rates)


def rates_of(options: Mapping[str, Any]) -> GenesisRates:
    """The options that are probabilities.

    Raises:
        UsageError: One of them is none.
    """
    rates = {name: float(options[name]) for name in ("curve", "shuffle", "paint", "inner")}
    for name, value in rates.items():
        if not 0 <= value <= 1:
            raise UsageError(f"Option `{name}` is a probability, not {value:g}.")
    return GenesisRates(**rates)


def pixel_error(drawn: Tensor, images: Tensor) -> Tensor:
    """Mean squared error, in float32."""
    return nn.functional.mse_loss(drawn.float(), images.float())


def build_image_only(context: BuildContext, kind: type[ResNetEncoder]) -> Any:
    """Build `kind(size, options, image_size)` with weights from `context.seed`.

    The global generator is left as it was.
    """
    make: Any = kind
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(context.seed)
        return make(context.size, context.options, context.image_size)
