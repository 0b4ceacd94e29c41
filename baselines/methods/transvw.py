"""TransVW on a ResNet: crops of the same places are restored and told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.methods.restoration import RestoringResNet, pixel_error, rates_of
from baselines.objectives.distortions import genesis
from benchmark.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.interfaces import PretrainBatch


class TransVW(RestoringResNet):
    """One crop an image, at the place of a random visual word; restored, and its word named.

    Args:
        size: See `RestoringResNet`.
        options: `word_rows`, `word_columns`: the lattice of the crops' places; `crop_share`, their
            side as a share of the image's; `jitter`, how far a crop may lie from its place, as a
            share of the lattice's step; `flip`, the probability of a mirrored crop; the weights
            `classification` and `restoration`; the rates of Models Genesis.
        image_size: Side of the input in pixels.
    """

    def __init__(
        self, size: Mapping[str, Any], options: Mapping[str, Any], image_size: int
    ) -> None:
        super().__init__(size, options, image_size)
        self.lattice = (int(options["word_rows"]), int(options["word_columns"]))
        self.crop_share = float(options["crop_share"])
        self.jitter, self.flip = float(options["jitter"]), float(options["flip"])
        if min(self.lattice) < 1 or self.words < 2 or not 0 < self.crop_share < 1:
            raise UsageError(
                f"A lattice of {self.lattice[0]} x {self.lattice[1]} crops of "
                f"{self.crop_share:g} of the side makes no visual words.",
                remedy="Use at least two places, and crops smaller than the image.",
            )
        self.weights = (float(options["restoration"]), float(options["classification"]))
        self.rates = rates_of(options)
        self.classifier = nn.Linear(self.feature_dim, self.words)

    @property
    def words(self) -> int:
        """How many visual words there are."""
        return self.lattice[0] * self.lattice[1]

    def crops(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Crops at the images' size, (B, 1, H, W), and their words, (B,) int64.

        A word is a place of the lattice, counted in rows; the outer places touch the border.
        """
        draws = torch.rand(4, len(images), generator=generator)
        words = (draws[0] * self.words).long().clamp(max=self.words - 1)
        row = torch.div(words, self.lattice[1], rounding_mode="floor")
        places = [
            _centre(index, count, self.crop_share, self.jitter * (draw - 0.5))
            for index, count, draw in (
                (words % self.lattice[1], self.lattice[1], draws[1]),
                (row, self.lattice[0], draws[2]),
            )
        ]
        sign = torch.where(draws[3] < self.flip, -1.0, 1.0)
        theta = torch.zeros(len(images), 2, 3)
        theta[:, 0, 0], theta[:, 1, 1] = sign * self.crop_share, self.crop_share
        theta[:, 0, 2], theta[:, 1, 2] = places
        grid = functional.affine_grid(theta.to(images), list(images.shape), align_corners=False)
        cut = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
        return cut, words.to(images.device)

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Squared error of the restored crop, and cross-entropy of its word."""
        crops, words = self.crops(batch.images, generator)
        drawn, last = self.restored(genesis(crops, generator, self.rates))
        restoration = pixel_error(drawn, crops)
        scores = self.classifier(last.mean(dim=(2, 3)))
        classification = functional.cross_entropy(scores.float(), words)
        total = self.weights[0] * restoration + self.weights[1] * classification
        return {
            "total": total,
            "restoration": restoration,
            "classification": classification,
        }


def _centre(index: Tensor, count: int, share: float, shift: Tensor) -> Tensor:
    """Centres of crops in grid_sample's coordinates, -1 to 1, kept within the image."""
    room = 1 - share
    if count == 1:
        return torch.zeros_like(shift)
    step = 2 * room / (count - 1)
    return (-room + step * (index + shift)).clamp(-room, room)
