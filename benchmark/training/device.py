"""Where the arithmetic runs: device, threads, precision, and how much memory it took."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from benchmark.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

PrecisionName = Literal["auto", "float32", "bfloat16", "float16"]
_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(requested: str = "auto") -> torch.device:
    """The GPU if there is one, else the CPU; or the device that is asked for by name.

    Raises:
        UsageError: The named device is not there.
    """
    if requested == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(requested)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(
            f"The device `{requested}` was asked for, but no GPU is visible.",
            remedy="Use `auto` or `cpu`.",
        )
    return device


def set_threads(count: int) -> int:
    """Fix the threads of an operator, on which the last bits of a sum depend.

    Returns:
        The count in force, for the record.
    """
    torch.set_num_threads(max(1, count))
    return torch.get_num_threads()


@dataclass(frozen=True)
class Precision:
    """How forward and backward passes are computed; weights are float32 always.

    Attributes:
        name: `float32`, `bfloat16` or `float16` (then with a loss scaler).
        device_type: `cpu` or `cuda`.
    """

    name: str
    device_type: str

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """The context of a forward pass; does nothing for float32."""
        if self.name == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device_type, dtype=_TYPES[self.name])

    def scaler(self) -> torch.amp.GradScaler:
        """A loss scaler, disabled unless the precision is float16."""
        return torch.amp.GradScaler(self.device_type, enabled=self.name == "float16")


def choose_precision(name: PrecisionName, device: torch.device | str) -> Precision:
    """Resolve `auto`: float32 on a CPU, on a GPU bfloat16 where it is native, else float16.

    Raises:
        UsageError: float16 on a CPU, which has no fast kernels for it.
    """
    kind = torch.device(device).type
    if name == "auto":
        if kind != "cuda":
            return Precision("float32", kind)
        return Precision("bfloat16" if torch.cuda.is_bf16_supported() else "float16", kind)
    if name == "float16" and kind == "cpu":
        raise UsageError(
            "The precision float16 needs a GPU.", remedy="Use `float32` or `bfloat16` on a CPU."
        )
    return Precision(name, kind)


@contextlib.contextmanager
def private_random_state(device: torch.device | str) -> Iterator[None]:
    """Let a block seed and draw from torch's global state, which is put back afterwards."""
    kind = torch.device(device)
    devices = [kind.index or 0] if kind.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield


def seed_everything(seed: int, device: torch.device | str) -> None:
    """Seed torch's global generators of the CPU and of the device.

    `torch.manual_seed` would note a stack trace each time, as long as a GPU is not in use: about
    a millisecond, which is more than a step of a linear head takes.
    """
    torch.default_generator.manual_seed(seed)
    if torch.device(device).type == "cuda":
        torch.cuda.manual_seed_all(seed)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: for operators so small that sharing them out costs more."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(count)


def reset_peak_memory(device: torch.device | str) -> None:
    """Start a new measurement on a GPU; a process' peak on the CPU cannot be reset."""
    if torch.device(device).type == "cuda":
        torch.cuda.reset_peak_memory_stats(torch.device(device))


def peak_memory_mib(device: torch.device | str) -> float:
    """Most memory held so far, in MiB: allocated on the GPU, or resident for the CPU process."""
    if torch.device(device).type == "cuda":
        return torch.cuda.max_memory_allocated(torch.device(device)) / 2**20
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
