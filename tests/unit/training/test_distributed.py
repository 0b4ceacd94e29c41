from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, multiprocessing, nn
from torch import distributed as dist
from torch.nn import functional

from benchmark.errors import UsageError
from benchmark.training import distributed


class Towers(nn.Module):
    """Two towers, a weight per sample and a parameter that no loss touches."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.image, self.text = nn.Linear(5, 4), nn.Linear(3, 4)
            self.score = nn.Linear(4, 1)
            self.unused = nn.Linear(2, 2)

    def forward(self, images: Tensor, texts: Tensor) -> Tensor:
        v, t = self.image(images), self.text(texts)
        v, t = distributed.gather(v), distributed.gather(t)
        logits = functional.normalize(v, dim=1) @ functional.normalize(t, dim=1).T / 0.1
        scaled = functional.softplus(self.score(v)) * logits
        return functional.cross_entropy(scaled, torch.arange(len(v))) + functional.cross_entropy(
            logits.T, torch.arange(len(v))
        )


def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(4)
    return torch.randn(2, 6, 5, generator=generator), torch.randn(2, 6, 3, generator=generator)


def gradients(model: nn.Module) -> dict[str, Tensor]:
    """Of two accumulated contrastive batches."""
    images, texts = data()
    wrapped = distributed.wrap(model)
    for micro_step in range(2):
        rows = distributed.shard(np.arange(6))
        with distributed.without_sync(wrapped, skip=micro_step == 0):
            loss = wrapped(images[micro_step][rows], texts[micro_step][rows])
            (loss / 2).backward()
    inner = distributed.unwrap(wrapped)
    return {
        name: parameter.grad.clone()
        for name, parameter in inner.named_parameters()
        if parameter.grad is not None and not name.startswith("unused")
    }


def work(rank: int, store: str, queue: multiprocessing.Queue) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    found = gradients(Towers())
    assert distributed.is_main() == (rank == 0)
    queue.put((rank, {name: value.numpy() for name, value in found.items()}))
    distributed.barrier()
    dist.destroy_process_group()


def test_one_process_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert not distributed.start_from_environment()
    assert (distributed.rank(), distributed.world_size()) == (0, 1)
    model, rows, values = Towers(), np.arange(5), torch.rand(3)
    assert distributed.wrap(model) is model
    assert distributed.unwrap(model) is model
    assert distributed.gather(values) is values
    assert np.array_equal(distributed.shard(rows), rows)
    distributed.barrier()


def test_shares_are_equal_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "world_size", lambda: 3)
    monkeypatch.setattr(distributed, "rank", lambda: 1)
    assert distributed.shard(np.arange(9)).tolist() == [3, 4, 5]
    with pytest.raises(UsageError, match="10"):
        distributed.shard(np.arange(10))


@pytest.mark.full
def test_two_processes_have_the_gradients_of_one(tmp_path: object) -> None:
    expected = gradients(Towers())
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    workers = [
        context.Process(target=work, args=(rank, f"{tmp_path}/store", queue)) for rank in range(2)
    ]
    for worker in workers:
        worker.start()
    results = dict(queue.get(timeout=120) for _ in workers)
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    for found in results.values():
        assert set(found) == set(expected)
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value.numpy(), atol=1e-5)
