"""The model of M3AE: image and text towers, fusion layers, and three objectives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from baselines.encoders.fusion import FusedPooler, Fusion
from baselines.encoders.towers import ViTWithReports
from baselines.encoders.wordpiece import SPECIAL_TOKENS
from baselines.objectives.image_text_matching import matching_loss, swapped_images
from baselines.objectives.masked_language import LanguageHead
from baselines.objectives.masked_record import bert_replacement, pick_words, word_loss
from baselines.objectives.reconstruction import masked_patch_loss, patchify, standardised
from benchmark.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.interfaces import PretrainBatch

MIM_LAYERS = ("middle", "last")
MASK_ID = SPECIAL_TOKENS.index("[MASK]")


@dataclass(frozen=True)
class Corruption:
    """What the three objectives change in a batch of B pairs.

    Attributes:
        noise: (B, N); the patches with the lowest stay.
        picked: (B, L) bool, the words to restore.
        hidden: (B, L) ids with these words hidden.
        partner: (B,) index of the image that each text meets for matching.
        matched: (B,) 1 = its own.
    """

    noise: Tensor
    picked: Tensor
    hidden: Tensor
    partner: Tensor
    matched: Tensor


class MultiModalMaskedAutoencoder(ViTWithReports):
    """A `benchmark.interfaces.Representation`.

    Args:
        size: An entry of the sizes of `baselines.m3ae.BASELINE`.
        options: See there.
        image_size: Side of the input in pixels.
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
        super().__init__(size, image_size, tokenizer_json)
        self.options = dict(options)
        width, depth = int(size["width"]), int(size["fusion_depth"])
        self.mim_depth = depth if options["mim_layer"] == "last" else max(depth // 2, 1)
        self.fusion = Fusion(
            width, size["text_width"], depth, size["fusion_heads"], float(size["text_dropout"])
        )
        self.pooler = FusedPooler(width)
        self.matching_head = nn.Linear(2 * width, 2)
        self.word_head = LanguageHead(width, size["vocabulary"])
        self.output_words = nn.Linear(width, size["vocabulary"], bias=False)
        self.register_buffer("continues", self.tokenizer.continuations(), persistent=False)

    def initialise(self) -> None:
        """As the towers; modalities begin with the spread of BERT's embeddings."""
        super().initialise()
        nn.init.normal_(self.fusion.modalities.weight, std=0.02)

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """`total` and its parts `language`, `reconstruction`, `matching`, of weight 1 each."""
        device = self.cls_token.device
        ids, attention = (part.to(device) for part in self.tokenizer(batch.texts))
        corruption = self._corruption(ids, attention, generator)
        return self.losses(batch.images, ids, attention, corruption)

    def losses(
        self, images: Tensor, ids: Tensor, attention: Tensor, corruption: Corruption
    ) -> dict[str, Tensor]:
        """Losses of images (B, C, H, H) and ids (B, L) under a given corruption."""
        whole_image = self.tokens(images)
        whole_text = self.read_ids(ids, attention).last
        language = self._language_loss(whole_image, ids, attention, corruption)
        image = self._image_loss(images, whole_text, attention, corruption)
        swapped = whole_image[corruption.partner]
        matching = matching_loss(
            self.matching_scores(whole_text, attention, swapped), corruption.matched
        )
        return {
            "total": language + image + matching,
            "language": language,
            "reconstruction": image,
            "matching": matching,
        }

    def matching_scores(self, text: Tensor, attention: Tensor, image: Tensor) -> Tensor:
        """(B, 2) scores of no match and match, from token states of both sides."""
        scores: Tensor = self.matching_head(self.pooler(*self.fusion(text, attention, image)))
        return scores

    def restored_patches(
        self, text: Tensor, attention: Tensor, tokens: Tensor, restore: Tensor
    ) -> Tensor:
        """(B, N, values) predicted patches, from `encode_masked`'s output and text states."""
        fused = self.fusion(text, attention, tokens, self.mim_depth)[1]
        return self.decode(fused, restore)

    def word_scores(self, fused: Tensor) -> Tensor:
        """(n, vocabulary) scores of fused text states (n, width)."""
        scores: Tensor = self.word_head(fused, self.output_words.weight)
        return scores

    def _language_loss(
        self, image: Tensor, ids: Tensor, attention: Tensor, corruption: Corruption
    ) -> Tensor:
        text = self.read_ids(corruption.hidden, attention).last
        fused = self.fusion(text, attention, image)[0]
        return word_loss(self.word_scores(fused[corruption.picked]), ids[corruption.picked])

    def _image_loss(
        self, images: Tensor, text: Tensor, attention: Tensor, corruption: Corruption
    ) -> Tensor:
        ratio = float(self.options["mask_ratio"])
        tokens, mask, restore = self.encode_masked(images, corruption.noise, ratio)
        target = patchify(self.as_channels(images), self.target_patch)
        if self.options["norm_pix_loss"]:
            target = standardised(target)
        predictions = self.restored_patches(text, attention, tokens, restore)
        return masked_patch_loss(predictions, target, mask)

    def _corruption(self, ids: Tensor, attention: Tensor, generator: torch.Generator) -> Corruption:
        device, pairs = ids.device, len(ids)
        noise = torch.rand(pairs, self.grid[0] * self.grid[1], generator=generator).to(device)
        draws = torch.rand(2, *ids.shape, generator=generator).to(device)
        first, last = len(SPECIAL_TOKENS), self.tokenizer.entries
        words = torch.randint(first, max(last, first + 1), ids.shape, generator=generator)
        picked = pick_words(
            ids,
            attention,
            self.continues,
            draws[0],
            float(self.options["token_mask_ratio"]),
            whole_words=bool(self.options["whole_words"]),
        )
        hidden = bert_replacement(ids, picked, draws[1], words.to(device), MASK_ID)
        partner, matched = swapped_images(pairs, generator)
        return Corruption(noise, picked, hidden, partner.to(device), matched.to(device))


def _check(options: Mapping[str, Any]) -> None:
    """Raise where an option has a value that does not exist."""
    if options["mim_layer"] not in MIM_LAYERS:
        raise unknown_name("value of option `mim_layer`", str(options["mim_layer"]), MIM_LAYERS)
    for name in ("mask_ratio", "token_mask_ratio"):
        if not 0 < float(options[name]) < 1:
            raise UsageError(f"Option `{name}` is {options[name]}; it must lie between 0 and 1.")
