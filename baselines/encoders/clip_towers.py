"""CLIP's two transformers with the names of its plain state dict, for official CheXzero files.

Radford et al., ICML 2021; openai/CLIP and rajpurkarlab/CheXzero. Only what evaluation needs: there
is no start for training from scratch. `clip_towers(state)` builds the towers a file fits.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from baselines.encoders.masked_vit import patch_grid
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD_WIDTH = 64
FACTS = ("input_resolution", "context_length", "vocab_size")
"""Entries of OpenAI's files that are no weights."""


@dataclass(frozen=True)
class ClipSize:
    """Dimensions of the towers; heads are 64 channels wide, as in all published models."""

    embed: int
    image: int
    patch: int
    width: int
    depth: int
    context: int
    vocabulary: int
    text_width: int
    text_depth: int


class QuickGELU(nn.Module):
    """x * sigmoid(1.702 x), the approximation that CLIP was trained with."""

    def forward(self, values: Tensor) -> Tensor:
        """Elementwise."""
        return values * torch.sigmoid(1.702 * values)


class ResidualBlock(nn.Module):
    """Attention and a fourfold perceptron, each behind a LayerNorm and beside a shortcut.

    Args:
        width: Of the tokens, a multiple of 64.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, width // HEAD_WIDTH, batch_first=True)
        self.ln_2 = nn.LayerNorm(width)
        layers = (
            ("c_fc", nn.Linear(width, 4 * width)),
            ("gelu", QuickGELU()),
            ("c_proj", nn.Linear(4 * width, width)),
        )
        self.mlp = nn.Sequential(OrderedDict[str, nn.Module](layers))
        self.drop_path: nn.Module = nn.Identity()

    def forward(self, tokens: Tensor, hidden_from: Tensor | None) -> Tensor:
        """(B, L, width) tokens; `hidden_from` (L, L) is true where a row must not look."""
        normed = self.ln_1(tokens)
        mixed, _ = self.attn(normed, normed, normed, need_weights=False, attn_mask=hidden_from)
        tokens = tokens + self.drop_path(mixed)
        result: Tensor = tokens + self.drop_path(self.mlp(self.ln_2(tokens)))
        return result


class Transformer(nn.Module):
    """A row of blocks.

    Args:
        width: Of the tokens.
        depth: Number of blocks.
    """

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        if width % HEAD_WIDTH:
            raise BadDataError(f"CLIP's heads are {HEAD_WIDTH} wide; {width} is no multiple.")
        self.resblocks = nn.ModuleList(ResidualBlock(width) for _ in range(depth))

    def forward(self, tokens: Tensor, hidden_from: Tensor | None = None) -> Tensor:
        """(B, L, width) tokens after all blocks."""
        for block in self.resblocks:
            tokens = block(tokens, hidden_from)
        return tokens


class VisionTower(nn.Module):
    """Images to tokens: patches, a class token, learned positions, a norm before and after.

    Args:
        size: Of the whole model.
    """

    def __init__(self, size: ClipSize) -> None:
        super().__init__()
        side = size.image // size.patch
        self.patch, self.grid = size.patch, (side, side)
        self.conv1 = nn.Conv2d(3, size.width, size.patch, stride=size.patch, bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(size.width))
        self.positional_embedding = nn.Parameter(torch.zeros(1 + side * side, size.width))
        self.ln_pre = nn.LayerNorm(size.width)
        self.transformer = Transformer(size.width, size.depth)
        self.ln_post = nn.LayerNorm(size.width)
        self.proj = nn.Parameter(torch.zeros(size.width, size.embed))

    def tokens(self, images: Tensor) -> Tensor:
        """(B, 1 + N, width) of images (B, 1 or 3, H, W), class token first, after `ln_post`.

        Officially `ln_post` is for the class token alone; on patches it is MaskCLIP's way.
        """
        grid = patch_grid(images, self.patch)
        patches = self.conv1(images.expand(-1, 3, -1, -1)).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(len(patches), 1, -1)
        placed = torch.cat([first, patches], dim=1) + self._positions(grid)
        normalised: Tensor = self.ln_post(self.transformer(self.ln_pre(placed)))
        return normalised

    def _positions(self, grid: tuple[int, int]) -> Tensor:
        from baselines.encoders.positions import positions_for

        return positions_for(self.positional_embedding[None], self.grid, grid)


class ClipTowers(nn.Module):
    """Both towers and their maps into the shared space.

    Args:
        size: Of the whole model.
    """

    future: Tensor

    def __init__(self, size: ClipSize) -> None:
        super().__init__()
        self.size = size
        self.visual = VisionTower(size)
        self.transformer = Transformer(size.text_width, size.text_depth)
        self.token_embedding = nn.Embedding(size.vocabulary, size.text_width)
        self.positional_embedding = nn.Parameter(torch.zeros(size.context, size.text_width))
        self.ln_final = nn.LayerNorm(size.text_width)
        self.text_projection = nn.Parameter(torch.zeros(size.text_width, size.embed))
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        above = torch.ones(size.context, size.context, dtype=torch.bool).triu(1)
        self.register_buffer("future", above, persistent=False)

    def image_features(self, images: Tensor) -> Tensor:
        """(B, embed) projected class tokens, of any length."""
        features: Tensor = self.visual.tokens(images)[:, 0] @ self.visual.proj
        return features

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) patch tokens, in the space of texts where `projected`."""
        patches = self.visual.tokens(images)[:, 1:]
        return patches @ self.visual.proj if projected else patches

    def text_features(self, ids: Tensor) -> Tensor:
        """(T, embed) of ids (T, L), at most `context` long; read where the id is largest.

        The end token has the largest id; zeros behind it are never looked at, since each token
        sees only those before it.
        """
        length = ids.shape[1]
        if length > self.size.context:
            raise BadDataError(f"A text of {length} tokens; the model reads {self.size.context}.")
        tokens = self.token_embedding(ids) + self.positional_embedding[:length]
        states = self.ln_final(self.transformer(tokens, self.future[:length, :length]))
        ends = states[torch.arange(len(ids), device=ids.device), ids.argmax(dim=1)]
        features: Tensor = ends @ self.text_projection
        return features

    def scale(self) -> Tensor:
        """The factor on cosines."""
        return self.logit_scale.exp()


def clip_size(state: Mapping[str, Tensor]) -> ClipSize:
    """Dimensions from the shapes of a plain CLIP state dict with a vision transformer.

    Raises:
        BadDataError: A tensor that tells a dimension is not there.
    """
    needed = {
        "conv1": "visual.conv1.weight",
        "places": "visual.positional_embedding",
        "proj": "visual.proj",
        "words": "token_embedding.weight",
        "context": "positional_embedding",
    }
    absent = [key for key in needed.values() if key not in state]
    if absent:
        raise BadDataError(f"No CLIP with a vision transformer: {', '.join(absent)} absent.")
    shapes = {name: tuple(state[key].shape) for name, key in needed.items()}
    patch = shapes["conv1"][-1]
    side = math.isqrt(shapes["places"][0] - 1)
    return ClipSize(
        embed=shapes["proj"][1],
        image=side * patch,
        patch=patch,
        width=shapes["conv1"][0],
        depth=_depth(state, "visual.transformer.resblocks."),
        context=shapes["context"][0],
        vocabulary=shapes["words"][0],
        text_width=shapes["words"][1],
        text_depth=_depth(state, "transformer.resblocks."),
    )


def clip_towers(state: Mapping[str, Tensor]) -> ClipTowers:
    """The towers with the weights of a plain CLIP state dict, float32, in eval mode.

    Raises:
        BadDataError: Tensors are absent, unknown or of another shape.
    """
    weights = {key: value.float() for key, value in state.items() if key not in FACTS}
    towers = ClipTowers(clip_size(weights))
    own = {key: tuple(value.shape) for key, value in towers.state_dict().items()}
    given = {key: tuple(value.shape) for key, value in weights.items()}
    wrong = sorted(key for key in own.keys() | given.keys() if own.get(key) != given.get(key))
    if wrong:
        raise BadDataError(
            f"{len(wrong)} of {len(own)} tensors of the CLIP file do not fit: "
            f"{', '.join(wrong[:5])}{' ...' if len(wrong) > 5 else ''}."
        )
    towers.load_state_dict(weights)
    return towers.eval()


def _depth(state: Mapping[str, Tensor], prefix: str) -> int:
    numbers = {key[len(prefix) :].split(".")[0] for key in state if key.startswith(prefix)}
    return len(numbers)
