"""What every protocol's recipe shares."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

from benchmark.errors import unknown_name

Geometry = Literal["resize_crop", "squash", "pad_square"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]
R = TypeVar("R", bound="Recipe")


@dataclass(frozen=True)
class Recipe:
    """What every protocol's recipe shares.

    Attributes:
        source: Paper, table or file of the official code that the values come from.
        split: `maco_lists` and the like (a published list, used as published), `official` (the
            data set's own) or `clean` (ours: by patient, nested, from the seed alone).
        image_size: Side of the square model input in pixels.
        geometry: How an image of any shape becomes that square. `resize_crop` = short side to
            size, centre crop; `squash` = ignore the aspect; `pad_square` = zero padding.
        batch_size: Images a forward pass; for training the images an optimiser step.
    """

    OWN_SIZE: ClassVar[bool] = False
    """Whether a model is read at its own size, so that `image_size` changes nothing."""

    source: str
    split: str = "clean"
    image_size: int = 224
    geometry: Geometry = "resize_crop"
    batch_size: int = 96

    @property
    def needs_boxes(self) -> bool:
        """Whether images without boxes take no part."""
        return False

    def replaced(self: R, overrides: Mapping[str, Any]) -> R:
        """This recipe with the named fields replaced; an unknown field is a usage error."""
        known = {item.name for item in dataclasses.fields(self)}
        for name in overrides:
            if name not in known:
                raise unknown_name(f"field of {type(self).__name__}", name, known)
        return dataclasses.replace(self, **overrides)
