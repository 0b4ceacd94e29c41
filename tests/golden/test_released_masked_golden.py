"""MRM's and MAE's released forms lead to the features of the official code."""

import argparse
import json
import re

import numpy as np
import pytest
import torch

from baselines import mae, mrm
from baselines.checkpoints.loading import load_checkpoint
from baselines.checkpoints.released import load_content
from baselines.encoders.positions import sincos_table
from baselines.encoders.wordpiece import train_wordpiece
from baselines.objectives.reconstruction import reduced
from tests.golden.files import golden_files
from tests.golden.values import close, golden_weight

HEADS = {"heads": 4, "decoder_heads": 4}


def released(path, folder, module, tables, hints):
    """The model of a file in the official form, and the golden values."""
    seed = int(re.search(r"_seed(\d+)$", path.stem).group(1))
    golden = dict(np.load(path))
    keys = json.loads(str(golden["keys"]))
    state = {
        key: tables[key] if key in tables else torch.from_numpy(golden_weight(seed, key, shape))
        for key, shape in keys.items()
    }
    file = folder / "weights.pth"
    torch.save({"model": state, "args": argparse.Namespace(epochs=200)}, file)
    tokenizer = train_wordpiece(["clear lungs"], 200)
    loaded = load_content(
        module.BASELINE.name,
        module.build,
        load_checkpoint(file),
        file,
        module.BASELINE.options,
        tokenizer,
        hints,
    )
    return seed, golden, loaded.model


def pictures(seed, side, cells):
    generator = np.random.default_rng(seed)
    fine = 0.3 * generator.standard_normal((3, 3, side, side))
    coarse = np.kron(generator.standard_normal((3, 3, cells, cells)), np.ones((side // cells,) * 2))
    return torch.from_numpy((fine + 2 * coarse).astype("float32"))


def fixed_tables(side, formula):
    """The tables of positions are formulas, of an encoder 48 and a decoder 32 wide."""
    grid = (side // 16, side // 16)
    widths = {"pos_embed": 48, "decoder_pos_embed": 32}
    return {name: sincos_table(width, grid, formula) for name, width in widths.items()}


@torch.no_grad()
@pytest.mark.parametrize("path", golden_files("mrm_tiny_seed*.npz"))
def test_mrm(path, tmp_path):
    tables = fixed_tables(224, "odd")
    hints = {**HEADS, "text_heads": 6}
    seed, golden, model = released(path, tmp_path, mrm, tables, hints)
    small = reduced(pictures(seed, 448, 7), 224, True)
    close(model.patch_features(small, projected=False)[:, :5], golden["patch_features_slice"])
    close(model.image_embedding(small), golden["pooled_patches"])


@torch.no_grad()
@pytest.mark.parametrize("path", golden_files("mae_tiny_seed*.npz"))
def test_mae(path, tmp_path):
    tables = fixed_tables(96, "mae")
    seed, golden, model = released(path, tmp_path, mae, tables, HEADS)
    images = pictures(seed, 96, 3)
    close(model.patch_features(images, projected=False), golden["patch_features"])
    close(model.encode(model.embedded_patches(images))[:, 0], golden["cls_feature"])
