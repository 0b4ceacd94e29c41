"""Image-text matching: does this image belong to this report?

Chen et al., "Multi-modal masked autoencoders for medical vision-and-language pre-training", MICCAI
2022. In half of the pairs another image stands in the place of the report's own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def swapped_images(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Which image each text of a batch meets.

    The official code draws the false image from the whole data set, this one from the batch, whose
    images are at hand. Two studies with the same report are not told apart in either.

    Args:
        count: Pairs, B; a single pair has no other image and stays matched.
        generator: CPU generator.

    Returns:
        (B,) index of the image; (B,) labels, 1 = the text's own. B // 2 pairs, drawn at random,
        keep their image, the others get one of the B - 1 others with equal chance.
    """
    own = torch.arange(count)
    labels = torch.zeros(count, dtype=torch.int64)
    labels[torch.randperm(count, generator=generator)[: count // 2]] = 1
    if count == 1:
        return own, torch.ones_like(labels)
    other = (own + torch.randint(1, count, (count,), generator=generator)) % count
    return torch.where(labels == 1, own, other), labels


def matching_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of scores (B, 2), the second for a match, in float32."""
    return nn.functional.cross_entropy(scores.float(), labels)
