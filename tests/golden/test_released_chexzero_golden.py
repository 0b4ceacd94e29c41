"""CheXzero's released form leads to the features of the official code."""

import json
import math
import re

import numpy as np
import pytest
import torch

from baselines import chexzero
from baselines.checkpoints.loading import load_checkpoint
from baselines.checkpoints.released import load_content
from tests.golden.files import golden_files
from tests.golden.values import close, golden_weight


@torch.no_grad()
@pytest.mark.parametrize("path", golden_files("chexzero_seed*.npz"))
def test_features_of_images_and_texts(path, tmp_path):
    seed = int(re.search(r"_seed(\d+)$", path.stem).group(1))
    golden = dict(np.load(path))
    state = {
        key: torch.from_numpy(golden_weight(seed, key, shape))
        if shape
        else torch.tensor(math.log(1 / 0.07))
        for key, shape in json.loads(str(golden["keys"])).items()
    }
    file = tmp_path / "best.pt"
    torch.save(state, file)
    options = chexzero.BASELINE.options
    loaded = load_content("chexzero", chexzero.build, load_checkpoint(file), file, options)
    images = np.random.default_rng(seed).standard_normal((4, 3, 64, 64)).astype("float32")
    close(loaded.model.image_embedding(torch.from_numpy(images)), golden["image_features"])
    close(loaded.model.text_features(torch.from_numpy(golden["tokens"])), golden["text_features"])
    assert loaded.unused == ()
    assert loaded.model.temperature() == pytest.approx(1 / 0.07, rel=1e-5)
