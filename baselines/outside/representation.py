"""An outside encoder as the engine wants it.

An encoder is a `torch.nn.Module` with some of these members; what it has decides what it can do.
Images are (B, C, S, S), already preprocessed; features need not have length 1.

- `pooled_features(images) -> (B, D)`: for linear probes and fine-tuning.
- `image_embedding(images) -> (B, E)` and `text_embedding(texts) -> (T, E)`: for zero-shot.
- `patch_embedding(images) -> (B, E, rows, columns)`: for grounding, in the space of the texts.
- `patch_features(images) -> (B, D, rows, columns)`: raw ones.
- `feature_maps(images, taps) -> list of four (B, C, rows, columns)`: for segmentation and
  detection, at any image size; with `layers` and `layer_of(parameter)` for layer-wise rates.
- `temperature`: the factor on cosines, a number or a function; 1 where there is none.
- `without_texts()`: drops what only texts need, in a copy that is about to be trained.
"""

from __future__ import annotations

import copy
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from baselines.outside.preprocessing import Prepare, Preprocessing
from benchmark.errors import NotApplicable, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from benchmark.interfaces import PretrainBatch

_MAPS = 4


class OutsideRepresentation(nn.Module):
    """A `benchmark.interfaces.Representation` around an encoder.

    Args:
        encoder: See above.
        preprocessing: None for an encoder of texts alone.
        facts: How it was read, for the record.
    """

    tokenizer_json: str | None = None

    def __init__(
        self, encoder: nn.Module, preprocessing: Preprocessing | None, facts: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.encoder: Any = encoder.eval()
        self.loaded_from = dict(facts)
        self.prepare: Prepare | None = None
        self.image_size, self.feature_dim, self.grid = 0, 0, (0, 0)
        if preprocessing is not None:
            self.prepare = Prepare(preprocessing)
            self.image_size = preprocessing.whole_size
            stored = {**asdict(preprocessing), "channels": preprocessing.channels}
            self.loaded_from["preprocessing"] = stored
            self._measure()
        self.pretraining_image_size = self.image_size

    def _measure(self) -> None:
        """Width and grid of the features, from a grey image."""
        grey = torch.full((1, 1, self.image_size, self.image_size), 0.5)
        with torch.inference_mode():
            self.feature_dim = int(self.pooled_features(grey).shape[1])
            rows, columns = self._map(grey, projected=self._has("patch_embedding")).shape[-2:]
        self.grid = (int(rows), int(columns))

    def _has(self, name: str) -> bool:
        return callable(getattr(self.encoder, name, None))

    def _images(self) -> Prepare:
        if self.prepare is None:
            raise NotApplicable("This encoder reads texts alone.")
        return self.prepare

    def _map(self, images: Tensor, projected: bool) -> Tensor:
        name = "patch_embedding" if projected else "patch_features"
        if self._has(name):
            found: Tensor = getattr(self.encoder, name)(self._images().uncut(images))
            if found.ndim != 4:
                raise UsageError(f"`{name}` gave {tuple(found.shape)}, not (B, D, rows, columns).")
            return found
        if projected:
            raise NotApplicable("This encoder does not place patches in the space of its texts.")
        return self.pooled_features(images)[:, :, None, None]

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> Mapping[str, Tensor]:
        """There is none."""
        raise NotApplicable("An outside encoder is evaluated, it has no objective here.")

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D); the pooled feature as the only patch where the encoder gives no map."""
        return self._map(images, projected).flatten(2).transpose(1, 2).float()

    def pooled_features(self, images: Tensor) -> Tensor:
        """(B, feature_dim), or the image's vector where the encoder has no other."""
        name = "pooled_features" if self._has("pooled_features") else "image_embedding"
        found: Tensor = getattr(self.encoder, name)(self._images()(images))
        if found.ndim != 2:
            raise UsageError(f"`{name}` gave {tuple(found.shape)}, not (B, D).")
        return found.float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, E) in the space of the texts, or the pooled feature where there is no such space."""
        if not self._has("image_embedding"):
            return self.pooled_features(images)
        found: Tensor = self.encoder.image_embedding(self._images()(images))
        return found.float()

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, E)."""
        if not self._has("text_embedding"):
            raise NotApplicable("This encoder reads no texts.")
        found: Tensor = self.encoder.text_embedding(list(texts))
        return found.float()

    def temperature(self) -> float:
        """The encoder's factor on cosines."""
        factor = getattr(self.encoder, "temperature", 1.0)
        return float(factor() if callable(factor) else factor)

    def patch_weights(self) -> Tensor | None:
        """None: there is no scoring layer."""
        return None

    def classification_trunk(self, drop_path: float) -> nn.Module:
        """A fresh copy that gives pooled features; stochastic depth stays as the encoder has it."""
        return OutsideTrunk(self)

    def dense_trunk(
        self,
        taps: Sequence[int],
        drop_path: float = 0.0,
        window: int = 0,
        global_blocks: Sequence[int] = (),
    ) -> nn.Module:
        """A fresh copy that gives four maps; attention has no windows."""
        if not self._has("feature_maps"):
            raise NotApplicable("This encoder offers no `feature_maps` for dense tasks.")
        return DenseOutside(self, taps)

    def progress_arrays(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}


class OutsideTrunk(nn.Module):
    """Images (B, 1, S, S) in [0, 1] to (B, feature_dim)."""

    def __init__(self, source: OutsideRepresentation) -> None:
        super().__init__()
        self.prepare = copy.deepcopy(source._images())
        self.encoder: Any = copy.deepcopy(source.encoder)
        if callable(getattr(self.encoder, "without_texts", None)):
            self.encoder.without_texts()
        name = "pooled_features" if source._has("pooled_features") else "image_embedding"
        self._pool = name
        self.requires_grad_(True)

    def forward(self, images: Tensor) -> Tensor:
        """Pooled features."""
        found: Tensor = getattr(self.encoder, self._pool)(self.prepare(images))
        return found


class DenseOutside(OutsideTrunk):
    """Images (B, 1, H, W) in [0, 1] to four maps; a `benchmark.interfaces.DenseTrunk`."""

    def __init__(self, source: OutsideRepresentation, taps: Sequence[int]) -> None:
        super().__init__(source)
        self.taps = tuple(taps)
        side = self.prepare.preprocessing.image_size
        self.eval()
        with torch.inference_mode():
            maps = self(torch.full((1, 1, side, side), 0.5))
        if len(maps) != _MAPS:
            raise UsageError(f"`feature_maps` gave {len(maps)} maps, not {_MAPS}.")
        self.channels = tuple(int(one.shape[1]) for one in maps)
        self.strides = strides_of(side, [int(one.shape[-1]) for one in maps])
        self.layers = int(getattr(self.encoder, "layers", 1))

    def layer_of(self, parameter: str) -> int:
        """As the encoder says; without its word, all is one layer."""
        if not callable(getattr(self.encoder, "layer_of", None)):
            return 0
        return int(self.encoder.layer_of(parameter.removeprefix("encoder.")))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Four maps, the finest first."""
        return list(self.encoder.feature_maps(self.prepare.normalised(images), self.taps))


def strides_of(side: int, cells: Sequence[int]) -> tuple[int, ...]:
    """Input pixels a cell of each map of a square image.

    Maps of equal size are those of a plain transformer, whose patches divide the image. A pyramid
    halves from map to map and rounds up where the side is no multiple: its strides are powers of 2.
    """
    if len(set(cells)) == 1:
        return tuple(side // count for count in cells)
    return tuple(2 ** round(math.log2(side / count)) for count in cells)
