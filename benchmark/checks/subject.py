"""What the checks look at: a baseline that can be built again and again, and made-up inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from benchmark.specs import BaselineSpec

TEXTS = (
    "No pneumothorax.",
    "There is a large right pleural effusion with adjacent atelectasis; the heart is enlarged.",
    "x",
    "The lungs are clear.",
)
TOLERANCE = 1e-4
"""Largest deviation, as part of the largest value, that rounding may explain."""


class CheckFailed(Exception):
    """What was expected and what was seen, in one sentence."""


class CheckSkipped(Exception):
    """Why a check says nothing about this baseline."""


@dataclass(frozen=True)
class Subject:
    """A baseline under examination.

    Attributes:
        spec: What it declares.
        make: Builds it with its weights, anew at each call.
    """

    spec: BaselineSpec
    make: Callable[[], Any]

    @cached_property
    def model(self) -> Any:
        """One build of it, in evaluation mode. No check may change it."""
        return self.make().eval()

    def can(self, capability: str) -> bool:
        """Whether it declares a capability."""
        return capability in self.spec.capabilities

    def needs(self, capability: str) -> None:
        """Skip a check unless the baseline declares a capability."""
        if not self.can(capability):
            raise CheckSkipped(f"it does not declare {capability}")

    def noise(self, count: int, seed: int = 0) -> Tensor:
        """Images (count, 1, S, S) of uniform noise in [0, 1], normalised as the engine does."""
        side = self.model.image_size
        generator = torch.Generator().manual_seed(seed)
        return self.normalised(torch.rand(count, 1, side, side, generator=generator))

    def normalised(self, images: Tensor) -> Tensor:
        """Images in [0, 1] as the engine hands them over."""
        profile = self.spec.image_profile
        return (images - profile.mean) / profile.std

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """What the baseline makes of images, by the name of the method that made it."""
        model = self.model
        with torch.inference_mode():
            found = {"patch_features": model.patch_features(images, projected=False)}
            if hasattr(model, "pooled_features"):
                found["pooled_features"] = model.pooled_features(images)
            if self.can("zero_shot"):
                found["image_embedding"] = model.image_embedding(images)
            if self.can("grounding"):
                found["projected patch_features"] = model.patch_features(images, projected=True)
        return found


def deviation(first: Tensor, second: Tensor) -> float:
    """Largest absolute difference over the largest absolute value; infinite for other shapes."""
    if first.shape != second.shape:
        return float("inf")
    scale = max(float(first.abs().max()), 1e-12)
    return float((first - second).abs().max()) / scale


def expect_equal(what: str, first: Tensor, second: Tensor, tolerance: float = TOLERANCE) -> None:
    """Raise `CheckFailed` where two tensors differ by more than rounding."""
    found = deviation(first, second)
    if not found <= tolerance:
        raise CheckFailed(f"{what}: the largest difference is {found:.2g} of the largest value")


def expect_finite(what: str, values: Tensor) -> None:
    """Raise `CheckFailed` for NaN and infinity."""
    if not bool(torch.isfinite(values).all()):
        raise CheckFailed(f"{what} holds NaN or infinity")


def expect_shape(what: str, values: Tensor, wanted: tuple[int | None, ...]) -> None:
    """Raise `CheckFailed` for another shape; None stands for any length."""
    shape = tuple(values.shape)
    fits = len(shape) == len(wanted) and all(
        want is None or want == have for want, have in zip(wanted, shape, strict=True)
    )
    if not fits:
        names = ", ".join("any" if want is None else str(want) for want in wanted)
        raise CheckFailed(f"{what} has the shape {shape}, not ({names})")
