"""The model of MRM: a masked autoencoder, and a BERT that restores words with the image's help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from baselines.encoders.towers import ViTWithReports
from baselines.encoders.wordpiece import SPECIAL_TOKENS
from baselines.objectives.masked_language import LanguageHead
from baselines.objectives.masked_record import padded, pick_words, scored_positions, word_loss
from baselines.objectives.reconstruction import (
    masked_patch_loss,
    patchify,
    reduced,
    standardised,
)
from benchmark.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.interfaces import PretrainBatch

POSITIONS = ("masked", "all")
MASK_ID = SPECIAL_TOKENS.index("[MASK]")


class MaskedRecordModel(ViTWithReports):
    """A `benchmark.interfaces.Representation` with the parameter names of the official MRM.

    Of the official language head, `bert_encoder.model.cls.predictions.`, `transform.dense`,
    `transform.LayerNorm` and `bias` are `language_head.{dense,norm,bias}` here, `decoder.weight`
    is `output_words.weight`.

    Args:
        size: Keys of `baselines.encoders.settings.SIZES`, `shared_width` excepted.
        options: See `baselines.mrm.BASELINE`.
        image_size: Side of the encoder's input in pixels.
        tokenizer_json: Of the text tower.
    """

    without_gradient: tuple[str, ...] = ()
    continues: Tensor

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
    ) -> None:
        _check(options)
        scale = 2 if options["high_resolution"] else 1
        super().__init__(size, image_size, tokenizer_json, target_scale=scale)
        self.options = dict(options)
        self.text_length = int(size["text_length"])
        self.bert_mlp = nn.Linear(size["width"], size["text_width"])
        self.language_head = LanguageHead(size["text_width"], size["vocabulary"])
        if not options["tied_words"]:
            self.output_words = nn.Linear(size["text_width"], size["vocabulary"], bias=False)
        self.register_buffer("continues", self.tokenizer.continuations(), persistent=False)

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """`total`, `reconstruction` and `language`; both masks from `generator`."""
        device = self.cls_token.device
        noise = torch.rand(len(batch.images), self.grid[0] * self.grid[1], generator=generator)
        labels, attention = self._tokens_of(batch)
        draws = torch.rand(labels.shape, generator=generator)
        picked = pick_words(
            labels,
            attention,
            self.continues,
            draws.to(device),
            float(self.options["token_mask_ratio"]),
            whole_words=bool(self.options["whole_words"]),
            stop=self.text_length - 1 if self._at_all_positions else None,
        )
        return self.losses(batch.images, labels, attention, picked, noise.to(device))

    def losses(
        self, images: Tensor, labels: Tensor, attention: Tensor, picked: Tensor, noise: Tensor
    ) -> dict[str, Tensor]:
        """Losses under given masks.

        Args:
            images: (B, C, H, H), H = `pretraining_image_size`.
            labels: (B, L) ids of the whole texts.
            attention: (B, L), 0 = padding.
            picked: (B, L) bool, the words to hide.
            noise: (B, N); the patches with the lowest stay.
        """
        small = reduced(images, self.image_size, bool(self.options["antialias"]))
        tokens, mask, restore = self.encode_masked(small, noise, float(self.options["mask_ratio"]))
        image = self._image_loss(images, tokens, mask, restore)
        hidden = torch.where(picked, MASK_ID, labels)
        states = self.restored_states(hidden, attention, self.context_of(tokens))
        wanted = scored_positions(picked, self.options["mlm_positions"])
        language = word_loss(self.word_scores(states[wanted]), labels[wanted])
        return {"total": image + language, "reconstruction": image, "language": language}

    def context_of(self, tokens: Tensor) -> Tensor:
        """(B, text_width) mean of the projected patches of `encode_masked`, without CLS."""
        projected: Tensor = self.bert_mlp(tokens[:, 1:])
        return projected.mean(dim=1)

    def restored_states(self, ids: Tensor, attention: Tensor, context: Tensor) -> Tensor:
        """(B, L, text_width) token states, with the context added to every token.

        It is added after the embeddings' LayerNorm and dropout, so BERT's two halves are called
        one by one.
        """
        bert = self.bert_encoder.model["bert"]
        embedded = bert.embeddings(input_ids=ids) + context[:, None]
        seen = attention[:, None, None, :].bool()
        states: Tensor = bert.encoder(embedded, attention_mask=seen).last_hidden_state
        return states

    def word_scores(self, states: Tensor) -> Tensor:
        """(n, vocabulary) scores of states (n, text_width)."""
        if self.options["tied_words"]:
            words = self.bert_encoder.model["bert"].embeddings.word_embeddings.weight
        else:
            words = self.output_words.weight
        scores: Tensor = self.language_head(states, words)
        return scores

    def _image_loss(self, images: Tensor, tokens: Tensor, mask: Tensor, restore: Tensor) -> Tensor:
        target = patchify(self.as_channels(images), self.target_patch)
        if self.options["norm_pix_loss"]:
            target = standardised(target)
        return masked_patch_loss(self.decode(tokens, restore), target, mask)

    def _tokens_of(self, batch: PretrainBatch) -> tuple[Tensor, Tensor]:
        device = self.cls_token.device
        ids, attention = self.tokenizer(batch.texts)
        if self._at_all_positions:
            # Padding counts there, so a batch must not be as short as its longest text.
            ids, attention = padded(ids, self.text_length), padded(attention, self.text_length)
        return ids.to(device), attention.to(device)

    @property
    def _at_all_positions(self) -> bool:
        return bool(self.options["mlm_positions"] == "all")


def _check(options: Mapping[str, Any]) -> None:
    """Raise where an option has a value that does not exist."""
    if options["mlm_positions"] not in POSITIONS:
        raise unknown_name(
            "value of option `mlm_positions`", str(options["mlm_positions"]), POSITIONS
        )
    for name in ("mask_ratio", "token_mask_ratio"):
        if not 0 < float(options[name]) < 1:
            raise UsageError(f"Option `{name}` is {options[name]}; it must lie between 0 and 1.")
