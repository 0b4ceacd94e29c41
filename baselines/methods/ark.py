"""Ark's image tower, a Swin transformer of timm with a classifier for each data set of its labels.

For evaluation alone; see `baselines/ark.py`.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from timm.layers import DropPath
from timm.models.swin_transformer import SwinTransformer
from torch import Tensor, nn

from baselines.encoders.imagenet_colours import in_colours
from benchmark.errors import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from benchmark.interfaces import BuildContext, PretrainBatch

_COLOURS = 3


class Ark(nn.Module):
    """A `benchmark.interfaces.Representation`: Swin, its projector and its classifiers.

    Patches are the cells of the last stage after the last norm, and their mean is the official
    feature of the encoder. An image's vector is that mean behind the projector, which the official
    code calls the embedding; the classifiers read it.

    Args:
        size: `patch`, `channels`, `width` of the first stage, `depths` and `heads` of each stage,
            `window` in cells; `projector_layers` (0 = none, 1 = linear, 2 with ReLU between) of
            `projector_width`; `labels`, how many each classifier tells.
        image_size: Side of the input in pixels; other sizes can be encoded, too.
    """

    tokenizer_json: str | None = None

    def __init__(self, size: Mapping[str, Any], image_size: int) -> None:
        super().__init__()
        self.swin = make_swin(size, image_size)
        self.feature_dim = int(self.swin.num_features)
        layers, width = int(size["projector_layers"]), int(size["projector_width"])
        self.projector = make_projector(self.feature_dim, width, layers)
        read = width if layers else self.feature_dim
        self.omni_heads = nn.ModuleList([nn.Linear(read, count) for count in size["labels"]])
        self.image_size = self.pretraining_image_size = image_size
        side = -(-image_size // int(self.swin.feature_info[-1]["reduction"]))
        self.grid = (side, side)

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> Mapping[str, Tensor]:
        """There is none."""
        raise NotApplicable(
            "Ark's pre-training objective needs the expert labels of six data sets; its released "
            "weights are evaluated, not trained on."
        )

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) cells of the last stage after the last norm, or projected."""
        cells: Tensor = self.swin.norm(stage_maps(self.swin, images)[-1]).flatten(1, 2)
        if projected:
            cells = self.projector(cells)
        return cells.float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, projector_width) projected mean of the cells."""
        vectors: Tensor = self.projector(self.patch_features(images, projected=False).mean(dim=1))
        return vectors.float()

    def label_logits(self, images: Tensor) -> list[Tensor]:
        """(B, labels) of each classifier, in the order in which the data sets were trained on.

        The released six: MIMIC-CXR, CheXpert, ChestX-ray14, RSNA (a choice of three), VinDr-CXR,
        Shenzhen.
        """
        vectors = self.image_embedding(images)
        return [head(vectors).float() for head in self.omni_heads]

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """There is no text tower."""
        raise NotApplicable("Ark learned from labels: it has no text tower.")

    def temperature(self) -> float:
        """1: nothing is learned."""
        return 1.0

    def patch_weights(self) -> Tensor | None:
        """None: there is no scoring layer."""
        return None

    def classification_trunk(self, drop_path: float) -> nn.Module:
        """A fresh copy of the transformer with the mean of its cells; see `SwinTrunk`."""
        return SwinTrunk(self.swin, drop_path)

    def dense_trunk(
        self,
        taps: Sequence[int],
        drop_path: float = 0.0,
        window: int = 0,
        global_blocks: Sequence[int] = (),
    ) -> nn.Module:
        """A fresh copy with the maps of its four stages; taps and windows are a plain ViT's."""
        return DenseSwin(self.swin, drop_path)

    def progress_arrays(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}


class SwinTrunk(nn.Module):
    """Images (B, 1, S, S) to (B, feature_dim): mean of the last stage's cells after the last norm.

    Stochastic depth grows linearly over the blocks to `drop_path`.

    Args:
        swin: Copied.
        drop_path: Of the last block.
    """

    def __init__(self, swin: SwinTransformer, drop_path: float) -> None:
        super().__init__()
        self.swin = copy.deepcopy(swin)
        stages: Any = self.swin.layers
        blocks = [block for stage in stages for block in stage.blocks]
        for index, block in enumerate(blocks):
            rate = drop_path * index / max(len(blocks) - 1, 1)
            for name in ("drop_path1", "drop_path2"):
                setattr(block, name, DropPath(rate) if rate > 0 else nn.Identity())
        self.requires_grad_(True)

    def forward(self, images: Tensor) -> Tensor:
        """Pooled features."""
        last: Tensor = self.swin.norm(stage_maps(self.swin, images)[-1])
        return last.mean(dim=(1, 2))


class DenseSwin(SwinTrunk):
    """Images (B, 1, H, W) to the maps of the four stages, the finest first.

    A `benchmark.interfaces.DenseTrunk`. As in mmdet's Swin, a norm stands behind every stage; that
    of the last is the pre-trained one, the others begin as they are built. A stage counts as one
    layer, as for a ResNet.
    """

    def __init__(self, swin: SwinTransformer, drop_path: float = 0.0) -> None:
        super().__init__(swin, drop_path)
        stages = self.swin.feature_info
        self.channels = tuple(int(stage["num_chs"]) for stage in stages)
        self.strides = tuple(int(stage["reduction"]) for stage in stages)
        self.layers = len(stages) + 1
        self.norms = nn.ModuleList([nn.LayerNorm(width) for width in self.channels[:-1]])

    def layer_of(self, parameter: str) -> int:
        """0 for the embedding of patches, i for the i-th stage and the norm behind it."""
        parts = parameter.removeprefix("swin.").split(".")
        if parts[0] in ("layers", "norms"):
            return int(parts[1]) + 1
        return self.layers - 1 if parts[0] == "norm" else 0

    def forward(self, images: Tensor) -> list[Tensor]:
        """One (B, channels, H / stride, W / stride) map per stage."""
        norms = (*self.norms, self.swin.norm)
        maps = stage_maps(self.swin, images)
        return [norm(one).permute(0, 3, 1, 2) for norm, one in zip(norms, maps, strict=True)]


def make_swin(size: Mapping[str, Any], image_size: int) -> SwinTransformer:
    """A Swin without classifier that takes images of any side that its patches divide.

    Args:
        size: As `Ark` takes it.
        image_size: Side in pixels; no weight depends on it.
    """
    swin = SwinTransformer(
        img_size=image_size,
        patch_size=size["patch"],
        in_chans=size["channels"],
        num_classes=0,
        embed_dim=size["width"],
        depths=tuple(size["depths"]),
        num_heads=tuple(size["heads"]),
        window_size=size["window"],
        drop_path_rate=0.0,
        # Windows keep their side, and with it the tables their rows, however small the image is.
        always_partition=True,
        strict_img_size=False,
    )
    if size["channels"] == _COLOURS:
        embed: Any = swin.patch_embed
        embed.proj = in_colours(embed.proj)
    return swin


def make_projector(width: int, out: int, layers: int) -> nn.Module:
    """Linear, or two layers with ReLU between, or nothing."""
    if layers == 0:
        return nn.Identity()
    if layers == 1:
        return nn.Linear(width, out)
    return nn.Sequential(nn.Linear(width, out), nn.ReLU(), nn.Linear(out, out))


def stage_maps(swin: SwinTransformer, images: Tensor) -> list[Tensor]:
    """(B, rows, columns, C) maps of the stages before any norm, the finest first.

    Every second block shifts its windows by half their side, unless one window holds the whole
    map. timm settles that once, for the size it builds for; here each image's own size does.
    """
    stages: Any = swin.layers
    tokens: Tensor = swin.patch_embed(images.expand(-1, swin.in_chans, -1, -1))
    maps = []
    for index, stage in enumerate(stages):
        rows, columns = (-(-side // (2 if index else 1)) for side in tokens.shape[1:3])
        for place, block in enumerate(stage.blocks):
            shift = [
                window // 2 if place % 2 and side > window else 0
                for side, window in zip((rows, columns), block.window_size, strict=True)
            ]
            block.shift_size = tuple(shift)
        tokens = stage(tokens)
        maps.append(tokens)
    return maps


def build_ark(context: BuildContext) -> Ark:
    """Initial weights from `context.seed`, the global generator left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(context.seed)
        return Ark(context.size, context.image_size)
