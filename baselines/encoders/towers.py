"""An image encoder beside a report encoder: what the compared methods are built on.

A method derives from one of the two classes, adds its heads and its loss, and overrides the
features that differ. State names are those of the encoders (`backbone.*` or `patch_embed.*`,
`blocks.*`, `norm.*`; `bert_encoder.*`), so that all methods share one house start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from baselines.encoders.masked_vit import MaskedAutoencoder
from baselines.encoders.reports import ReportTower
from baselines.encoders.resnet import ResNetEncoder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np


class ResNetWithReports(ReportTower, ResNetEncoder):
    """A ResNet and BERT.

    Args:
        size: Keys of `baselines.encoders.sizes.RESNET_IMAGE` and `BERT_BASE`.
        image_size: Side of the input in pixels.
        tokenizer_json: Of the text tower.
        attentions: Whether `read` gives attention maps.
    """

    def __init__(
        self,
        size: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
        attentions: bool = False,
    ) -> None:
        super().__init__(size, image_size)
        self.add_reports(size, tokenizer_json, attentions)


class ViTWithReports(ReportTower, MaskedAutoencoder):
    """MAE's vision transformer, without its decoder unless the size has one, and BERT.

    Args:
        size: Keys of `baselines.encoders.sizes.VIT_IMAGE` and `BERT_BASE`; `decoder_*` for a
            method that restores pixels.
        image_size: Side of the input in pixels.
        tokenizer_json: Of the text tower.
        attentions: Whether `read` gives attention maps.
        target_scale: 2 where the decoder restores an image of twice the side.
    """

    def __init__(
        self,
        size: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
        attentions: bool = False,
        target_scale: int = 1,
    ) -> None:
        super().__init__({"decoder_depth": 0, **size}, image_size, target_scale)
        self.pretraining_image_size = image_size * target_scale
        self.add_reports(size, tokenizer_json, attentions)

    def tokens(self, images: Tensor) -> Tensor:
        """(B, 1 + N, width) normalised tokens of whole images, CLS first."""
        return self.encode(self.embedded_patches(images))

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) normalised encoder output without CLS; there is no projection here."""
        return self.tokens(images)[:, 1:].float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, D) mean over the patches."""
        return self.patch_features(images, projected=True).mean(dim=1)

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """A method without a space shared with text has none."""
        from benchmark.errors import NotApplicable

        raise NotApplicable("This method has no space that images and texts share.")

    def temperature(self) -> float:
        """1: nothing is learned."""
        return 1.0

    def patch_weights(self) -> Tensor | None:
        """None: there is no scoring layer."""
        return None

    def progress_arrays(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}


def projection_head(
    width: int, hidden: int, out: int, affine: bool = False, bias: bool = True
) -> nn.Sequential:
    """Linear, BatchNorm, ReLU, Linear, and BatchNorm without affine unless `affine`.

    The head of MGCA, M-FLAG and Med-UniC.
    """
    return nn.Sequential(
        nn.Linear(width, hidden, bias=bias),
        nn.BatchNorm1d(hidden),
        nn.ReLU(inplace=True),
        nn.Linear(hidden, out, bias=bias),
        nn.BatchNorm1d(out, affine=affine),
    )
