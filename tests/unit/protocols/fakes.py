"""A tiny representation, store and cell, so that protocols run in milliseconds."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmark.data.corpus import Corpus
from benchmark.data.manifest import Manifest
from benchmark.data.splits import SplitRows
from benchmark.protocols.context import CellContext
from benchmark.specs import BaselineSpec, Cell, PhantomSize, Profile, Seeds, TaskSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.interfaces import PretrainBatch
    from benchmark.recipes import Recipe

SIDE = 16
PATCH = 4
WIDTH = 8


def text_code(text: str) -> Tensor:
    """A fixed vector for a text."""
    seed = sum((place + 1) * ord(letter) for place, letter in enumerate(text))
    return torch.randn(WIDTH, generator=torch.Generator().manual_seed(seed))


class Trunk(nn.Module):
    def __init__(self, patch: nn.Module, drop: float) -> None:
        super().__init__()
        self.patch, self.dropout = patch, nn.Dropout(drop)

    def forward(self, images: Tensor) -> Tensor:
        return self.dropout(torch.tanh(self.patch(images)).flatten(2).mean(-1))


class FakeRepresentation(nn.Module):
    """One convolution, one projection, texts by a hash; with dropout in training."""

    image_size = SIDE
    pretraining_image_size = SIDE
    grid = (SIDE // PATCH, SIDE // PATCH)
    feature_dim = WIDTH
    tokenizer_json: str | None = None

    def __init__(self, seed: int = 0, text: bool = True) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.patch = nn.Conv2d(1, WIDTH, PATCH, PATCH)
            self.project = nn.Linear(WIDTH, WIDTH)
            self.scoring = nn.Linear(self.grid[0] * self.grid[1], 1)
        self.dropout = nn.Dropout(0.1)
        self.text = text
        self.encoded_texts: list[str] = []

    def pretraining_loss(self, batch: PretrainBatch, generator: Any) -> Mapping[str, Tensor]:
        kept = (torch.rand(len(batch.images), 1, generator=generator) > 0.2).float()
        vectors = self.dropout(self.image_embedding(batch.images)) * kept
        if not self.text:
            return {"total": (vectors**2).mean()}
        texts = torch.stack([text_code(text) for text in batch.texts])
        logits = functional.normalize(vectors, dim=1) @ functional.normalize(texts, dim=1).T
        contrast = functional.cross_entropy(logits, torch.arange(len(logits)))
        size = (self.scoring.weight**2).mean()
        return {"total": contrast + size, "contrast": contrast, "size": size}

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        features = torch.tanh(self.patch(images)).flatten(2).transpose(1, 2)
        return self.project(features) if projected else features

    def image_embedding(self, images: Tensor) -> Tensor:
        return self.patch_features(images, projected=True).mean(dim=1)

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        assert not self.training
        self.encoded_texts += list(texts)
        return torch.stack([text_code(text) for text in texts])

    def temperature(self) -> float:
        return 10.0

    def patch_weights(self) -> Tensor | None:
        return self.scoring.weight[0]

    def classification_trunk(self, drop_path: float) -> nn.Module:
        return Trunk(copy.deepcopy(self.patch), drop_path)

    def progress_arrays(self) -> Mapping[str, np.ndarray]:
        return {"weights": self.scoring.weight.detach().numpy().copy()}


class FakeStore:
    """Random images of varying shape; class 0 makes them brighter. Counts what is read."""

    def __init__(self, labels: np.ndarray) -> None:
        generator = np.random.default_rng(0)
        self.images = []
        for row, positive in enumerate(np.nan_to_num(labels[:, 0])):
            shape = (20, 20 + 8 * (row % 3))
            noise = generator.integers(0, 120, shape) + 100 * int(positive)
            self.images.append(noise.astype(np.uint8))
        self.reads = 0

    def __getitem__(self, row: int) -> np.ndarray:
        self.reads += 1
        return self.images[row]


def make_manifest(count: int = 60, boxes: pd.DataFrame | None = None) -> Manifest:
    """Two images a patient; classes `Edema` and `Mass_Right`, the second partly unknown."""
    generator = np.random.default_rng(1)
    first = (np.arange(count) % 3 == 0).astype(float)
    second = generator.integers(0, 2, count).astype(float)
    second[::7] = np.nan
    second[1::11] = -1
    images = pd.DataFrame(
        {
            "image": [f"i{row}" for row in range(count)],
            "path": [f"i{row}.png" for row in range(count)],
            "patient": [f"x:{row // 2}" for row in range(count)],
            "study": [f"s{row}" for row in range(count)],
            "view": "frontal",
            "split": "",
            "sex": ["M", "F"] * (count // 2),
            "age": np.linspace(20, 80, count),
        }
    )
    labels = pd.DataFrame({"Edema": first, "Mass_Right": second})
    extra = {} if boxes is None else {"boxes": boxes}
    return Manifest("fake", "1", Path("fake"), images, labels, **extra)


def make_context(
    tmp_path: Path,
    recipe: Recipe,
    protocol: str,
    *,
    manifest: Manifest | None = None,
    representation: Any = None,
    predict: Any = None,
    corpus: Any = None,
    label_percent: float | None = None,
    uses_text: bool = True,
    **replacements: Any,
) -> CellContext:
    """A cell of the fake baseline: 30 rows for training, 10 for validation, the rest for test."""
    manifest = make_manifest() if manifest is None else manifest
    rows = np.arange(len(manifest))
    store = FakeStore(manifest.labels.to_numpy())
    built = FakeRepresentation() if representation is None else representation
    task = TaskSpec(
        name="fake_task",
        version=1,
        title="",
        protocol=protocol,  # type: ignore[arg-type]
        metrics="",
        dataset="fake",
        variants={"main": recipe},
        headline="auc",
        needs="image_features",
        classes=tuple(manifest.labels.columns),
    )
    context = CellContext(
        cell=Cell(
            kind="evaluate",
            task="fake_task",
            variant="main",
            baseline="fake",
            profile="toy",
            data_id="fake",
            weights="trained",
            seeds=Seeds(0, 0, 0),
            label_percent=label_percent,
            key="0123456789",
        ),
        task=task,
        recipe=recipe,
        baseline=BaselineSpec("fake", 1, "", "method", "", uses_text=uses_text),
        profile=Profile("toy", "tiny", 32, PhantomSize(1, 32), chance_draws=3),
        folder=tmp_path,
        manifest=manifest,
        rows=SplitRows(rows[:30], rows[30:40], rows[40:], "fake"),
        store=lambda: store,  # type: ignore[arg-type,return-value]
        representation=lambda: built,
        predict=predict,
        corpus=corpus,
        hash_patients=lambda names: np.array([f"h{name}" for name in names]),
        progress=lambda *_, **__: None,
    )
    return dataclasses.replace(context, **replacements)


def make_corpus(count: int = 40) -> Any:
    """Texts of several sentences for the first rows."""
    texts = tuple(f"Finding {row} is seen. No change {row}. Heart normal." for row in range(count))
    return Corpus(
        rows=np.arange(count),
        texts=texts,
        dropped_patients=2,
        dropped_images=5,
        empty_reports=1,
    )
