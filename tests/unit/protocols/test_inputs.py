from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes import FakeStore

from benchmark.protocols.inputs import InputReader
from benchmark.specs import ImageProfile


@pytest.fixture
def store() -> FakeStore:
    return FakeStore(np.zeros((12, 1)))


def reader(store: FakeStore, **options: int) -> InputReader:
    return InputReader(store, 8, "pad_square", ImageProfile(0.4, 0.2), **options)


def test_values_are_those_of_the_formula(store: FakeStore) -> None:
    store.images[3] = np.full((8, 8), 51, dtype=np.uint8)
    tensor = reader(store).read(np.array([3]))
    assert tensor.shape == (1, 1, 8, 8)
    assert tensor.dtype == torch.float32
    torch.testing.assert_close(tensor, torch.full((1, 1, 8, 8), (0.2 - 0.4) / 0.2))


def test_preloaded_and_streamed_inputs_are_equal(store: FakeStore) -> None:
    rows = np.array([5, 0, 11, 5])
    kept = reader(store)
    assert kept.preload(np.arange(12))
    before = store.reads
    preloaded = kept.read(rows)
    assert store.reads == before
    streamed = reader(store)
    streamed.ahead(rows)
    assert torch.equal(preloaded, streamed.read(rows))
    assert torch.equal(preloaded, streamed.read(rows))


def test_a_set_above_the_limit_is_not_kept(store: FakeStore) -> None:
    limited = reader(store, memory_limit_bytes=12 * 64 - 1)
    assert not limited.preload(np.arange(12))
    assert store.reads == 0


def test_rows_that_were_not_expected_are_read_all_the_same(store: FakeStore) -> None:
    lazy = reader(store)
    lazy.ahead(np.array([1, 2]))
    assert torch.equal(lazy.read(np.array([3])), reader(store).read(np.array([3])))


def test_batches_cover_all_rows_in_order(store: FakeStore) -> None:
    rows = np.array([4, 9, 1, 2, 7])
    told: list[int] = []
    parts = list(reader(store).batches(rows, 2, lambda _, done, total, note="": told.append(done)))
    assert np.array_equal(np.concatenate([part for part, _ in parts]), rows)
    whole = torch.cat([images for _, images in parts])
    assert torch.equal(whole, reader(store).read(rows))
    assert told == [2, 4, 5]
