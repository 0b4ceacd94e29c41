"""What a made-up released file must say of itself, so that one test covers every form."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import tests.released


@dataclass(frozen=True)
class ReleasedFixture:
    """A small file with the official names and the official layout.

    Attributes:
        baseline: Which baseline reads it.
        title: Of its `Form`.
        state: Draws the tensors by their official names (as they stand in the file, wrappers and
            `module.` left aside) from a seed.
        wrap: Puts them into the file's content, with what official files hold besides: `args`,
            optimizer, scaler, epoch.
        lands: From the official tensors: what our model must hold, by its own names. Written by
            hand or by rules of the test's own, never by the form under test.
        beside: Writes the files that must lie beside the weights.
        initial: Patterns of our tensors that the file does not give.
        name: Of the file.
    """

    baseline: str
    title: str
    state: Callable[[int], dict[str, Tensor]]
    wrap: Callable[[dict[str, Tensor]], dict[str, Any]]
    lands: Callable[[Mapping[str, Tensor]], dict[str, Tensor]]
    beside: Callable[[Path], None] | None = None
    initial: tuple[str, ...] = ()
    name: str = "weights.pth"

    def write(self, folder: Path, seed: int = 7, change: Callable[..., None] | None = None) -> Path:
        """The file, and what lies beside it; `change(tensors)` may spoil the tensors before."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = self.state(seed)
        if change is not None:
            change(tensors)
        torch.save(self.wrap(tensors), folder / self.name)
        if self.beside is not None:
            self.beside(folder)
        return folder / self.name


def drawn(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, Tensor]:
    """Random tensors; scales of norms near 1, variances positive, matrices by their width."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name, shape in shapes.items():
        value = torch.randn(shape, generator=generator)
        if name.endswith("num_batches_tracked"):
            value = torch.tensor(3)
        elif name.endswith("running_var"):
            value = 0.5 + value.abs()
        elif len(shape) > 1:
            value = value / math.sqrt(math.prod(shape[1:]))
        elif name.endswith(".weight"):
            value = 1 + 0.1 * value
        else:
            value = 0.1 * value
        found[name] = value
    return found


def shapes_of(module: torch.nn.Module, prefix: str = "") -> dict[str, tuple[int, ...]]:
    """Names and shapes of a module's state, each name behind a prefix."""
    return {f"{prefix}{name}": tuple(value.shape) for name, value in module.state_dict().items()}


def all_fixtures() -> list[ReleasedFixture]:
    """Those of every module beside this one."""
    names = sorted(item.name for item in pkgutil.iter_modules(tests.released.__path__))
    modules = [importlib.import_module(f"tests.released.{name}") for name in names]
    return [item for module in modules for item in getattr(module, "FIXTURES", ())]
