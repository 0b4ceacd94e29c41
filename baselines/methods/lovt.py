"""The model of LoVT; see `baselines/lovt.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from baselines.encoders.towers import ResNetWithReports
from baselines.methods.choices import check_choices
from baselines.methods.lovt_parts import (
    MeanQueryPool,
    SymmetricCrossAttention,
    only_present,
    padded,
    projection,
    sentences_of,
)
from baselines.methods.sentences import swapped
from baselines.objectives.contrast import gathered
from baselines.objectives.convirt import convirt_loss
from baselines.objectives.lovt import local_losses, region_targets, sentence_targets
from benchmark.data.report_text import sentences
from benchmark.errors import BadDataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.interfaces import PretrainBatch

CHOICES: Mapping[str, Sequence[str]] = {"local_importance": ("attention", "equal")}


class Side(NamedTuple):
    """Images or reports before their heads.

    Attributes:
        parts: (B, N, D) regions or sentences.
        present: (B, N) bool, False = padding.
        whole: (B, D) pooled.
        weights: (B, N) of the pooling.
    """

    parts: Tensor
    present: Tensor
    whole: Tensor
    weights: Tensor


class LoVT(ResNetWithReports):
    """A `benchmark.interfaces.Representation` with a global and a local head on each side.

    Args:
        size: Keys of the towers; `hidden_width` and `shared_width` of the four heads, `pool_heads`
            of the attention pooling.
        options: Of `baselines.lovt`.
        image_size: Side of the input in pixels.
        tokenizer_json: Of the text tower.
    """

    frozen_layers = 6
    frozen_words = True

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
    ) -> None:
        super().__init__(size, image_size, tokenizer_json)
        check_choices(options, CHOICES)
        for name in ("temperature", "local_temperature"):
            if float(options[name]) <= 0:
                raise UsageError(f"Option `{name}` must be positive.")
        for name, end in (("image_weight", 1.0), ("swap_chance", 0.99)):
            if not 0 <= float(options[name]) <= end:
                raise UsageError(f"Option `{name}` must lie in [0, {end:g}].")
        self.options = dict(options)
        self.length = int(size["text_length"])
        image, text = self.feature_dim, int(size["text_width"])
        hidden, shared = int(size["hidden_width"]), int(size["shared_width"])
        self.image_pool = MeanQueryPool(image, size["pool_heads"])
        self.text_pool = MeanQueryPool(text, size["pool_heads"])
        self.image_global = projection(image, hidden, shared)
        self.text_global = projection(text, hidden, shared)
        self.image_local = projection(image, hidden, shared)
        self.text_local = projection(text, hidden, shared)
        self.cross = SymmetricCrossAttention(shared)

    # Pre-training.

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """`total`, `global`, `regions` and `sentences`; sentences are swapped by `generator`."""
        if len(batch.images) != len(batch.texts):
            raise BadDataError(
                f"{len(batch.images)} images meet {len(batch.texts)} texts in one batch."
            )
        chance = float(self.options["swap_chance"])
        reports = [swapped(sentences(text), generator, chance) for text in batch.texts]
        cells = self.last_map(batch.images)
        image, text = self._image_side(cells), self._text_side(reports)
        vectors = self.image_global(image.whole).float(), self.text_global(text.whole).float()
        with torch.autocast(cells.device.type, enabled=False):
            if self.options["gather"]:
                vectors = gathered(vectors[0]), gathered(vectors[1])
            whole, _, _ = convirt_loss(
                *vectors, float(self.options["temperature"]), float(self.options["image_weight"])
            )
        rows, columns = cells.shape[-2:]
        regions, lines = self._local_losses(image, text, rows, columns)
        total = whole + float(self.options["local_weight"]) * (regions + lines)
        return {"total": total, "global": whole, "regions": regions, "sentences": lines}

    def _local_losses(
        self, image: Side, text: Side, rows: int, columns: int
    ) -> tuple[Tensor, Tensor]:
        """Of regions and of sentences, each the sum of its two directions."""
        regions = only_present(self.image_local, image.parts, image.present)
        lines = only_present(self.text_local, text.parts, text.present)
        said, shown = self.cross(regions, lines, text.present)
        targets = (
            region_targets(
                rows,
                columns,
                float(self.options["region_threshold"]),
                float(self.options["region_rate"]),
            ),
            sentence_targets(text.present.shape[1]),
        )
        found = []
        with torch.autocast(regions.device.type, enabled=False):
            for own, context, target, side in zip(
                (regions, lines), (said, shown), targets, (image, text)
            ):
                forth, back = local_losses(
                    own.float(),
                    context.float(),
                    target.to(own.device),
                    side.present,
                    self._importance(side),
                    float(self.options["local_temperature"]),
                )
                found.append(forth + back)
        return found[0], found[1]

    def _importance(self, side: Side) -> Tensor:
        """(B, N) weights in the local losses, which teach the pooling nothing."""
        if self.options["local_importance"] == "equal":
            return torch.ones_like(side.weights)
        return side.weights.detach()

    # Images.

    def _image_side(self, cells: Tensor) -> Side:
        regions = cells.flatten(2).transpose(1, 2)
        present = torch.ones(regions.shape[:2], dtype=torch.bool, device=regions.device)
        return Side(regions, present, *self.image_pool(regions, present))

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) cells of the last map; `projected`, as if each were the whole image."""
        cells = self.last_map(images).flatten(2).transpose(1, 2)
        if not projected:
            return cells.float()
        flat = self.image_global(self.image_pool.alone(cells).flatten(0, 1))
        return flat.unflatten(0, cells.shape[:2]).float()

    def pooled_features(self, images: Tensor) -> Tensor:
        """(B, feature_dim) attention-pooled cells before the head."""
        return self._image_side(self.last_map(images)).whole.float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, shared_width) global vectors."""
        return self.image_global(self._image_side(self.last_map(images)).whole).float()

    # Reports.

    def _text_side(self, reports: Sequence[Sequence[str]]) -> Side:
        device = next(self.text_global.parameters()).device
        split = sentences_of(reports, self.tokenizer, self.length)
        reading = self.read_ids(split.ids.to(device), split.attention.to(device))
        pieces = split.pieces.to(device)
        tokens = reading.last.flatten(0, 1)[pieces.clamp(min=0)]
        rows = tokens.masked_fill((pieces < 0)[:, :, None], -torch.inf).max(dim=1).values
        present = torch.zeros(len(reports), int(split.slot.max()) + 1, dtype=torch.bool)
        present[split.report, split.slot] = True
        present = present.to(device)
        lines = padded(rows, present)
        return Side(lines, present, *self.text_pool(lines, present))

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, shared_width) global vectors of texts of one or more sentences."""
        whole = self._text_side([sentences(text) for text in texts]).whole
        return self.text_global(whole).float()

    def temperature(self) -> float:
        """The fixed inverse temperature of the global loss."""
        return 1 / float(self.options["temperature"])
