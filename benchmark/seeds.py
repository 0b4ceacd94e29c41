"""Random generators from named axes, so that every baseline meets the same samples."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def seed_from(*axes: object) -> int:
    """A 63-bit seed that depends on the named axes alone, in every process and release.

    Args:
        axes: Names and numbers, such as `("subset", "rsna_classification", 0)`.
            The baseline's name is never one of them.
    """
    text = "\x1f".join(str(axis) for axis in axes)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def generator_from(*axes: object) -> np.random.Generator:
    """A numpy generator seeded by `seed_from`."""
    import numpy as np

    return np.random.default_rng(seed_from(*axes))
