"""REFERS' model for one view, on a vision transformer; see `baselines/refers.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from baselines.encoders.towers import ViTWithReports
from baselines.objectives.contrast import cosine_logits, gathered, row_losses
from benchmark.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.encoders.reports import Reading
    from benchmark.interfaces import PretrainBatch

TEMPERATURE = 0.1


class CaptionDecoder(nn.Module):
    """Writes a report from patches, piece by piece: one post-norm layer, tied word vectors.

    Args:
        vocabulary: Word pieces.
        length: Longest report in pieces.
        image_width: Of the patches.
        size: Keys `caption_width`, `caption_heads`, `caption_intermediate`, `text_dropout`.
    """

    def __init__(
        self, vocabulary: int, length: int, image_width: int, size: Mapping[str, Any]
    ) -> None:
        super().__init__()
        width, dropout = size["caption_width"], float(size["text_dropout"])
        self.words = nn.Embedding(vocabulary, width, padding_idx=0)
        self.places = nn.Embedding(length, width)
        for table in (self.words, self.places):
            nn.init.normal_(table.weight, std=0.02)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.memory = nn.Linear(image_width, width)
        self.layer = nn.TransformerDecoderLayer(
            width,
            size["caption_heads"],
            size["caption_intermediate"],
            dropout,
            activation="gelu",
            batch_first=True,
        )
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, ids: Tensor, patches: Tensor) -> Tensor:
        """(T, L, vocabulary) logits of the piece after each of (T, L) ids.

        Padding follows the pieces, so that the causal mask alone hides it from them.
        """
        length = ids.shape[1]
        places = torch.arange(length, device=ids.device)
        hidden = self.dropout(self.norm(self.words(ids) + self.places(places)))
        later = torch.ones(length, length, dtype=torch.bool, device=ids.device).triu(1)
        hidden = self.layer(hidden, self.memory(patches), tgt_mask=later)
        return nn.functional.linear(hidden, self.words.weight, self.bias)


class Refers(ViTWithReports):
    """Caption decoder, and the contrast of CLS with the report's pooled vector.

    Args:
        size: See `ViTWithReports` and `CaptionDecoder`.
        options: Of `baselines.refers`.
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
        super().__init__(size, image_size, tokenizer_json)
        self.options = dict(options)
        if not 0 <= float(options["contrast_lambda"]) <= 1:
            raise UsageError("Option `contrast_lambda` must lie in [0, 1].")
        width, text = size["width"], size["text_width"]
        self.patch_gate = nn.Linear(width, 1)
        self.decoder = CaptionDecoder(size["vocabulary"], size["text_length"], width, size)
        self.report_pooler = nn.Linear(text, text)
        self.report_projection = nn.Linear(text, width)

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Losses `caption`, `image_to_text`, `text_to_image` (weighted) and their `total`."""
        tokens = self.tokens(batch.images)
        reading = self.read(batch.texts)
        caption = self._caption_loss(tokens, reading.ids)
        images, reports = tokens[:, 0], self._report_vectors(reading)
        with torch.autocast(batch.images.device.type, enabled=False):
            parts = [images.float(), reports.float()]
            if self.options["gather"]:
                parts = [gathered(part) for part in parts]
            logits = cosine_logits(*parts, 1 / TEMPERATURE)
            share = float(self.options["contrast_lambda"])
            image_to_text = share * row_losses(logits).mean()
            text_to_image = (1 - share) * row_losses(logits.T).mean()
        if not self.options["text_to_image_gradient"]:
            text_to_image = text_to_image.detach()
        return {
            "total": caption + image_to_text + text_to_image,
            "caption": caption,
            "image_to_text": image_to_text,
            "text_to_image": text_to_image,
        }

    def memory_of(self, tokens: Tensor) -> Tensor:
        """(B, N, width) what the decoder reads: each patch with CLS added, times its gate.

        The official fusion of three views with a single one: a gate then sees one token instead
        of three, and the sequence has one view's length.
        """
        patches = tokens[:, 1:] + tokens[:, :1]
        gates: Tensor = self.patch_gate(patches).sigmoid()
        return gates * patches

    def _caption_loss(self, tokens: Tensor, ids: Tensor) -> Tensor:
        """Mean cross-entropy of the next piece over all pieces of the batch."""
        logits = self.decoder(ids[:, :-1], self.memory_of(tokens)).float()
        wanted = ids[:, 1:]
        losses = nn.functional.cross_entropy(
            logits.flatten(0, 1), wanted.flatten(), ignore_index=0, reduction="sum"
        )
        # At least 1: a batch of empty reports has a loss of 0.
        return losses / (wanted != 0).sum().clamp_min(1)

    def _report_vectors(self, reading: Reading) -> Tensor:
        pooled = self.report_pooler(reading.last[:, 0]).tanh()
        vectors: Tensor = self.report_projection(pooled)
        return vectors

    def pooled_features(self, images: Tensor) -> Tensor:
        """(B, width) CLS."""
        return self.tokens(images)[:, 0].float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, width) CLS, which the contrast reads without a head."""
        return self.pooled_features(images)
