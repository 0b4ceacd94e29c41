"""ConVIRT's loss: two directions of InfoNCE with unequal weights; LoVT's global loss is the same.

Zhang et al., "Contrastive Learning of Medical Visual Representations from Paired Images and Text",
arXiv 2010.00747, Equations 2 to 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.objectives.contrast import cosine_logits, row_losses

if TYPE_CHECKING:
    from torch import Tensor


def both_directions(
    images: Tensor, texts: Tensor, temperature: float, normalised: bool = True
) -> tuple[Tensor, Tensor]:
    """(B,) losses from image to text, and (B,) from text to image.

    Args:
        images: (B, D).
        texts: (B, D), row i belongs to image i.
        temperature: Divides the similarities.
        normalised: Cosines, as in the paper; else dot products.
    """
    if normalised:
        logits = cosine_logits(images, texts, 1 / temperature)
    else:
        logits = images.float() @ texts.float().T / temperature
    return row_losses(logits), row_losses(logits.T)


def convirt_loss(
    images: Tensor,
    texts: Tensor,
    temperature: float = 0.1,
    image_weight: float = 0.75,
    normalised: bool = True,
) -> tuple[Tensor, Tensor, Tensor]:
    """The weighted sum, and the mean of each direction.

    Args:
        images: (B, D).
        texts: (B, D).
        temperature: The paper's tau.
        image_weight: The paper's lambda, weight of the direction from image to text; the other
            direction has the rest.
        normalised: See `both_directions`.
    """
    to_text, to_image = (
        part.mean() for part in both_directions(images, texts, temperature, normalised)
    )
    return image_weight * to_text + (1 - image_weight) * to_image, to_text, to_image
