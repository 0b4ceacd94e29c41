"""The models that make the common starts: a text tower that reads, a transformer that restores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from baselines.encoders.image_text import MaskedImageTextModel
from baselines.encoders.wordpiece import SPECIAL_TOKENS
from baselines.objectives.masked_language import LanguageHead, hide_tokens
from baselines.objectives.reconstruction import reduced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from benchmark.interfaces import PretrainBatch

WORD_STD = 0.1
"""Start spread of the word vectors. With BERT's 0.02 position and segment outweigh the word at
first, and a small tower on few reports needs several times the steps."""


class HouseTextModel(MaskedImageTextModel):
    """MaCo's towers; the text tower learns masked language, the image tower keeps its start."""

    without_gradient: tuple[str, ...]

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None = None,
    ) -> None:
        super().__init__(size, options, image_size, tokenizer_json)
        pooler = self.bert_encoder.model["bert"].pooler
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name.startswith("bert_encoder."))
        pooler.requires_grad_(False)
        self.language_head = LanguageHead(size["text_width"], size["vocabulary"])
        self.without_gradient = tuple(
            name for name, parameter in self.named_parameters() if not parameter.requires_grad
        )

    def initialise(self) -> None:
        """As the methods; word vectors wider."""
        super().initialise()
        nn.init.normal_(self._word_vectors(), std=WORD_STD)

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Cross-entropy of the hidden words of the batch's texts; its images are not looked at."""
        assert self.tokenizer is not None
        device = self.cls_token.device
        ids, attention = (part.to(device) for part in self.tokenizer(batch.texts))
        hidden, chosen = hide_tokens(
            ids,
            attention,
            generator,
            mask_id=SPECIAL_TOKENS.index("[MASK]"),
            first_word=len(SPECIAL_TOKENS),
            entries=self.tokenizer.entries,
        )
        states = self.bert_encoder.hidden_states(hidden, attention)[chosen]
        scores = self.language_head(states, self._word_vectors())
        loss = nn.functional.cross_entropy(scores.float(), ids[chosen])
        return {"total": loss, "language": loss}

    def _word_vectors(self) -> Tensor:
        words: Tensor = self.bert_encoder.model["bert"].embeddings.word_embeddings.weight
        return words


class HouseImageModel(MaskedImageTextModel):
    """MaCo's towers; the image tower learns to restore patches, the text tower keeps its start."""

    without_gradient: tuple[str, ...]

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None = None,
    ) -> None:
        super().__init__(size, options, image_size, tokenizer_json)
        for part in (self.bert_encoder, self.img_mlp):
            part.requires_grad_(False)
        self.Tpar.requires_grad_(False)
        self.without_gradient = tuple(
            name for name, parameter in self.named_parameters() if not parameter.requires_grad
        )

    def losses(self, images: Tensor, texts: Sequence[str], noise: Tensor) -> dict[str, Tensor]:
        """The reconstruction alone; the texts are not looked at."""
        small = reduced(images, self.image_size, bool(self.options["antialias"]))
        tokens, mask, restore = self.encode_masked(small, noise, float(self.options["mask_ratio"]))
        loss = self.reconstruction_loss(images, tokens, mask, restore)
        return {"total": loss, "reconstruction": loss}
