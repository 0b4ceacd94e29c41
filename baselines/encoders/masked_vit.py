"""A masked-autoencoder vision transformer with the parameter names of MAE, MRM and MaCo."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from timm.layers import DropPath, PatchEmbed
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from baselines.encoders.positions import Formula, positions_for, sincos_table
from baselines.encoders.stem import ConvolutionStem, without_removed
from benchmark.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NORM = partial(nn.LayerNorm, eps=1e-6)


def random_mask(noise: Tensor, mask_ratio: float) -> tuple[Tensor, Tensor, Tensor]:
    """Which patches are kept: those with the lowest noise.

    Args:
        noise: (B, N) uniform.
        mask_ratio: Removed fraction; int(N * (1 - ratio)) patches stay.

    Returns:
        kept (B, K) patch indices in order of noise; restore (B, N), where each patch stands in
        that order; mask (B, N) in image order, 1 = removed.
    """
    count = int(noise.shape[1] * (1 - mask_ratio))
    order = torch.argsort(noise, dim=1)
    restore = torch.argsort(order, dim=1)
    return order[:, :count], restore, (restore >= count).float()


def patch_grid(images: Tensor, patch: int) -> tuple[int, int]:
    """Rows and columns of patches of images (B, C, H, W).

    Raises:
        UsageError: The sides are no multiples of the patch.
    """
    height, width = images.shape[-2:]
    if height % patch or width % patch:
        raise UsageError(
            f"An image of {height} x {width} px cannot be cut into patches of {patch} px.",
            remedy=f"Choose an image size that is a multiple of {patch}.",
        )
    return height // patch, width // patch


def _blocks(width: int, depth: int, heads: int) -> nn.ModuleList:
    if width % heads:
        raise UsageError(f"A width of {width} cannot be split over {heads} attention heads.")
    return nn.ModuleList(
        Block(width, heads, mlp_ratio=4.0, qkv_bias=True, norm_layer=_NORM) for _ in range(depth)
    )


class MaskedAutoencoder(nn.Module):
    """ViT encoder, light decoder (He et al., CVPR 2022; official code of MaCo).

    Images are (B, 1, H, W), repeated to the encoder's channels, or already have those.

    Args:
        size: Keys `patch`, `channels`, `width`, `depth`, `heads` and `decoder_*`; a
            `decoder_depth` of 0 builds no decoder. `stem` may be `convolution`.
        image_size: Side of the encoder's input in pixels.
        target_scale: 2 when the decoder predicts an image of twice the side, else 1.
        positions: Formula of the sin-cos tables.
    """

    pos_embed: Tensor
    decoder_pos_embed: Tensor

    def __init__(
        self,
        size: Mapping[str, Any],
        image_size: int,
        target_scale: int = 1,
        positions: Formula = "odd",
    ) -> None:
        super().__init__()
        patch, width = size["patch"], size["width"]
        if image_size < patch or image_size % patch:
            raise UsageError(
                f"An image of {image_size} px cannot be cut into patches of {patch} px.",
                remedy=f"Choose an image size that is a multiple of {patch}.",
            )
        self.image_size, self.patch, self.channels = image_size, patch, size["channels"]
        self.grid = (image_size // patch, image_size // patch)
        self.feature_dim: int = width
        self.target_patch = patch * target_scale
        self.patch_embed: nn.Module
        if size.get("stem") == "convolution":
            self.patch_embed = ConvolutionStem(patch, self.channels, width)
        else:
            self.patch_embed = PatchEmbed(
                image_size, patch, self.channels, width, strict_img_size=False
            )
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.register_buffer("pos_embed", sincos_table(width, self.grid, positions))
        self.blocks = _blocks(width, size["depth"], size["heads"])
        self.norm = _NORM(width)
        self.has_decoder = size["decoder_depth"] > 0
        if self.has_decoder:
            self._add_decoder(size, positions)

    def _add_decoder(self, size: Mapping[str, Any], positions: Formula) -> None:
        width = size["decoder_width"]
        self.decoder_embed = nn.Linear(size["width"], width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.register_buffer("decoder_pos_embed", sincos_table(width, self.grid, positions))
        self.decoder_blocks = _blocks(width, size["decoder_depth"], size["decoder_heads"])
        self.decoder_norm = _NORM(width)
        self.decoder_pred = nn.Linear(width, self.target_patch**2 * self.channels)

    def initialise(self) -> None:
        """Official start values: Xavier-uniform linear layers, N(0, 0.02) tokens.

        They come from torch's global generator, which the caller forks.
        """
        self.apply(_initialise_layer)
        nn.init.xavier_uniform_(self.patch_embed.proj.weight.data.flatten(1))
        nn.init.normal_(self.cls_token, std=0.02)
        if self.has_decoder:
            nn.init.normal_(self.mask_token, std=0.02)

    def as_channels(self, images: Tensor) -> Tensor:
        """Grey images repeated to the encoder's channels, without a copy."""
        return images.expand(-1, self.channels, -1, -1)

    def embedded_patches(self, images: Tensor) -> Tensor:
        """(B, N, width) patch embeddings with their positions, for any multiple of the patch."""
        grid = patch_grid(images, self.patch)
        tokens: Tensor = self.patch_embed(self.as_channels(images))
        return tokens + positions_for(self.pos_embed, self.grid, grid)[:, 1:]

    def encode(self, patches: Tensor) -> Tensor:
        """(B, 1 + n, width) normalised tokens, CLS first, of any set of embedded patches."""
        cls = (self.cls_token + self.pos_embed[:, :1]).expand(len(patches), -1, -1)
        tokens = torch.cat([cls, patches], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        normalised: Tensor = self.norm(tokens)
        return normalised

    def encode_masked(self, images: Tensor, noise: Tensor, mask_ratio: float) -> tuple[Tensor, ...]:
        """Encoder output of the kept patches, with the mask.

        Returns:
            tokens (B, 1 + K, width), CLS first, then patches in order of noise; mask (B, N),
            1 = removed; restore (B, N).
        """
        kept, restore, mask = random_mask(noise, mask_ratio)
        if isinstance(self.patch_embed, ConvolutionStem):
            images = without_removed(images, mask, self.grid)
        patches = self.embedded_patches(images)
        chosen = patches.gather(1, kept[:, :, None].expand(-1, -1, patches.shape[2]))
        return self.encode(chosen), mask, restore

    def decode(self, tokens: Tensor, restore: Tensor) -> Tensor:
        """(B, N, values) predicted patches in image order, from `encode_masked`'s output."""
        embedded = self.decoder_embed(tokens)
        absent = restore.shape[1] + 1 - tokens.shape[1]
        filler = self.mask_token.to(embedded.dtype).expand(len(embedded), absent, -1)
        patches = torch.cat([embedded[:, 1:], filler], dim=1)
        patches = patches.gather(1, restore[:, :, None].expand(-1, -1, patches.shape[2]))
        hidden = torch.cat([embedded[:, :1], patches], dim=1) + self.decoder_pos_embed
        for block in self.decoder_blocks:
            hidden = block(hidden)
        predictions: Tensor = self.decoder_pred(self.decoder_norm(hidden)[:, 1:])
        return predictions

    def classification_trunk(self, drop_path: float) -> nn.Module:
        """A fresh copy of the encoder for fine-tuning; see `ClassificationTrunk`."""
        return ClassificationTrunk(self, drop_path)

    def dense_trunk(
        self,
        taps: Sequence[int],
        drop_path: float = 0.0,
        window: int = 0,
        global_blocks: Sequence[int] = (),
    ) -> nn.Module:
        """A fresh copy of the encoder for segmentation and detection; see `DenseViT`."""
        from baselines.encoders.dense_vit import DenseViT

        return DenseViT(self, taps, drop_path, window, global_blocks)


class ClassificationTrunk(nn.Module):
    """Images (B, 1, S, S) to (B, feature_dim): mean over patches, then a new LayerNorm.

    The official fine-tuning of MaCo and MRM: CLS is not pooled, the encoder's final norm is
    dropped, stochastic depth grows linearly to `drop_path`.
    """

    pos_embed: Tensor

    def __init__(self, encoder: MaskedAutoencoder, drop_path: float) -> None:
        super().__init__()
        self.channels, self.patch, self.grid = encoder.channels, encoder.patch, encoder.grid
        self.feature_dim = encoder.feature_dim
        self.patch_embed = copy.deepcopy(encoder.patch_embed)
        self.cls_token = copy.deepcopy(encoder.cls_token)
        self.register_buffer("pos_embed", encoder.pos_embed.detach().clone())
        self.blocks = copy.deepcopy(encoder.blocks)
        self.fc_norm = _NORM(encoder.feature_dim).to(encoder.cls_token.device)
        for index, block in enumerate(self.blocks):
            rate = drop_path * index / max(len(self.blocks) - 1, 1)
            if rate > 0:
                block.drop_path1, block.drop_path2 = DropPath(rate), DropPath(rate)
        self.requires_grad_(True)

    def forward(self, images: Tensor) -> Tensor:
        """Pooled features."""
        grid = patch_grid(images, self.patch)
        tokens = self.patch_embed(images.expand(-1, self.channels, -1, -1))
        cls = self.cls_token.expand(len(tokens), -1, -1)
        tokens = torch.cat([cls, tokens], dim=1) + positions_for(self.pos_embed, self.grid, grid)
        for block in self.blocks:
            tokens = block(tokens)
        pooled: Tensor = self.fc_norm(tokens[:, 1:].mean(dim=1))
        return pooled


def _initialise_layer(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.LayerNorm):
        nn.init.ones_(module.weight)
        nn.init.zeros_(module.bias)
