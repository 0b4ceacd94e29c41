"""Baselines of the checkout with initial weights, for tests."""

from __future__ import annotations

from typing import Any

from benchmark import registry
from benchmark.interfaces import BuildContext


def encoder(name: str, image_size: int = 32, size: str = "toy") -> Any:
    """A baseline built for squares of `image_size`, in evaluation mode."""
    spec = registry.load_baseline(name)
    context = BuildContext(spec.sizes[size], spec.options, image_size, seed=3)
    return registry.baseline_module(name).build(context).eval()
