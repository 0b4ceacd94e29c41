"""Med-UniC's model for one language, on a vision transformer; see `baselines/medunic.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from baselines.encoders.towers import ViTWithReports, projection_head
from baselines.methods.choices import check_choices
from baselines.objectives.contrast import cosine_logits, gathered, info_nce
from baselines.objectives.decorrelation import ALIGNMENTS, text_alignment
from benchmark.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.interfaces import PretrainBatch

TEMPERATURE = 0.07


class MedUniC(ViTWithReports):
    """CLS and `[CLS]`, two text heads and one image head.

    Args:
        size: See `ViTWithReports`; keys `head_width` and `shared_width` of the heads.
        options: Of `baselines.medunic`.
        image_size: Side of the input in pixels.
        tokenizer_json: Of the text tower.
    """

    frozen_layers = 9

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
    ) -> None:
        super().__init__(size, image_size, tokenizer_json)
        check_choices(options, {"text_alignment": ALIGNMENTS})
        self.options = dict(options)
        hidden, shared = size["head_width"], size["shared_width"]
        self.image_head = projection_head(size["width"], hidden, shared)
        self.report_head = projection_head(size["text_width"], hidden, shared)
        # Texts meet images in one space and other readings of themselves in another.
        self.alignment_head = projection_head(size["text_width"], hidden, shared)

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Losses `image_text`, `image_image`, `text` and their weighted `total`."""
        if batch.second_images is None:
            raise UsageError(
                "Med-UniC compares two views of each image.",
                remedy="Set `image_views = 2` in the pre-training recipe.",
            )
        images = self.image_head(self.tokens(batch.images)[:, 0])
        second_images = self.image_head(self.tokens(batch.second_images)[:, 0])
        # Two readings of the same words; dropout alone makes them differ.
        first, second = (self.read(batch.texts).last[:, 0] for _ in range(2))
        reports = self.report_head(first)
        readings = [self.alignment_head(first), self.alignment_head(second)]
        with torch.autocast(batch.images.device.type, enabled=False):
            parts = [part.float() for part in (images, second_images, reports, *readings)]
            if self.options["gather"]:
                parts = [gathered(part) for part in parts]
            images, second_images, reports, *readings = parts
            image_text = info_nce(cosine_logits(images, reports, 1 / TEMPERATURE))
            image_image = info_nce(cosine_logits(images, second_images, 1 / TEMPERATURE))
            text = text_alignment(*readings, self.options["text_alignment"])
        total = image_text + image_image + float(self.options["text_lambda"]) * text
        return {"total": total, "image_text": image_text, "image_image": image_image, "text": text}

    def pooled_features(self, images: Tensor) -> Tensor:
        """(B, width) CLS."""
        return self.tokens(images)[:, 0].float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, shared) projected CLS."""
        vectors: Tensor = self.image_head(self.tokens(images)[:, 0])
        return vectors.float()

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, shared) projected `[CLS]` of the texts."""
        vectors: Tensor = self.report_head(self.read(texts).last[:, 0])
        return vectors.float()

    def temperature(self) -> float:
        """The fixed inverse temperature."""
        return 1 / TEMPERATURE
