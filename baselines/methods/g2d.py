"""The model class of G2D."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from baselines.encoders.towers import ResNetWithReports
from baselines.encoders.unet import UNetHead
from baselines.encoders.wordpiece import ReportTokenizer
from baselines.methods.g2d_settings import checked, head_width, mask_rule, projector_width
from baselines.methods.g2d_text import TextProjection, padded
from baselines.objectives.attention_pooling import AttentionPool
from baselines.objectives.contrast import gathered
from baselines.objectives.dense_alignment import (
    dense_loss,
    global_loss,
    of_other_images,
    restoration_loss,
)
from baselines.objectives.pseudo_mask import pseudo_masks
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.interfaces import PretrainBatch


class G2D(ResNetWithReports):
    """A `benchmark.interfaces.Representation`: contrast of whole images, a decoder beside it.

    Args:
        size: Keys of the towers, `projector_width`, `head_width`, `decoder_widths` and
            `report_length`.
        options: See `baselines.g2d`.
        image_size: Side of the input in pixels.
        tokenizer_json: Of the text tower.
    """

    frozen_layers = 9
    forward_passes: Tensor

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
    ) -> None:
        super().__init__(size, image_size, tokenizer_json)
        self.options = checked(options)
        # Texts are cut below the number of positions, which stays that of the start weights.
        self.report_length = int(size["report_length"])
        self.tokenizer = ReportTokenizer(
            self.tokenizer.json, self.report_length, size["vocabulary"]
        )
        width, heads = projector_width(size, options), int(options["heads"])
        self.proj_v = nn.Sequential(
            nn.Conv2d(self.feature_dim, width, 1, bias=False),
            nn.BatchNorm2d(width, affine=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 1, bias=False),
        )
        self.proj_t = TextProjection(int(size["text_width"]), width)
        self.attnpool = AttentionPool(width, heads, head_width(size, options), self.grid)
        self.unet: UNetHead | None = None
        if options["decoder_loss"] != "none":
            drawn = heads if self._draws_heads() else 1
            self.unet = UNetHead(self._stage_channels(), size["decoder_widths"], drawn)
        self.register_buffer("forward_passes", torch.zeros((), dtype=torch.int64))

    def _draws_heads(self) -> bool:
        """Whether there is a mask for each head."""
        return self.options["decoder_loss"] == "pseudo_mask" and not self.options["aggregation"]

    def _stage_channels(self) -> list[int]:
        return [int(stage["num_chs"]) for stage in self.backbone.feature_info[-4:]]

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """`total`, `global` and, with a decoder, `dense`; shuffled masks draw from `generator`."""
        images = batch.images
        if len(images) != len(batch.texts):
            raise BadDataError(f"{len(images)} images meet {len(batch.texts)} texts in one batch.")
        maps = self.stages(images)
        pooled, attention = self.attnpool(self.proj_v(maps[-1]))
        contrast = self.contrast(pooled, self.text_vectors(batch.texts))
        if self.unet is None:
            return {"total": contrast, "global": contrast}
        dense = self.decoder_loss(self.unet(maps, images), attention, images, generator)
        share = 0.0 if self._warming_up() else 1.0
        return {"total": contrast + share * dense, "global": contrast, "dense": dense}

    def _warming_up(self) -> bool:
        """Whether the decoder's loss does not count yet; counts a pass in training mode."""
        before = self.forward_passes.clone()
        if self.training:
            self.forward_passes += 1
        steps = int(self.options["warmup_steps"])
        return steps > 0 and bool(before < steps)

    def contrast(self, images: Tensor, texts: Tensor) -> Tensor:
        """The global loss of vectors (B, D), in float32."""
        with torch.autocast(images.device.type, enabled=False):
            images, texts = images.float(), texts.float()
            if self.options["gather"]:
                images, texts = gathered(images), gathered(texts)
            return global_loss(
                images, texts, float(self.options["temperature"]), self.options["contrast"]
            )

    def decoder_loss(
        self, drawn: Tensor, attention: Tensor, images: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Loss of what the decoder drew, (B, K, H, W), in float32.

        Args:
            drawn: Output of the decoder.
            attention: (B, heads, rows, columns).
            images: (B, 1, H, W).
            generator: Of the order of shuffled masks.
        """
        with torch.autocast(images.device.type, enabled=False):
            drawn, images = drawn.float(), images.float()
            if self.options["decoder_loss"] == "reconstruction":
                return restoration_loss(drawn, images)
            targets = pseudo_masks(attention.detach(), images, mask_rule(self.options))
            if self.options["shuffled_masks"]:
                targets = of_other_images(targets, generator)
            return dense_loss(drawn, targets, self.options["dense_loss"])

    def text_vectors(self, texts: Sequence[str]) -> Tensor:
        """(T, D) projected CLS states; in training mode the statistics are those of this batch."""
        device = self.proj_t.first.weight.device
        ids, attention = (part.to(device) for part in self.tokenizer(texts))
        over_padding = self.options["text_statistics"] == "padded"
        if self.training and over_padding:
            ids, attention = (padded(part, self.report_length) for part in (ids, attention))
        states = self.read_ids(ids, attention).last
        vectors: Tensor = self.proj_t(states, None if over_padding else attention)
        return vectors

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) cells of the last map; `projected`: after the convolutions of the head."""
        cells = self.last_map(images)
        cells = self.proj_v(cells) if projected else cells
        return cells.flatten(2).transpose(1, 2).float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, D) attention-pooled vectors."""
        pooled: Tensor = self.attnpool(self.proj_v(self.last_map(images)))[0]
        return pooled.float()

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, D) projected CLS states."""
        return self.text_vectors(texts).float()

    def temperature(self) -> float:
        """The fixed one, as a factor."""
        return 1 / float(self.options["temperature"])

    def segmentation_decoder(self) -> dict[str, Tensor] | None:
        """The U-Net's tensors; None without one that learned to draw."""
        if self.unet is None:
            return None
        return {name: value.detach().clone() for name, value in self.unet.state_dict().items()}
