"""The model of GLoRIA; see `baselines/gloria.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from baselines.encoders.towers import ResNetWithReports
from baselines.methods.choices import check_choices
from baselines.methods.sentences import one_sentence_each, words_only
from baselines.objectives.contrast import gathered
from baselines.objectives.gloria import (
    FORMS,
    global_similarities,
    local_similarities,
    symmetric_loss,
)
from baselines.objectives.words import gloria_words
from benchmark.errors import BadDataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.encoders.reports import Reading
    from benchmark.interfaces import PretrainBatch

CHOICES: Mapping[str, Sequence[str]] = {
    "sentence": ("random", "all"),
    "sentence_mean": ("slots", "words"),
    "local_form": FORMS,
    "word_pooling": ("sum", "mean"),
}
POSITIVE = ("attention_temperature", "word_temperature", "temperature")
LAYERS = 4
"""Of BERT, the last ones, whose states are summed."""


class Texts(NamedTuple):
    """What is read of T texts.

    Attributes:
        words: (T, slots, D), `[CLS]` first, zero beyond the last word.
        counts: (T,) words, `[CLS]` among them.
        whole: (T, D).
    """

    words: Tensor
    counts: Tensor
    whole: Tensor


class GLoRIA(ResNetWithReports):
    """A `benchmark.interfaces.Representation` whose patches are the cells of the third stage.

    The space shared with text is BERT's own; images come into it by two linear layers, named as
    in the official code.

    Args:
        size: Keys of the towers, and `enlargement` of the images.
        options: Of `baselines.gloria`.
        image_size: Side of the input in pixels, before the enlargement.
        tokenizer_json: Of the text tower.
    """

    continuations: Tensor

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
    ) -> None:
        super().__init__(size, image_size, tokenizer_json)
        check_choices(options, CHOICES)
        for name in POSITIVE:
            if float(options[name]) <= 0:
                raise UsageError(f"Option `{name}` must be positive.")
        self.options = dict(options)
        self.enlargement = float(size["enlargement"]) if options["enlarge"] else 1.0
        third = self.backbone.feature_info[-2]
        side = -(-round(image_size * self.enlargement) // int(third["reduction"]))
        self.grid = (side, side)
        self.slots = int(size.get("read_length", size["text_length"]))
        self.global_embedder = nn.Linear(self.feature_dim, size["text_width"])
        self.local_embedder = nn.Conv2d(third["num_chs"], size["text_width"], 1, bias=False)
        self.register_buffer("continuations", self.tokenizer.continuations(), persistent=False)

    # Pre-training.

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """`total`, `global` and `local`, each the sum of two directions."""
        if len(batch.images) != len(batch.texts):
            raise BadDataError(
                f"{len(batch.images)} images meet {len(batch.texts)} texts in one batch."
            )
        texts: Sequence[str] = batch.texts
        if self.options["sentence"] == "random":
            texts = one_sentence_each(texts, generator, least_words=2)
        regions, images = self._image_vectors(batch.images)
        read = self.read_words(texts)
        share = gathered if self.options["gather"] else _alone
        with torch.autocast(regions.device.type, enabled=False):
            words, counts, whole = (share(part) for part in read)
            whole_loss = symmetric_loss(
                global_similarities(share(images), whole), float(self.options["temperature"])
            )
            local = self._local(share(regions), words, counts, str(self.options["word_pooling"]))
            local_loss = symmetric_loss(local, float(self.options["temperature"]))
        total = float(self.options["global_weight"]) * whole_loss
        total = total + float(self.options["local_weight"]) * local_loss
        return {"total": total, "global": whole_loss, "local": local_loss}

    def _local(
        self, regions: Tensor, words: Tensor, counts: Tensor, pooling: str, first: int = 0
    ) -> Tensor:
        return local_similarities(
            regions,
            words,
            counts.tolist(),
            first=first,
            attention_temperature=float(self.options["attention_temperature"]),
            word_temperature=float(self.options["word_temperature"]),
            pooling=pooling,
            form=str(self.options["local_form"]),
        )

    # Images.

    def _maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The third and the fourth stage of the enlarged images."""
        if self.enlargement != 1:
            rows, columns = (round(side * self.enlargement) for side in images.shape[-2:])
            images = nn.functional.interpolate(
                images, size=(rows, columns), mode="bilinear", align_corners=True
            )
        maps = self.stages(images)
        return maps[-2], maps[-1]

    def _image_vectors(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N, D) regions and (B, D) whole images, float32."""
        third, last = self._maps(images)
        regions = self.local_embedder(third).flatten(2).transpose(1, 2)
        return regions.float(), self.global_embedder(last.mean(dim=(2, 3))).float()

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) cells of the third stage, raw or as regions beside words."""
        third, _ = self._maps(images)
        cells = self.local_embedder(third) if projected else third
        return cells.flatten(2).transpose(1, 2).float()

    def pooled_features(self, images: Tensor) -> Tensor:
        """(B, feature_dim) mean of the last map."""
        return self._maps(images)[1].mean(dim=(2, 3)).float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, D) whole images."""
        return self._image_vectors(images)[1]

    # Texts.

    def read_words(self, texts: Sequence[str]) -> Texts:
        """Words and whole texts, float32; punctuation is left out, as officially."""
        reading = self.read([words_only(text) for text in texts])
        # The embeddings are no layer, which matters for a tower of less than four.
        layers = torch.stack(reading.states[1:][-LAYERS:]).float()
        with torch.autocast(layers.device.type, enabled=False):
            words, counts = gloria_words(
                layers,
                self._of_words(reading),
                self.continuations[reading.ids],
                self.slots,
                LAYERS,
            )
            filled = counts if self.options["sentence_mean"] == "words" else self.slots
            whole = words.sum(dim=1).T / filled
        return Texts(words, counts, whole.T)

    def _of_words(self, reading: Reading) -> Tensor:
        """(T, L) bool: pieces that belong to words, `[CLS]` among them and `[SEP]` not."""
        present = reading.attention.bool()
        if self.tokenizer.separator is None:
            return present
        return present & (reading.ids != self.tokenizer.separator)

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, D) mean over the slots or words."""
        return self.read_words(texts).whole

    def text_similarities(self, images: Tensor, texts: Sequence[str]) -> Tensor:
        """(B, T) mean of the global and the local similarity, the official zero-shot score.

        The local one is the best word's, 5 times its cosine, without `[CLS]`, and therefore
        weighs most.
        """
        regions, whole = self._image_vectors(images)
        read = self.read_words(texts)
        with torch.autocast(regions.device.type, enabled=False):
            # A text without any word still has its first slot, whose vector is zero.
            counts = read.counts.clamp(min=2)
            local = self._local(regions, read.words, counts, "max", first=1)
            return (local + global_similarities(whole, read.whole)) / 2

    def temperature(self) -> float:
        """The fixed factor on similarities."""
        return float(self.options["temperature"])


def _alone(tensor: Tensor) -> Tensor:
    return tensor
