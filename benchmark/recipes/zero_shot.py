"""Zero-shot classification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from benchmark.recipes.base import Recipe


@dataclass(frozen=True)
class ZeroShotRecipe(Recipe):
    """Zero-shot classification by prompts; a model is read at its own size.

    Attributes:
        prompts: Name of a file in `tasks/prompts/`, without `.toml`.
        scoring: `official`: softmax over the raw dot products with the mean positive and the
            mean negative text vector. `cosine`: the same on L2-normalised vectors with the
            model's learned temperature; `both` stores both, `official` is the headline.
    """

    OWN_SIZE: ClassVar[bool] = True

    prompts: str = "maco"
    scoring: Literal["official", "cosine", "both"] = "both"
