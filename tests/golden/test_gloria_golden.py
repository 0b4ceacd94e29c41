"""GLoRIA's words, similarities and losses against values computed with the official code."""

import re

import numpy as np
import pytest
import torch

from baselines.objectives.contrast import row_losses
from baselines.objectives.gloria import (
    global_similarities,
    local_similarities,
    region_attention,
    symmetric_loss,
)
from baselines.objectives.words import gloria_words
from tests.golden.files import golden_files


def close(ours, golden, tolerance=1e-4):
    ours = np.asarray(torch.as_tensor(ours).detach(), dtype=np.float64)
    golden = np.asarray(golden, dtype=np.float64)
    assert ours.shape == golden.shape
    assert np.abs(ours - golden).max() <= tolerance * np.abs(golden).max()


class Draws:
    """Arrays in the printed order, as tensors."""

    def __init__(self, path):
        seed = int(re.search(r"_seed(\d+)$", path.stem).group(1))
        self.generator = np.random.default_rng(seed)

    def __call__(self, *shape):
        return torch.from_numpy(self.generator.standard_normal(shape).astype("float32"))


def regions_of(maps):
    return maps.flatten(2).transpose(1, 2)


@pytest.fixture(scope="module", params=golden_files("gloria_losses_seed*.npz"))
def case(request):
    golden, draw = dict(np.load(request.param)), Draws(request.param)
    found = {"regions": regions_of(draw(4, 16, 5, 6)), "images": draw(4, 16)}
    words, found["texts"] = draw(4, 16, 9), draw(4, 16)
    for row, count in enumerate(golden["cap_lens"]):
        words[row, :, count:] = 0
    found["words"] = words.transpose(1, 2)
    found["zs_regions"], found["zs_images"] = regions_of(draw(3, 16, 5, 6)), draw(3, 16)
    for name, count in (("a", 3), ("b", 2)):
        found[f"words_{name}"] = draw(count, 16, 9).transpose(1, 2)
        found[f"texts_{name}"] = draw(count, 16)
    return golden, found


def test_local_loss(case):
    golden, found = case
    counts = golden["cap_lens"].tolist()
    ours = local_similarities(found["regions"], found["words"], counts)
    close(ours, golden["similarity_local"])
    both = [row_losses(10 * ours).mean(), row_losses(10 * ours.T).mean()]
    close(torch.stack(both), golden["loss_local"])
    close(symmetric_loss(ours), golden["loss_local"].sum())
    close(symmetric_loss(ours, 1.0), golden["loss_local_temp3_one"].sum())
    ours = local_similarities(found["regions"], found["words"], counts, pooling="mean")
    both = [row_losses(10 * ours).mean(), row_losses(10 * ours.T).mean()]
    close(torch.stack(both), golden["loss_local_mean_over_words"])


def test_global_loss_and_total(case):
    golden, found = case
    ours = global_similarities(found["images"], found["texts"])
    close(ours, golden["similarity_global"])
    both = [row_losses(10 * ours).mean(), row_losses(10 * ours.T).mean()]
    close(torch.stack(both), golden["loss_global"])
    counts = golden["cap_lens"].tolist()
    local = local_similarities(found["regions"], found["words"], counts)
    close(symmetric_loss(ours) + symmetric_loss(local), golden["loss_total"])


def test_attention(case):
    golden, found = case
    for row, count in enumerate(golden["cap_lens"]):
        own = region_attention(found["regions"][row : row + 1], found["words"][row, :count])
        close(own[0].T.reshape(count, 5, 6), golden["attention"][row, :count])
        assert np.isnan(golden["attention"][row, count:]).all()


@pytest.mark.parametrize("name", ["a", "b"])
def test_zero_shot_similarities(case, name):
    golden, found = case
    counts = [int(count) + 1 for count in golden[f"zs_cap_lens_{name}"]]
    words = found[f"words_{name}"]
    local = local_similarities(found["zs_regions"], words, counts, first=1, pooling="max")
    close(local, golden[f"zs_local_{name}"])
    whole = global_similarities(found["zs_images"], found[f"texts_{name}"])
    close(whole, golden[f"zs_global_{name}"])
    close((local + whole) / 2, golden[f"zs_both_{name}"])


@pytest.mark.parametrize("path", golden_files("word_aggregation_seed*.npz"))
def test_words_and_sentence(path):
    golden, draw = dict(np.load(path)), Draws(path)
    ids = torch.from_numpy(golden["ids"])
    words, counts = gloria_words(draw(6, 4, 14, 8), ids != 0, ids >= 30, 14)
    close(words.transpose(1, 2), golden["gloria_words"])
    close(words.mean(dim=1), golden["gloria_sentence"])
    # Their last word is `[SEP]`, which the official count leaves out.
    assert (counts - 1).tolist() == golden["gloria_cap_lens"].tolist()
