"""The model class of BioViL-T: a patch has a part of its own and a part that tells what changed.

Bannur et al., CVPR 2023; names below the modules are those of the official weight file. Made for
released weights: dropout and stochastic depth of the comparison, which act in training alone, are
left out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from baselines.methods.biovil import BioViL
from baselines.objectives.biovil import PatchProjector
from benchmark.errors import NotApplicable, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.interfaces import PretrainBatch

_NORM_EPSILON = 1e-6
_PERIOD = 10000.0
_SPREAD = 0.02


def sine_places(width: int, rows: int, columns: int) -> Tensor:
    """Fixed places of the cells of a map, as DETR has them; they are not stored with weights.

    The first half of the channels encodes the row, the second the column. Row i of n counts as
    2 pi (i + 1) / n, so that the table spans one turn whatever the grid; sine and cosine of one
    frequency stand side by side.

    Args:
        width: Channels, a multiple of 4.
        rows: Of the map.
        columns: Likewise.

    Returns:
        (rows * columns, width) float32.
    """
    if width % 4:
        raise UsageError(f"Sine places need a width that 4 divides, not {width}.")
    frequencies = _PERIOD ** -(torch.arange(width // 4, dtype=torch.float32) / (width // 4))
    axes = []
    for count in (rows, columns):
        turns = 2 * math.pi * torch.arange(1, count + 1, dtype=torch.float32) / count
        angles = turns[:, None] * frequencies
        axes.append(torch.stack((angles.sin(), angles.cos()), dim=2).flatten(1))
    down = axes[0][:, None].expand(-1, columns, -1)
    across = axes[1][None].expand(rows, -1, -1)
    return torch.cat((down, across), dim=2).flatten(0, 1)


class PlacedAttention(nn.Module):
    """Attention of (B, L, width) tokens on one another.

    Args:
        width: Of the tokens.
        heads: A divisor of the width.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.proj_q = nn.Linear(width, width, bias=False)
        self.proj_k = nn.Linear(width, width, bias=False)
        self.proj_v = nn.Linear(width, width, bias=False)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, L, width)."""
        parts = (layer(tokens) for layer in (self.proj_q, self.proj_k, self.proj_v))
        split = [part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in parts]
        mixed = nn.functional.scaled_dot_product_attention(*split)
        out: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return out


class CompareBlock(nn.Module):
    """A pre-norm transformer block that sees places anew: in keys, queries and values alike.

    Args:
        width: Of the tokens, and of the hidden layer.
        heads: A divisor of the width.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=_NORM_EPSILON)
        self.attn = PlacedAttention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=_NORM_EPSILON)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, width), "fc2": nn.Linear(width, width)})

    def forward(self, tokens: Tensor, places: Tensor) -> Tensor:
        """(B, L, width), from tokens of that shape and (L, width) places."""
        tokens = tokens + self.attn(self.norm1(tokens) + places)
        hidden = nn.functional.gelu(self.mlp["fc1"](self.norm2(tokens)))
        out: Tensor = tokens + self.mlp["fc2"](hidden)
        return out


class ImageComparison(nn.Module):
    """Blocks over the patches of a current and an earlier image together.

    Args:
        width: Channels of both maps.
        layers: How many blocks.
        heads: A divisor of the width.
    """

    def __init__(self, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.type_embed = nn.Parameter(torch.empty(2, 1, width))
        nn.init.trunc_normal_(self.type_embed, std=_SPREAD)
        self.blocks = nn.ModuleList(CompareBlock(width, heads) for _ in range(layers))
        self.norm_post = nn.LayerNorm(width, eps=_NORM_EPSILON)

    def forward(self, current: Tensor, earlier: Tensor) -> Tensor:
        """What has changed at each patch of the current image.

        Args:
            current: (B, width, rows, columns).
            earlier: Of the same shape.

        Returns:
            (B, width, rows, columns).
        """
        rows, columns = current.shape[2:]
        tokens = torch.cat((current.flatten(2), earlier.flatten(2)), dim=2).transpose(1, 2)
        cells = sine_places(current.shape[1], rows, columns).to(self.type_embed)
        places = (cells + self.type_embed).flatten(0, 1)
        for block in self.blocks:
            tokens = block(tokens, places)
        changed: Tensor = self.norm_post(tokens)[:, : rows * columns]
        return changed.transpose(1, 2).reshape(current.shape)


class BioViLT(BioViL):
    """A `benchmark.interfaces.Representation`, for evaluation alone.

    Patches without projection are those of the ResNet, of which the patch's own part is a linear
    map, so that probes and trunks see one width.

    Args:
        size: As `BioViL` takes it; `patch_width`, `compare_layers`, `compare_heads`.
        options: `temperature`, `strip_prompts`.
        image_size: Side of the input in pixels.
        tokenizer_json: Of the text tower.
    """

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
    ) -> None:
        super().__init__(size, {**options, "language_weight": 0.0}, image_size, tokenizer_json)
        width = int(size["patch_width"])
        self.backbone_to_vit = nn.Conv2d(self.feature_dim, width, 1, bias=False)
        self.vit_pooler = ImageComparison(width, size["compare_layers"], size["compare_heads"])
        self.missing_previous_emb = nn.Parameter(torch.empty(1, width, 1, 1))
        nn.init.trunc_normal_(self.missing_previous_emb, std=_SPREAD)
        # In place of BioViL's, which reads the ResNet's map.
        self.projector = PatchProjector(2 * width, size["shared_width"])

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """There is none."""
        raise NotApplicable(
            "BioViL-T has no pre-training objective here: its recipe is not public."
        )

    def fused_map(self, images: Tensor, earlier: Tensor | None = None) -> Tensor:
        """Patches of a current image beside what has changed at them.

        Args:
            images: (B, 1, S, S).
            earlier: Of the same shape, an earlier image of each patient; without it the second
                half is the learned vector of a missing one, at every patch.

        Returns:
            (B, 2 * patch_width, rows, columns).
        """
        own = self.backbone_to_vit(self.last_map(images))
        if earlier is None:
            changed = self.missing_previous_emb.expand_as(own)
        else:
            changed = self.vit_pooler(own, self.backbone_to_vit(self.last_map(earlier)))
        return torch.cat((own, changed), dim=1)

    def patch_features(
        self, images: Tensor, projected: bool, earlier: Tensor | None = None
    ) -> Tensor:
        """(B, N, D) cells of the ResNet's map, or, `projected`, of `fused_map`."""
        maps = (
            self.projector(self.fused_map(images, earlier)) if projected else self.last_map(images)
        )
        return maps.flatten(2).transpose(1, 2).float()

    def image_embedding(self, images: Tensor, earlier: Tensor | None = None) -> Tensor:
        """(B, shared_width) mean of the projected patches; `earlier` as in `fused_map`."""
        return self.patch_features(images, projected=True, earlier=earlier).mean(dim=1)
