"""The model class of MaCo and its ablation steps: masked autoencoder, text tower, losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from baselines.encoders.bert import ReportEncoder
from baselines.encoders.masked_vit import MaskedAutoencoder
from baselines.encoders.settings import resolved_options
from baselines.encoders.wordpiece import ReportTokenizer, train_wordpiece
from baselines.objectives.contrast import cosine_logits, gathered, info_nce
from baselines.objectives.correlation_weighting import official_loss, paper_loss, v1_loss
from baselines.objectives.reconstruction import (
    masked_patch_loss,
    patchify,
    reduced,
    standardised,
)
from benchmark.errors import BadDataError, NotApplicable, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from benchmark.interfaces import BuildContext, PretrainBatch


class MaskedImageTextModel(MaskedAutoencoder):
    """A `benchmark.interfaces.Representation`, with the parameter names of the official MaCo.

    `pos_weight_img` (the scoring layer) has a bias in the official form and the preprint's, none
    in the final paper's. `Tpar` is the learned inverse temperature itself.

    Args:
        size: An entry of `SIZES`, or of the same keys.
        options: See `MACO_OPTIONS`; unknown names and values are errors.
        image_size: Side of the encoder's input in pixels.
        tokenizer_json: Of the text tower; not needed where `contrast` is off.
    """

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None = None,
    ) -> None:
        resolved = resolved_options(options)
        high = bool(resolved["high_resolution"])
        if not resolved["reconstruction"]:
            size = {**size, "decoder_depth": 0}
        super().__init__(size, image_size, 2 if high else 1, resolved["positions"])
        self.options = resolved
        self.pretraining_image_size = image_size * (2 if high else 1)
        self.tokenizer: ReportTokenizer | None = None
        self.tokenizer_json = tokenizer_json if self.options["contrast"] else None
        if self.options["contrast"]:
            self._add_text(size)

    def _add_text(self, size: Mapping[str, Any]) -> None:
        options, patches = self.options, self.grid[0] * self.grid[1]
        if self.tokenizer_json is None:
            raise UsageError("A model with a text tower needs a tokenizer.")
        self.tokenizer = ReportTokenizer(
            self.tokenizer_json, size["text_length"], size["vocabulary"]
        )
        self.img_mlp = nn.Linear(size["width"], size["shared_width"])
        self.Tpar = nn.Parameter(torch.tensor(1.0 / float(options["temperature"])))
        if options["weighting"] != "none":
            self.pos_weight_img = nn.Linear(patches, 1, bias=options["weighting"] != "paper")
        dropout = options["text_dropout"]
        self.bert_encoder = ReportEncoder(
            size, float(size["text_dropout"] if dropout is None else dropout)
        )
        if options["text_projection"]:
            self.text_projection = nn.Linear(size["shared_width"], size["shared_width"])

    def initialise(self) -> None:
        """Official start values; the scoring layer starts at exactly 0."""
        super().initialise()
        if hasattr(self, "pos_weight_img"):
            for parameter in self.pos_weight_img.parameters():
                nn.init.zeros_(parameter)

    # Pre-training.

    def forward(self, batch: PretrainBatch, generator: torch.Generator) -> dict[str, Tensor]:
        """The same as `pretraining_loss`, so that a wrapper for many processes can call it."""
        return self.pretraining_loss(batch, generator)

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """`total`, `reconstruction` and, with reports, `contrastive`; mask from `generator`."""
        images = batch.images
        noise = torch.rand(len(images), self.grid[0] * self.grid[1], generator=generator)
        return self.losses(images, batch.texts, noise.to(images.device))

    def losses(self, images: Tensor, texts: Sequence[str], noise: Tensor) -> dict[str, Tensor]:
        """Losses of images (B, C, H, H), H = `pretraining_image_size`, under given mask noise."""
        if self.options["reconstruction"] and not self.has_decoder:
            raise NotApplicable("These weights have no decoder, so they cannot be pre-trained.")
        small = reduced(images, self.image_size, bool(self.options["antialias"]))
        tokens, mask, restore = self.encode_masked(small, noise, float(self.options["mask_ratio"]))
        losses: dict[str, Tensor] = {}
        if self.options["reconstruction"]:
            losses["reconstruction"] = self.reconstruction_loss(images, tokens, mask, restore)
        if self.options["contrast"]:
            pooled = self.img_mlp(tokens[:, 1:]).mean(dim=1)
            losses["contrastive"] = self.contrastive_loss(pooled, self._embed(texts), mask)
        return {"total": self._total(losses), **losses}

    def _total(self, losses: Mapping[str, Tensor]) -> Tensor:
        """The one loss there is, or both in the balance of `loss_weighting`."""
        if len(losses) == 1:
            return next(iter(losses.values()))
        balance = float(self.options["loss_lambda"])
        paper = self.options["loss_weighting"] == "paper"
        first, second = (balance, 1 - balance) if paper else (1.0, 1.0)
        return first * losses["reconstruction"] + second * losses["contrastive"]

    def reconstruction_loss(
        self, images: Tensor, tokens: Tensor, mask: Tensor, restore: Tensor
    ) -> Tensor:
        """Loss of the removed patches, cut from the images as they arrived."""
        target = patchify(self.as_channels(images), self.target_patch)
        if self.options["norm_pix_loss"]:
            target = standardised(target)
        return masked_patch_loss(self.decode(tokens, restore), target, mask)

    def scores(self, mask: Tensor) -> Tensor:
        """(B,) outputs of the scoring layer for visibility maps, mask 1 = removed."""
        scores: Tensor = self.pos_weight_img((1 - mask).to(self.pos_weight_img.weight.dtype))
        return scores[:, 0]

    def contrastive_loss(self, images: Tensor, texts: Tensor, mask: Tensor) -> Tensor:
        """The contrast of pooled vectors (B, D), in float32, in the form of `weighting`."""
        if len(images) != len(texts):
            raise BadDataError(f"{len(images)} images meet {len(texts)} texts in one batch.")
        share = gathered if self.options["gather"] else _alone
        with torch.autocast(images.device.type, enabled=False):
            logits = cosine_logits(share(images.float()), share(texts.float()), self.Tpar.float())
            form = self.options["weighting"]
            if form == "none":
                return info_nce(logits)
            scores = share(self.scores(mask))
            if form == "paper":
                return paper_loss(logits, scores)
            if form == "official":
                return official_loss(logits, scores)
            return self._v1_loss(logits, scores)

    def _v1_loss(self, logits: Tensor, scores: Tensor) -> Tensor:
        options = self.options
        return v1_loss(
            logits,
            scores,
            group=int(options["v1_group"]),
            tau1=float(options["v1_tau1"]),
            tau2=float(options["v1_tau2"]),
            direction=options["v1_direction"],
            reduction=options["v1_reduction"],
        )

    # Features.

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) normalised encoder output without CLS; `projected` through `img_mlp`.

        An image-only model has no projection and gives the encoder's features either way.
        """
        features = self.encode(self.embedded_patches(images))[:, 1:]
        if projected and self.options["contrast"]:
            features = self.img_mlp(features)
        return features.float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, D) mean over all projected patches; unprojected for an image-only model."""
        return self.patch_features(images, projected=True).mean(dim=1)

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, D) pooler outputs."""
        if not self.options["contrast"]:
            raise NotApplicable("This image-only model has no text tower.")
        return self._embed(texts).float()

    def _embed(self, texts: Sequence[str]) -> Tensor:
        assert self.tokenizer is not None
        device = self.cls_token.device
        ids, attention = (part.to(device) for part in self.tokenizer(texts))
        vectors: Tensor = self.bert_encoder(ids, attention)
        if self.options["text_projection"]:
            vectors = self.text_projection(vectors)
        return vectors

    def temperature(self) -> float:
        """The learned factor on cosines; 1 for an image-only model."""
        return float(self.Tpar.detach()) if self.options["contrast"] else 1.0

    def patch_weights(self) -> Tensor | None:
        """(N,) raw weights of the scoring layer, or None."""
        if not hasattr(self, "pos_weight_img"):
            return None
        return self.pos_weight_img.weight.detach()[0].float()

    def progress_arrays(self) -> dict[str, np.ndarray]:
        """`weight_map` (rows, columns) of the scoring layer, or nothing."""
        weights = self.patch_weights()
        if weights is None:
            return {}
        return {"weight_map": weights.cpu().numpy().reshape(self.grid).copy()}


def build_model(
    context: BuildContext, kind: type[MaskedImageTextModel] = MaskedImageTextModel
) -> MaskedImageTextModel:
    """Initial weights from `context.seed`, the global generator left as it was."""
    options = resolved_options(context.options)
    tokenizer_json = context.tokenizer_json
    if options["contrast"] and tokenizer_json is None:
        if context.reports is None:
            raise UsageError("A text tower needs a stored tokenizer, or reports to train one on.")
        tokenizer_json = train_wordpiece(context.reports(), context.size["vocabulary"])
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(context.seed)
        model = kind(context.size, options, context.image_size, tokenizer_json)
        model.initialise()
    return model


def _alone(tensor: Tensor) -> Tensor:
    return tensor
