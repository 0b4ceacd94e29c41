"""A template: an encoder of your own. Copy the file and put your model in place of the towers.

maco-bench check-baseline own_encoder.py:build
maco-bench run rsna_zero_shot --baseline own_encoder.py:build
"""

import torch
from torch import Tensor, nn


class MyEncoder(nn.Module):
    # Of pixels in [0, 1]; one value for a grey input, three for RGB.
    preprocessing = {"image_size": 64, "mean": [0.5], "std": [0.25]}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.image_tower = nn.Sequential(nn.Conv2d(1, 64, 8, stride=8), nn.GELU())
        self.text_tower = nn.EmbeddingBag(256, 64)

    def pooled_features(self, images: Tensor) -> Tensor:  # (B, D): linear probes, fine-tuning
        return self.image_tower(images).mean(dim=(2, 3))

    def image_embedding(self, images: Tensor) -> Tensor:  # (B, E): zero-shot
        return self.pooled_features(images)

    def text_embedding(self, texts: list[str]) -> Tensor:  # (T, E): zero-shot, grounding
        device = self.text_tower.weight.device
        letters = [torch.tensor([[0, *text.encode()]], device=device) for text in texts]
        return torch.cat([self.text_tower(item) for item in letters])

    def patch_embedding(self, images: Tensor) -> Tensor:  # (B, E, rows, columns): grounding
        return self.image_tower(images)


def build() -> nn.Module:
    encoder = MyEncoder()
    # encoder.load_state_dict(torch.load("weights.pt", weights_only=True))
    return encoder
