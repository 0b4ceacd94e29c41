"""MGCA's model, on a vision transformer or a ResNet; see `baselines/mgca.py`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from baselines.encoders.towers import ResNetWithReports, ViTWithReports, projection_head
from baselines.methods.choices import check_choices
from baselines.methods.mgca_attention import (
    CrossAttention,
    PlainAttention,
    by_token,
    first_token_attention,
)
from baselines.objectives.contrast import cosine_logits, gathered
from baselines.objectives.mgca import (
    TOKEN_TEMPERATURE,
    clipped_weights,
    instance_loss,
    prototype_loss,
    token_loss,
)
from baselines.objectives.mgca_words import WORD_ATTENTION, words_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.encoders.reports import Reading, ReportTower
    from benchmark.interfaces import PretrainBatch

INSTANCE_TEMPERATURE, PROTOTYPE_TEMPERATURE = 0.07, 0.2
LOSS_WEIGHTS: Mapping[str, tuple[float, float, float]] = {
    "cli": (1.0, 1.0, 1.0),
    "constructor": (1.0, 0.7, 0.5),
}
CHOICES: Mapping[str, Sequence[str]] = {
    "loss_weights": tuple(LOSS_WEIGHTS),
    "sums": ("paper", "official"),
    "token_attention": ("projected", "plain"),
    "word_attention": WORD_ATTENTION,
    "patch_context": ("normalised", "official"),
    "padding_words": ("negatives", "left_out"),
}


@dataclass(frozen=True)
class ImageParts:
    """What an encoder gives of B images.

    Attributes:
        whole: (B, W).
        patches: (B, N, V).
        attention: (B, N) of the whole image to its patches; None where the encoder has none.
    """

    whole: Tensor
    patches: Tensor
    attention: Tensor | None


class MultiGranularity(ABC):
    """Heads and losses of MGCA: a mix-in for a tower that offers `image_parts`."""

    prototype_steps: Tensor

    def add_heads(
        self, size: Mapping[str, Any], options: Mapping[str, Any], whole: int, patch: int
    ) -> None:
        """Add four projection heads, the two attentions and the prototypes.

        Args:
            size: Keys `head_width`, `shared_width`, `prototypes`, `frozen_prototype_steps`.
            options: Of `baselines.mgca`.
            whole: Width of the whole-image vector.
            patch: Width of the patches.
        """
        check_choices(options, CHOICES)
        self.options = dict(options)
        hidden, shared = size["head_width"], size["shared_width"]
        self.image_head = projection_head(whole, hidden, shared)
        self.patch_head = projection_head(patch, hidden, shared)
        self.report_head = projection_head(size["text_width"], hidden, shared)
        self.word_head = projection_head(size["text_width"], hidden, shared)
        projected = options["token_attention"] == "projected"
        self.word_context = CrossAttention(shared) if projected else PlainAttention()
        self.patch_context = CrossAttention(shared) if projected else PlainAttention()
        self.prototypes = nn.Linear(shared, size["prototypes"], bias=False)
        steps = options["frozen_prototype_steps"]
        self.frozen_steps = int(size["frozen_prototype_steps"] if steps is None else steps)
        module = cast("nn.Module", self)
        module.register_buffer("prototype_steps", torch.zeros((), dtype=torch.int64))
        tower = cast("ReportTower", self)
        module.register_buffer("continuations", tower.tokenizer.continuations(), persistent=False)

    @abstractmethod
    def image_parts(self, images: Tensor) -> ImageParts:
        """Whole image, patches and attention."""

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Losses `instance`, `token`, `prototype` and their weighted `total`."""
        image = self.image_parts(batch.images)
        reading: Reading = cast("ReportTower", self).read(batch.texts)
        image_vectors = self.image_head(image.whole)
        report_vectors = self.report_head(reading.last[:, 0])
        with torch.autocast(batch.images.device.type, enabled=False):
            token = self._token_loss(image, reading)
            vectors = [image_vectors.float(), report_vectors.float()]
            if self.options["gather"]:
                vectors = [gathered(part) for part in vectors]
            logits = cosine_logits(*vectors, 1 / INSTANCE_TEMPERATURE)
            instance = instance_loss(logits, halved=self.options["sums"] == "paper")
            prototype = self._prototype_loss(*vectors)
        weights = LOSS_WEIGHTS[self.options["loss_weights"]]
        total = weights[0] * instance + weights[1] * token + weights[2] * prototype
        return {"total": total, "instance": instance, "token": token, "prototype": prototype}

    def _token_loss(self, image: ImageParts, reading: Reading) -> Tensor:
        """Words in patches and patches in words."""
        tower = cast("ReportTower", self)
        # The official weights come before dropout, ours (as transformers gives them) after it.
        words = words_of(
            reading.last.float(),
            reading.attentions[-1][:, :, 0].float().mean(dim=1),
            reading.attention.bool(),
            self.continuations[reading.ids],  # type: ignore[attr-defined]
            tower.bert_encoder.model["bert"].config.max_position_embeddings,
            self.options["word_attention"],
        )
        normalise = nn.functional.normalize
        word = normalise(by_token(self.word_head, words.vectors), dim=-1)
        patch = normalise(by_token(self.patch_head, image.patches.float()), dim=-1)
        left_out = words.padding if self.options["padding_words"] == "left_out" else None
        word_weights = clipped_weights(words.attention)
        found = normalise(self.word_context(word, patch), dim=-1)
        word_loss = token_loss(word, found, word_weights, TOKEN_TEMPERATURE, left_out)
        if image.attention is None:
            patch_weights = torch.full_like(patch[:, :, 0], 1 / patch.shape[1])
        else:
            patch_weights = clipped_weights(image.attention)
        found = self.patch_context(patch, word, words.padding)
        if self.options["patch_context"] == "normalised" or image.attention is None:
            found = normalise(found, dim=-1)
        # A report without words says nothing of its patches.
        patch_weights = patch_weights * (~words.padding).any(dim=1, keepdim=True)
        patch_loss = token_loss(patch, found, patch_weights, TOKEN_TEMPERATURE)
        both = word_loss + patch_loss
        return both / 2 if self.options["sums"] == "paper" else both

    def _prototype_loss(self, images: Tensor, reports: Tensor) -> Tensor:
        """Prototypes are brought to length 1, and rest in the first steps."""
        weight = self.prototypes.weight
        with torch.no_grad():
            weight.copy_(nn.functional.normalize(weight, dim=1))
            learns = (self.prototype_steps >= self.frozen_steps).to(weight.dtype)
            if cast("nn.Module", self).training:
                self.prototype_steps += 1
        # A gradient of zero instead of none: no wait for the GPU, no unused parameter. Decay
        # alone does not move a vector that is brought to length 1.
        weight = learns * weight + (1 - learns) * weight.detach()
        normalise = nn.functional.normalize
        return prototype_loss(
            normalise(images) @ weight.T, normalise(reports) @ weight.T, PROTOTYPE_TEMPERATURE
        )

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) patches, raw or through the head of the token loss."""
        patches = self.image_parts(images).patches
        return (by_token(self.patch_head, patches) if projected else patches).float()

    def pooled_features(self, images: Tensor) -> Tensor:
        """(B, D) whole-image vector before the head."""
        return self.image_parts(images).whole.float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, shared) projected whole-image vector."""
        vectors: Tensor = self.image_head(self.image_parts(images).whole)
        return vectors.float()

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, shared) projected `[CLS]` of the texts."""
        vectors: Tensor = self.report_head(cast("ReportTower", self).read(texts).last[:, 0])
        return vectors.float()

    def temperature(self) -> float:
        """The fixed inverse temperature of the instance loss."""
        return 1 / INSTANCE_TEMPERATURE


class MGCAViT(MultiGranularity, ViTWithReports):
    """MGCA with MAE's vision transformer: CLS, patches, and what CLS attends to.

    Args:
        size: See `ViTWithReports` and `MultiGranularity.add_heads`.
        options: Of `baselines.mgca`.
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
        super().__init__(size, image_size, tokenizer_json, attentions=True)
        self.add_heads(size, options, size["width"], size["width"])

    def image_parts(self, images: Tensor) -> ImageParts:
        """CLS, patches after the final norm, attention of CLS in the last block."""
        seen: list[Tensor] = []
        attention = cast("Any", self.blocks[-1]).attn
        # The block's own attention is fused and gives no map, so its input is read.
        handle = attention.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        try:
            tokens = self.tokens(images)
        finally:
            handle.remove()
        return ImageParts(tokens[:, 0], tokens[:, 1:], first_token_attention(attention, seen[0]))


class MGCAResNet(MultiGranularity, ResNetWithReports):
    """MGCA with a ResNet: patches are cells of the third stage, the whole is the last one's mean.

    Args:
        size: See `ResNetWithReports` and `MultiGranularity.add_heads`; `enlargement` of the
            images, which the official model scales from 224 to 299 pixels.
        options: Of `baselines.mgca`.
        image_size: Side of the input in pixels, before the enlargement.
        tokenizer_json: Of the text tower.
    """

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
    ) -> None:
        super().__init__(size, image_size, tokenizer_json, attentions=True)
        self.enlargement = float(size.get("enlargement", 1.0))
        third = self.backbone.feature_info[-2]
        side = -(-round(image_size * self.enlargement) // int(third["reduction"]))
        self.grid = (side, side)
        self.add_heads(size, options, self.feature_dim, int(third["num_chs"]))

    def image_parts(self, images: Tensor) -> ImageParts:
        """Mean of the last stage, cells of the third; no attention."""
        if self.enlargement != 1:
            rows, columns = (round(side * self.enlargement) for side in images.shape[-2:])
            images = nn.functional.interpolate(
                images, size=(rows, columns), mode="bilinear", align_corners=True
            )
        maps = self.stages(images)
        patches = maps[-2].flatten(2).transpose(1, 2)
        return ImageParts(maps[-1].mean(dim=(2, 3)), patches, None)
