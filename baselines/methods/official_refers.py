"""Released REFERS weights: the image tower alone, for evaluation.

Its files hold a ViT with learned positions and nothing of the report side. What is trained here,
with fixed positions and a decoder, is `baselines/methods/refers.py`.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from timm.layers import DropPath
from torch import Tensor, nn

from baselines.encoders.imagenet_colours import in_colours
from baselines.encoders.masked_vit import MaskedAutoencoder
from benchmark.errors import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from benchmark.interfaces import BuildContext, PretrainBatch

TOWERS = "image"
"""Value of `towers` in the size of released weights."""

_COLOURS = 3


class OfficialRefers(MaskedAutoencoder):
    """A `benchmark.interfaces.Representation`: REFERS' view encoder, CLS its pooled feature.

    Norms have an epsilon of 1e-6. Positions are interpolated where an image has another size. A
    tower of three channels normalises each colour by its own mean and deviation.

    Args:
        size: Keys of `baselines.encoders.sizes.VIT_IMAGE`.
        image_size: Side of the input in pixels that the table of positions is for.
    """

    tokenizer_json: str | None = None

    def __init__(self, size: Mapping[str, Any], image_size: int) -> None:
        super().__init__({**size, "decoder_depth": 0}, image_size)
        self.pretraining_image_size = image_size
        if self.channels == _COLOURS:
            embed: Any = self.patch_embed
            embed.proj = in_colours(embed.proj)

    def tokens(self, images: Tensor) -> Tensor:
        """(B, 1 + N, width) normalised tokens, CLS first."""
        return self.encode(self.embedded_patches(images))

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> Mapping[str, Tensor]:
        """There is none."""
        raise NotApplicable("Released REFERS weights are evaluated, not trained on.")

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, width) normalised tokens without CLS; there is no projection."""
        return self.tokens(images)[:, 1:].float()

    def pooled_features(self, images: Tensor) -> Tensor:
        """(B, width) CLS."""
        return self.tokens(images)[:, 0].float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, width) CLS: one view's part of what the paper joins to a study's vector."""
        return self.pooled_features(images)

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """There is no text tower."""
        raise NotApplicable("Released REFERS weights hold the image tower alone.")

    def temperature(self) -> float:
        """1: nothing is learned."""
        return 1.0

    def patch_weights(self) -> Tensor | None:
        """None: there is no scoring layer."""
        return None

    def classification_trunk(self, drop_path: float) -> nn.Module:
        """A fresh copy with CLS behind the last norm, as in the official fine-tuning."""
        return RefersTrunk(self, drop_path)

    def progress_arrays(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}


class RefersTrunk(nn.Module):
    """Images (B, 1, S, S) to (B, width) CLS behind the last norm; positions learn, too.

    Stochastic depth grows linearly over the blocks to `drop_path`. The official dropout of 0.1 is
    left out.

    Args:
        tower: Copied.
        drop_path: Of the last block.
    """

    def __init__(self, tower: OfficialRefers, drop_path: float) -> None:
        super().__init__()
        self.tower = copy.deepcopy(tower)
        self.feature_dim = tower.feature_dim
        positions = self.tower.pos_embed.detach().clone()
        del self.tower.pos_embed
        self.tower.pos_embed = nn.Parameter(positions)
        last = max(len(self.tower.blocks) - 1, 1)
        for index, block in enumerate(self.tower.blocks):
            rate = drop_path * index / last
            if rate > 0:
                block.drop_path1, block.drop_path2 = DropPath(rate), DropPath(rate)
        self.requires_grad_(True)

    def forward(self, images: Tensor) -> Tensor:
        """CLS."""
        return self.tower.tokens(images)[:, 0]


def build_official(context: BuildContext) -> OfficialRefers:
    """Initial weights from `context.seed`, the global generator left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(context.seed)
        return OfficialRefers(context.size, context.image_size)
