"""Released CheXzero weights: CLIP's own two transformers, for evaluation alone.

See `baselines/encoders/clip_towers.py` for the towers and `baselines/chexzero.py` for the method
that is trained here, whose towers are others.
"""

from __future__ import annotations

import copy
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import torch
from timm.layers import DropPath
from torch import Tensor, nn

from baselines.encoders.clip_towers import ClipSize, ClipTowers, VisionTower
from benchmark.errors import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from benchmark.interfaces import BuildContext, PretrainBatch

TOWERS = "clip"
"""Value of `towers` in the size of released weights."""


class OfficialClip(ClipTowers):
    """A `benchmark.interfaces.Representation` of CLIP's towers; its state has the official names.

    Pooled features are the class token after the last norm; patches go through the same norm and,
    where projected, the same matrix, which no loss ever asked of them.

    Args:
        context: Its size has the fields of `ClipSize`.
    """

    tokenizer_json: str | None = None

    def __init__(self, context: BuildContext) -> None:
        names = [item.name for item in fields(ClipSize)]
        super().__init__(ClipSize(**{name: int(context.size[name]) for name in names}))
        self.image_size = self.pretraining_image_size = context.image_size
        self.grid = self.visual.grid
        self.feature_dim = self.size.width

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> Mapping[str, Tensor]:
        """There is none."""
        raise NotApplicable("Released CheXzero weights are evaluated, not trained on.")

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) patch tokens after the last norm."""
        return super().patch_features(images, projected).float()

    def pooled_features(self, images: Tensor) -> Tensor:
        """(B, width) class tokens after the last norm."""
        tokens: Tensor = self.visual.tokens(images)
        return tokens[:, 0].float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, embed) projected class tokens."""
        return self.image_features(images).float()

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, embed) of texts cut to the model's length, by OpenAI's byte pairs."""
        device = self.logit_scale.device
        return self.text_features(byte_pairs(texts, self.size.context).to(device)).float()

    def temperature(self) -> float:
        """The learned factor on cosines."""
        return float(self.scale())

    def patch_weights(self) -> Tensor | None:
        """None: there is no scoring layer."""
        return None

    def classification_trunk(self, drop_path: float) -> nn.Module:
        """A fresh copy of the image tower; see `ClipTrunk`."""
        return ClipTrunk(self.visual, drop_path)

    def dense_trunk(
        self,
        taps: Sequence[int],
        drop_path: float = 0.0,
        window: int = 0,
        global_blocks: Sequence[int] = (),
    ) -> nn.Module:
        """Not offered."""
        raise NotApplicable(
            f"Released CheXzero weights see patches of {self.visual.patch} px: there is no map "
            "fine enough for segmentation or detection."
        )

    def progress_arrays(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}


class ClipTrunk(nn.Module):
    """Images (B, 1, S, S) to (B, width) class tokens after the last norm.

    Stochastic depth grows linearly over the blocks to `drop_path`.

    Args:
        tower: Copied.
        drop_path: Of the last block.
    """

    def __init__(self, tower: VisionTower, drop_path: float) -> None:
        super().__init__()
        self.tower = copy.deepcopy(tower)
        blocks: Any = self.tower.transformer.resblocks
        for index, block in enumerate(blocks):
            rate = drop_path * index / max(len(blocks) - 1, 1)
            block.drop_path = DropPath(rate) if rate > 0 else nn.Identity()
        # Class tokens alone are used, so that the map into the space of texts learns nothing.
        del self.tower.proj
        self.requires_grad_(True)

    def forward(self, images: Tensor) -> Tensor:
        """Class tokens."""
        tokens: Tensor = self.tower.tokens(images)
        return tokens[:, 0]


def byte_pairs(texts: Sequence[str], length: int) -> Tensor:
    """(T, length) ids of CLIP's published vocabulary, which open_clip brings along.

    Lower case, a start and an end token, zeros behind; a longer text is cut before its end token.
    """
    from open_clip.tokenizer import SimpleTokenizer

    ids: Tensor = SimpleTokenizer(context_length=length)(list(texts))
    return ids
