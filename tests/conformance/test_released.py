"""Every released form of weights: what lands where, and what is refused with one clear line.

Runs over the fixtures in `tests/released/`; every form must have one.
"""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
import torch

from baselines.checkpoints.loading import load_checkpoint
from baselines.checkpoints.recognition import all_forms, has_form
from benchmark import registry
from benchmark.errors import BadDataError, MissingDataError, UntrustedFileError
from tests.released.fixture import ReleasedFixture, all_fixtures

FIXTURES = [pytest.param(item, id=f"{item.baseline}-{item.title}") for item in all_fixtures()]


class Dangerous:
    """Stands for an object that runs a command when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("should-not-exist",)


def load(item: ReleasedFixture, path, **arguments):
    return registry.baseline_module(item.baseline).load(path, **arguments)


def one_line(caught) -> str:
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_every_form_has_a_fixture():
    assert {form.title for form in all_forms()} == {item.title for item in all_fixtures()}


@torch.no_grad()
@pytest.mark.parametrize("item", FIXTURES)
def test_every_tensor_lands(item, tmp_path):
    path = item.write(tmp_path)
    model = load(item, path)
    ours, wanted = model.state_dict(), item.lands(item.state(7))
    assert all(
        torch.equal(ours[name], value.to(ours[name].dtype)) for name, value in wanted.items()
    )
    left = [name for name in set(ours) - set(wanted) if not name.endswith("num_batches_tracked")]
    assert [n for n in left if not any(re.search(part, n) for part in item.initial)] == []
    assert model.loaded_from["form"] == item.title
    assert not model.training


@torch.no_grad()
@pytest.mark.parametrize("item", FIXTURES)
def test_it_gives_features_of_its_capabilities(item, tmp_path):
    model = load(item, item.write(tmp_path))
    capabilities = registry.load_baseline(item.baseline).capabilities
    side = model.image_size
    images = torch.randn(2, 1, side, side, generator=torch.Generator().manual_seed(0))
    patches = model.patch_features(images, projected=False)
    assert patches.shape[:2] == (2, model.grid[0] * model.grid[1])
    assert np.isfinite(patches.numpy()).all()
    if "fine_tune" in capabilities:
        assert model.classification_trunk(0.0)(images).shape == (2, model.feature_dim)
    if "zero_shot" in capabilities and not hasattr(model, "text_similarities"):
        texts = model.text_embedding(["There is no effusion.", "Pneumonia"])
        assert texts.shape == (2, model.image_embedding(images).shape[1])


@pytest.mark.parametrize("item", FIXTURES)
def test_a_truncated_file_is_refused(item, tmp_path):
    path = item.write(tmp_path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadDataError) as caught:
        load(item, path)
    assert "cut short" in one_line(caught)


@pytest.mark.parametrize("item", FIXTURES)
def test_a_tensor_that_is_missing_is_named(item, tmp_path):
    def change(tensors):
        names = [
            name for name in tensors if re.search(r"(blocks|layer|resblocks)\D*\d+\..*bias$", name)
        ]
        del tensors[names[-1]]

    with pytest.raises(BadDataError) as caught:
        load(item, item.write(tmp_path, change=change))
    assert "lacks" in one_line(caught)


@pytest.mark.parametrize("item", FIXTURES)
def test_another_methods_file_says_what_it_looks_like(item, tmp_path):
    path = item.write(tmp_path / "file")
    readers = {other.baseline for other in all_fixtures()}
    content = load_checkpoint(path)
    fitting = {form.title: form.baselines for form in all_forms() if has_form(content, form)}
    assert list(fitting) == [item.title]
    for baseline in sorted(readers - set(fitting[item.title])):
        with pytest.raises(BadDataError) as caught:
            registry.baseline_module(baseline).load(path)
        message = one_line(caught)
        assert f"it looks like {item.title}" in message
        assert f"--baseline {item.baseline}" in message
        assert f"`{baseline}` reads" in message


@pytest.mark.parametrize("item", FIXTURES)
def test_a_malicious_pickle_is_refused(item, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = item.write(tmp_path)
    content = {**load_checkpoint(path), "hyper_parameters": Dangerous()}
    torch.save(content, path)
    with pytest.raises(UntrustedFileError) as caught:
        load(item, path)
    assert "--trust-weights" in one_line(caught)
    assert not (tmp_path / "should-not-exist").exists()


@pytest.mark.parametrize("item", [p for p in FIXTURES if p.values[0].beside is not None])
def test_what_must_lie_beside_is_named(item, tmp_path):
    path = item.write(tmp_path)
    for other in tmp_path.rglob("*"):
        if other.is_file() and other != path:
            other.unlink()
    with pytest.raises(MissingDataError) as caught:
        load(item, path)
    message = one_line(caught)
    assert "beside the weight file" in message and str(tmp_path) in message
