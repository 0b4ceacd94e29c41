"""What the official code of MaCo computes and does not use, for counting its operations.

Its text tower is a BERT for masked language modelling, whose head runs on every token of the
report in every step; the loss reads the pooled vector alone. Counters of operations see the head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from baselines.objectives.masked_language import LanguageHead

if TYPE_CHECKING:
    from baselines.encoders.image_text import MaskedImageTextModel
    from benchmark.interfaces import PretrainBatch


def with_idle_language_head(
    model: MaskedImageTextModel, batch: PretrainBatch, generator: torch.Generator
) -> None:
    """The pre-training forward of a batch, and the head on token states of the right shape.

    The states' values have no influence on what is counted, so they are zeros.
    """
    model.pretraining_loss(batch, generator)
    assert model.tokenizer is not None
    words = model.bert_encoder.model["bert"].embeddings.word_embeddings.weight
    vocabulary, width = words.shape
    tokens = model.tokenizer(batch.texts)[0].numel()
    with words.device:
        head = LanguageHead(width, vocabulary)
        head(torch.zeros(tokens, width), words)
