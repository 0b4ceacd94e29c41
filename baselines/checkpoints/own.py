"""Our own `weights.pt`: model, tokenizer, options, size and image size in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from baselines.checkpoints.loading import place, tensors_of
from benchmark.errors import BadDataError
from benchmark.interfaces import BuildContext
from benchmark.own_weights import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from baselines.encoders.image_text import MaskedImageTextModel
    from benchmark.interfaces import Representation

FORMAT = "maco-bench"


def is_own(content: Mapping[str, Any]) -> bool:
    """Whether a loaded checkpoint has our form."""
    return content.get("format") == FORMAT or all(name in content for name in FIELDS)


def own_model(
    content: Mapping[str, Any], build: Callable[[BuildContext], Representation]
) -> MaskedImageTextModel:
    """The stored model in eval mode, built by the method that made it.

    Args:
        content: What `load_checkpoint` gave.
        build: The baseline's `build`.
    """
    missing = [name for name in FIELDS if name not in content]
    if missing:
        raise BadDataError(f"The weight file lacks the fields {', '.join(missing)}.")
    model = cast(
        "MaskedImageTextModel",
        build(
            BuildContext(
                size=content["size"],
                options=content["options"],
                image_size=int(content["image_size"]),
                tokenizer_json=content["tokenizer_json"],
            )
        ),
    )
    unused = place(model, tensors_of(content))
    if unused:
        raise BadDataError(
            f"The weights were made by another method; left over: {', '.join(unused)}."
        )
    return model.eval()
