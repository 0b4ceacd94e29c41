"""The model class of BioViL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from baselines.encoders.towers import ResNetWithReports
from baselines.encoders.wordpiece import SPECIAL_TOKENS
from baselines.objectives.biovil import ClsProjection, PatchProjector, prompt_of
from baselines.objectives.clip import clip_loss
from baselines.objectives.masked_language import LanguageHead, hide_tokens
from benchmark.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from benchmark.interfaces import PretrainBatch


class BioViL(ResNetWithReports):
    """A `benchmark.interfaces.Representation`.

    Args:
        size: Keys of the towers, and `shared_width`.
        options: `temperature`, `language_weight`, `gather`, `strip_prompts`.
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
        if float(options["temperature"]) <= 0 or float(options["language_weight"]) < 0:
            raise UsageError(
                "Option `temperature` must be positive and `language_weight` 0 or more."
            )
        self.options = dict(options)
        self.projector = PatchProjector(self.feature_dim, size["shared_width"])
        self.cls_projection_head = ClsProjection(size["text_width"], size["shared_width"])
        if float(options["language_weight"]) > 0:
            self.language_head = LanguageHead(size["text_width"], size["vocabulary"])

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """`total`, `contrastive` and, unless its weight is 0, `language`.

        The contrast reads whole texts, so hidden words need a second pass.
        """
        images = self.projector(self.last_map(batch.images)).mean(dim=(2, 3))
        reading = self.read(batch.texts)
        texts = self.cls_projection_head(reading.last[:, 0])
        contrastive = clip_loss(
            images, texts, 1 / float(self.options["temperature"]), bool(self.options["gather"])
        )
        weight = float(self.options["language_weight"])
        if weight == 0:
            return {"total": contrastive, "contrastive": contrastive}
        language = self.language_loss(reading.ids, reading.attention, generator)
        total = contrastive + weight * language
        return {"total": total, "contrastive": contrastive, "language": language}

    def language_loss(self, ids: Tensor, attention: Tensor, generator: torch.Generator) -> Tensor:
        """Cross-entropy of hidden words of (T, L) ids; which are hidden is drawn."""
        hidden, chosen = hide_tokens(
            ids,
            attention,
            generator,
            mask_id=SPECIAL_TOKENS.index("[MASK]"),
            first_word=len(SPECIAL_TOKENS),
            entries=self.tokenizer.entries,
        )
        states = self.read_ids(hidden, attention).last[chosen]
        words: Tensor = self.bert_encoder.model["bert"].embeddings.word_embeddings.weight
        scores = self.language_head(states, words)
        return nn.functional.cross_entropy(scores.float(), ids[chosen])

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) cells of the last map; `projected` by the two 1 x 1 convolutions."""
        maps = self.last_map(images)
        if projected:
            maps = self.projector(maps)
        return maps.flatten(2).transpose(1, 2).float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, shared_width) mean of the projected patches; not the projection of their mean."""
        return self.patch_features(images, projected=True).mean(dim=1)

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, shared_width) projected CLS states, by default without the stop at the end."""
        if self.options["strip_prompts"]:
            texts = [prompt_of(text) for text in texts]
        vectors: Tensor = self.cls_projection_head(self.read(texts).last[:, 0]).float()
        return vectors

    def temperature(self) -> float:
        """The fixed factor on cosines."""
        return 1 / float(self.options["temperature"])
