"""A model that was pre-trained at one image size is used at others."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from drawn import FINE_TUNE, PROBE, RESNET, VIT, cell, discs
from fakes import make_context, make_corpus

from benchmark import registry
from benchmark.data.splits import SplitRows
from benchmark.errors import UsageError
from benchmark.protocols import fine_tune, linear_probe, pretrain
from benchmark.recipes import PretrainRecipe
from benchmark.specs import PhantomSize, Profile
from benchmark.workshop import load_trained
from tests.encoders import encoder

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.interfaces import Representation
    from benchmark.recipes import LabelledRecipe

SHORT = dataclasses.replace(FINE_TUNE, steps={"100": 2}, warmup_steps={"100": 0})


def pretrained(folder: Path, name: str) -> Representation:
    """Weights that a pre-training cell at 64 px stored, loaded as a worker loads them."""
    spec = registry.load_baseline(name)
    assert spec.pretraining is not None
    recipe = PretrainRecipe(
        source="test",
        image_size=64,
        epochs=spec.pretraining.epochs and 1,
        contrastive_batch=8,
        geometry="squash",
    )
    context = make_context(
        folder,
        recipe,
        "pretrain",
        corpus=make_corpus(8),
        representation=encoder(name, 64),
        baseline=spec,
        profile=Profile("toy", "toy", 64, PhantomSize(1, 64)),
        uses_text=False,
    )
    # A file of weights names the baseline that its cell was of.
    named = dataclasses.replace(context.cell, baseline=name)
    pretrain.run(dataclasses.replace(context, cell=named))
    return load_trained(name, folder / pretrain.WEIGHTS_FILE).eval()


def outcome_at(folder: Path, recipe: LabelledRecipe, model: Representation, size: int) -> Any:
    positive = np.arange(30) % 2 == 0
    rows = np.arange(30)
    split = SplitRows(rows[:14], rows[:0], rows[14:], "drawn")
    recipe = dataclasses.replace(recipe, image_size=size)
    labels = positive.astype(float)[:, None]
    protocol = fine_tune if hasattr(recipe, "steps") else linear_probe
    return protocol.run(cell(folder, recipe, model, discs(positive, 128), labels, split))


@pytest.mark.parametrize("name", [VIT, RESNET])
def test_pretrained_at_64_used_at_96_and_128(tmp_path: Path, name: str) -> None:
    model = pretrained(tmp_path, name)
    assert model.image_size == 64
    before = {key: value.clone() for key, value in model.state_dict().items()}
    for recipe in (SHORT, dataclasses.replace(PROBE, epochs={"100": 20})):
        found = {size: outcome_at(tmp_path, recipe, model, size) for size in (64, 96, 128, 0)}
        assert [found[size].facts["image_size"] for size in found] == [64, 96, 128, 64]
        scores = {size: found[size].predictions["scores"] for size in found}
        assert np.array_equal(scores[0], scores[64])
        for size in (96, 128):
            assert np.isfinite(scores[size]).all()
            assert not np.allclose(scores[size], scores[64])
    # The shared model itself is not resized.
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


@torch.inference_mode()
def test_interpolated_positions_keep_what_a_patch_is() -> None:
    """At twice the size, each patch of an upright scene still resembles the old one most."""
    model = encoder(VIT, 64)
    scene = torch.from_numpy(discs(np.array([True, False]), 64, seed=2)).float()[:, None] / 255
    large = torch.nn.functional.interpolate(scene, scale_factor=2, mode="bilinear")
    small, big = (model.classification_trunk(0.0).eval()(images) for images in (scene, large))
    assert torch.cosine_similarity(small, big).min() > 0.9
    table = model.pos_embed  # type: ignore[attr-defined]
    assert table.shape[1] == 65


def test_a_size_that_the_patches_do_not_divide_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="multiple of 8"):
        outcome_at(tmp_path, SHORT, encoder(VIT, 64), 100)
    with pytest.raises(UsageError, match="multiple of 8"):
        outcome_at(tmp_path, PROBE, encoder(VIT, 64), 100)
