"""`timm:NAME@FILE`: an image encoder of timm with weights from a file.

The classifier of the file is left out. Preprocessing is timm's default for the name: where the
weights were trained with another one, wrap them in a function of your own.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.outside.baseline import Built, Found, checksum_of, existing_file
from baselines.outside.timm_names import check_name
from benchmark.errors import BadDataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

_PREFIXES = ("", "model.", "backbone.", "encoder.", "visual.trunk.", "image_encoder.")


def look(target: str) -> Found:
    """What `NAME@FILE` means."""
    name, path = existing_file("timm", target)
    check_name(name)
    return Found(
        title=f"timm {name} ({path.name})",
        source=f"timm, {name}, weights {path.name}",
        capabilities=("image_features", "fine_tune"),
        without="an image encoder of timm has no text tower",
        checksum=checksum_of([path], name),
        build=lambda: _build(name, path),
    )


def _build(name: str, path: Path) -> Built:
    from baselines.checkpoints.loading import load_checkpoint, place, tensors_of
    from baselines.outside.timm_encoder import TimmEncoder, make_model

    model = make_model(name)
    tensors, prefix = _stripped(tensors_of(load_checkpoint(path)), set(model.state_dict()))
    try:
        unused = place(model, tensors)
    except BadDataError as error:
        raise BadDataError(
            f"`{path.name}` does not fit timm's `{name}`. {error.problem}",
            remedy="Check the name; weights of other layouts go through a function of your own.",
        ) from error
    facts = {"form": f"timm:{name}", "prefix": prefix, "unused": unused}
    return Built(TimmEncoder(model), preprocessing_of(model), facts)


def _stripped(tensors: Mapping[str, Tensor], wanted: set[str]) -> tuple[dict[str, Tensor], str]:
    """The tensors without the usual prefix under which most wanted names are found."""

    def under(prefix: str) -> dict[str, Tensor]:
        return {
            name.removeprefix(prefix): value
            for name, value in tensors.items()
            if name.startswith(prefix)
        }

    best = max(_PREFIXES, key=lambda prefix: len(wanted & set(under(prefix))))
    return under(best), best


def preprocessing_of(model: Any) -> dict[str, Any]:
    """Timm's own data configuration of a model."""
    from timm.data import resolve_model_data_config

    config = resolve_model_data_config(model)
    channels, rows, columns = config["input_size"]
    if rows != columns or len(config["mean"]) != channels:
        raise UsageError(f"Images of {config['input_size']} are not square images of 1 or 3 bands.")
    whole = math.floor(rows / config["crop_pct"])  # as timm's own transform rounds
    bilinear = config["interpolation"] == "bilinear"
    return {
        "image_size": rows,
        "mean": config["mean"],
        "std": config["std"],
        "interpolation": "bilinear" if bilinear else "bicubic",
        "crop_fraction": rows / whole,
    }
