"""One cell on several GPUs: thin helpers over torch.distributed that do nothing in one process.

Each process encodes its share of a contrastive batch. A loss that gathers all embeddings with
`gather` is the loss of the whole batch in every process, and the averaged gradients are those of
a single process.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch import distributed as dist

from benchmark.errors import UsageError

if TYPE_CHECKING:
    import numpy as np


def start_from_environment(device: torch.device | str = "cpu") -> bool:
    """Join the group that torchrun describes in the environment, if it does.

    Returns:
        Whether there is more than one process.
    """
    if is_distributed():
        return True
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or "MASTER_ADDR" not in os.environ:
        return False
    backend = "nccl" if torch.device(device).type == "cuda" else "gloo"
    dist.init_process_group(backend)
    return True


def is_distributed() -> bool:
    """Whether a process group of more than one process runs."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def rank() -> int:
    """Number of this process; 0 alone."""
    return dist.get_rank() if is_distributed() else 0


def world_size() -> int:
    """Number of processes; 1 alone."""
    return dist.get_world_size() if is_distributed() else 1


def is_main() -> bool:
    """Whether this process writes files and reports progress."""
    return rank() == 0


def barrier() -> None:
    """Wait for the other processes."""
    if is_distributed():
        dist.barrier()


def shard(rows: np.ndarray) -> np.ndarray:
    """This process' share of a batch: contiguous, equal in size.

    Raises:
        UsageError: The batch cannot be divided evenly.
    """
    parts = world_size()
    if len(rows) % parts:
        raise UsageError(
            f"A contrastive batch of {len(rows)} cannot be shared evenly by {parts} processes.",
            remedy="Choose a multiple of the number of processes.",
        )
    share = len(rows) // parts
    return rows[rank() * share : (rank() + 1) * share]


def gather(values: Tensor) -> Tensor:
    """(B, ...) of every process, joined in the order of ranks; gradients flow back to each.

    The backward pass sums the gradients of all processes, which the averaging of
    `DistributedDataParallel` turns into the gradient of the whole batch's loss.
    """
    if not is_distributed():
        return values
    from torch.distributed.nn.functional import all_gather

    parts = all_gather(values)  # type: ignore[no-untyped-call]
    return torch.cat(list(parts), dim=0)


def wrap(model: nn.Module, device: torch.device | str = "cpu") -> nn.Module:
    """The model whose gradients are averaged over processes; the model itself when alone.

    Parameters that a loss does not touch (unused heads of official checkpoints) are allowed.
    """
    if not is_distributed():
        return model
    kind = torch.device(device)
    ids = [kind.index or 0] if kind.type == "cuda" else None
    return nn.parallel.DistributedDataParallel(model, device_ids=ids, find_unused_parameters=True)


def unwrap(model: nn.Module) -> nn.Module:
    """The inverse of `wrap`."""
    if isinstance(model, nn.parallel.DistributedDataParallel):
        inner: nn.Module = model.module
        return inner
    return model


def without_sync(model: nn.Module, skip: bool) -> contextlib.AbstractContextManager[Any]:
    """A context in which gradients stay local: for all micro batches of a step but the last."""
    if skip and isinstance(model, nn.parallel.DistributedDataParallel):
        return model.no_sync()
    return contextlib.nullcontext()
