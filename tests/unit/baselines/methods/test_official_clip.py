"""Released CLIP towers as a representation: tokens, trunk, and what is not offered."""

from __future__ import annotations

import pytest
import torch

from baselines import chexzero
from baselines.methods.official_clip import byte_pairs
from benchmark.errors import NotApplicable
from tests.released.clip import FIXTURES


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return chexzero.load(FIXTURES[0].write(tmp_path_factory.mktemp("weights")))


def test_byte_pairs_are_those_of_clip():
    ids = byte_pairs(["hello world!", "word " * 30], 8)
    assert ids[0].tolist() == [49406, 3306, 1002, 256, 49407, 0, 0, 0]
    assert (int(ids[1, 0]), int(ids[1, -1])) == (49406, 49407)


def test_the_trunk_is_a_copy_that_gives_pooled_features(model):
    images = torch.randn(3, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    trunk = model.classification_trunk(0.0)
    with torch.no_grad():
        assert torch.equal(trunk(images), model.pooled_features(images))
    trunk(images).sum().backward()
    assert all(parameter.grad is not None for parameter in trunk.parameters())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_blocks_are_left_out_in_training_alone(model):
    images = torch.randn(16, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    trunk = model.classification_trunk(0.9)
    with torch.no_grad():
        assert torch.equal(trunk.eval()(images), model.pooled_features(images))
        torch.manual_seed(0)
        assert not torch.allclose(trunk.train()(images), model.pooled_features(images))


def test_projected_patches_share_the_space_of_texts(model):
    images = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        patches = model.patch_features(images, projected=True)
        texts = model.text_embedding(["no effusion", "effusion"])
    assert patches.shape == (2, 16, texts.shape[1])
    assert not torch.allclose(texts[0], texts[1])


def test_what_is_not_offered_says_why(model):
    with pytest.raises(NotApplicable, match="patches of 8 px"):
        model.dense_trunk((3, 6, 9, 12))
    with pytest.raises(NotApplicable, match="not trained on"):
        model.pretraining_loss(None, None)
