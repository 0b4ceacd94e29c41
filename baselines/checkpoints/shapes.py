"""Shapes of a weight file's tensors by name: sizes are read from them, never from file names."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class Shapes:
    """Shapes by name, with an error that names what is missing.

    Args:
        tensors: Of the file, renamed or not.
        model: What the file is taken for, for the errors.
    """

    def __init__(self, tensors: Mapping[str, Tensor], model: str) -> None:
        self.tensors = tensors
        self.model = model

    def __getitem__(self, name: str) -> tuple[int, ...]:
        if name not in self.tensors:
            raise BadDataError(
                f"The weight file lacks `{name}`, so it is not a complete {self.model} model."
            )
        return tuple(self.tensors[name].shape)

    def has(self, prefix: str) -> bool:
        """Whether any name begins so."""
        return any(name.startswith(prefix) for name in self.tensors)

    def layers(self, prefix: str) -> int:
        """One more than the largest number that follows the prefix."""
        numbers = [
            int(found.group(1))
            for name in self.tensors
            if name.startswith(prefix) and (found := re.match(r"(\d+)\.", name[len(prefix) :]))
        ]
        if not numbers:
            raise BadDataError(f"The weight file lacks every `{prefix}*`.")
        return max(numbers) + 1

    def side(self, name: str, extra: int = 1) -> int:
        """Side of the square grid of a table of positions, (1, extra + side², D) or without 1."""
        places = self[name][-2] - extra
        side = math.isqrt(places)
        if side * side != places:
            raise BadDataError(f"`{name}` has {places} places, which is no square.")
        return side
