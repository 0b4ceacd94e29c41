from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmark.errors import UsageError
from benchmark.training import distributed

if TYPE_CHECKING:
    from pathlib import Path


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


SCRIPT = """
import importlib.util, sys
import numpy as np, torch
from benchmark.training import distributed

torch.set_num_threads(1)
spec = importlib.util.spec_from_file_location("module", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
assert distributed.start_from_environment("cpu")
assert distributed.world_size() == 2
assert distributed.is_main() == (distributed.rank() == 0)
found = module.gradients(module.Towers())
np.savez(f"{sys.argv[2]}/{distributed.rank()}.npz", **{k: v.numpy() for k, v in found.items()})
distributed.barrier()
torch.distributed.destroy_process_group()
"""


@pytest.mark.full
def test_two_processes_have_the_gradients_of_one(tmp_path: Path) -> None:
    script = tmp_path / "work.py"
    script.write_text(SCRIPT)
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *launch, str(script), __file__, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    expected = gradients(Towers())
    for rank in range(2):
        found = np.load(tmp_path / f"{rank}.npz")
        assert set(found.files) == set(expected)
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value.numpy(), atol=1e-5)
