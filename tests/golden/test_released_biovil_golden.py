"""BioViL's and BioViL-T's released forms lead to the cosines, maps and scores of hi-ml-multimodal.

The golden file has vectors and no weights. So the small files of `tests/released` get heads that
hand on what they are given: the ResNet's map is replaced by the golden patches, and the text head
answers with the golden text vector. Loading, order of patches, grid, heads and scoring are ours.
"""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
import torch
from scipy.special import logit

from baselines import biovil, biovil_t
from baselines.checkpoints.loading import load_checkpoint
from baselines.checkpoints.released import load_content
from baselines.objectives.biovil import map_in_image
from benchmark.metrics.grounding_maps import REFERENCE_GRID, smoothing_matrix
from benchmark.protocols.ground import _cosines
from benchmark.protocols.zero_shot import cosine_scores
from tests.golden.files import golden_files
from tests.golden.values import close
from tests.released.biovil import FIXTURES as BIOVIL
from tests.released.biovil import texts
from tests.released.biovil_t import FIXTURES as BIOVIL_T

VECTOR, RESNET, SHARED = 16, 32, 32
LIFT = 50.0
"""Above every golden number, so that the projector's ReLU cuts nothing."""

FORMS = [
    pytest.param(biovil, BIOVIL[0], 15, id="biovil"),
    pytest.param(biovil_t, BIOVIL_T[0], 14, id="biovil_t"),
]


def handing_on(state):
    """Projector and, in BioViL-T, the map before it, as identities on the first channels."""
    for name in ("encoder.backbone_to_vit.weight", "projector.model.0.weight"):
        if name in state:
            state[name].zero_()
            for channel in range(VECTOR):
                state[name][channel, channel] = 1.0
    state["projector.model.1.running_mean"].zero_()
    state["projector.model.1.running_var"].fill_(1 - 1e-5)
    state["projector.model.1.weight"].fill_(1)
    state["projector.model.1.bias"].fill_(LIFT)
    state["projector.model.3.weight"].copy_(torch.eye(SHARED)[:, :, None, None])
    state["projector.model.3.bias"].fill_(-LIFT)


@pytest.fixture(params=golden_files("biovil_grounding_seed*.npz"))
def drawn(request):
    seed = int(re.search(r"_seed(\d+)$", request.param.stem).group(1))
    generator = np.random.default_rng(seed)
    shapes = {15: (15, 15, 16), 14: (14, 14, 16), "text": (16,), "prompts": (3, 16), "image": (16,)}
    inputs = {
        name: generator.standard_normal(shape).astype("float32") for name, shape in shapes.items()
    }
    return dict(np.load(request.param)), inputs


def widened(vectors):
    """Zeros behind the 16 numbers change neither products nor lengths."""
    return np.pad(vectors, [(0, 0)] * (vectors.ndim - 1) + [(0, SHARED - VECTOR)])


def loaded(module, fixture, folder, text):
    """The released model; every sentence gets the vector `text`."""
    path = fixture.write(folder, change=handing_on)
    words = texts(11)
    words["cls_projection_head.dense_to_output.weight"].zero_()
    words["cls_projection_head.dense_to_output.bias"].copy_(torch.from_numpy(widened(text)))
    for file in folder.rglob("pytorch_model.bin"):
        torch.save(words, file)
    name, options = module.BASELINE.name, module.BASELINE.options
    return load_content(name, module.build, load_checkpoint(path), path, options).model


def seeing(model, monkeypatch, patches):
    """The model, whose ResNet now gives (rows, columns, 16) patches for whatever image."""
    maps = torch.from_numpy(np.pad(patches, [(0, 0), (0, 0), (0, RESNET - VECTOR)]))
    monkeypatch.setattr(model, "last_map", lambda images: maps.permute(2, 0, 1)[None])
    return torch.zeros(1, 1, model.image_size, model.image_size)


@torch.no_grad()
@pytest.mark.parametrize(("module", "fixture", "grid"), FORMS)
def test_patches_and_phrase_give_the_golden_maps(
    drawn, module, fixture, grid, tmp_path, monkeypatch
):
    golden, inputs = drawn
    model = loaded(module, fixture, tmp_path, inputs["text"])
    assert model.grid == (grid, grid)
    image = seeing(model, monkeypatch, inputs[grid])
    patches = model.patch_features(image, projected=True)
    phrase = model.text_embedding(["There is a small effusion."])
    cosines = _cosines(patches[0], phrase[0]).view(grid, grid)
    close(cosines, golden[f"cosine_{grid}"])
    matrix = torch.from_numpy(smoothing_matrix(grid, 1.5 * REFERENCE_GRID / grid))
    smoothed = matrix @ cosines.double() @ matrix.T
    close(smoothed, golden[f"smoothed_{grid}"])
    cases = json.loads(str(golden["cases"]))
    checked = [number for number, case in enumerate(cases) if case["grid"] == grid]
    assert len(checked) >= 2
    for number in checked:
        case = cases[number]
        sides = [case[key] for key in ("height", "width", "resize", "crop", "interpolation")]
        found, expected = map_in_image(smoothed, *sides), golden[f"map_{number}"]
        assert np.array_equal(np.isnan(found.numpy()), np.isnan(expected))
        close(found.nan_to_num(), np.nan_to_num(expected))


@torch.no_grad()
@pytest.mark.parametrize("prompts", ["one_prompt", "three_prompts"])
@pytest.mark.parametrize(("module", "fixture", "grid"), FORMS)
def test_image_and_prompts_give_the_golden_scores(
    drawn, module, fixture, grid, prompts, tmp_path, monkeypatch
):
    golden, inputs = drawn
    chosen = inputs["prompts"][: 1 if prompts == "one_prompt" else 3]
    model = loaded(module, fixture, tmp_path, chosen.mean(axis=0))
    # Patches around the golden image vector, so that it is their mean and nothing but their mean.
    around = inputs[grid] - inputs[grid].mean(axis=(0, 1)) + inputs["image"]
    vector = model.image_embedding(seeing(model, monkeypatch, around)).numpy()
    text = model.text_embedding(["pneumonia"]).numpy()
    # Against its own opposite the engine's score is a sigmoid of the cosine at scale 1 / 2.
    score = float(logit(cosine_scores(vector, text, -text, 0.5))[0, 0])
    assert math.isclose(score, float(golden[f"score_{prompts}"]), abs_tol=1e-4)
