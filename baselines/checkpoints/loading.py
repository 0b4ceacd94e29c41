"""Reading a weight file without running code that it may carry."""

from __future__ import annotations

import argparse
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmark.errors import BadDataError, MissingDataError, UntrustedFileError

ALLOWED_CLASSES = (argparse.Namespace,)
"""Besides tensors and plain containers: official MaCo, MRM and MAE files hold their arguments."""

_STARTS = (b"PK", b"\x80")
"""A zip archive, or a bare pickle of torch before 1.6."""


def load_checkpoint(path: Path, trusted: bool = False) -> dict[str, Any]:
    """The content of a checkpoint, tensors on the CPU.

    Args:
        path: A file written by `torch.save`.
        trusted: Allow arbitrary pickled objects, which can run any code on loading.

    Raises:
        MissingDataError: There is no such file.
        BadDataError: It is no checkpoint, or not a dictionary.
        UntrustedFileError: It holds objects outside `ALLOWED_CLASSES` and is not trusted.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(f"There is no weight file `{path.name}`.", looked_in=[path.parent])
    with path.open("rb") as file:
        if not file.read(2).startswith(_STARTS):
            raise BadDataError(f"`{path}` is not a file written by torch.save.")
    try:
        with torch.serialization.safe_globals(list(ALLOWED_CLASSES)):
            content = torch.load(path, map_location="cpu", weights_only=not trusted)
    except pickle.UnpicklingError as error:
        raise _refusal(path, str(error)) from error
    except (AttributeError, ImportError) as error:
        raise BadDataError(f"`{path}` needs code that is not installed: {error}.") from error
    except (RuntimeError, EOFError, OSError) as error:
        raise BadDataError(f"`{path}` is damaged or cut short: {error}.") from error
    if not isinstance(content, dict):
        raise BadDataError(f"`{path}` holds a {type(content).__name__}, not a dictionary.")
    return content


def _refusal(path: Path, message: str) -> UntrustedFileError:
    found = re.search(r"GLOBAL (\S+)", message)
    needed = f"it needs `{found.group(1)}`" if found else message.strip().splitlines()[-1]
    return UntrustedFileError(
        f"`{path}` holds more than tensors and plain containers: {needed}. Loading that could run "
        "any code.",
        remedy="If you trust whoever made the file, say so with --trust-weights (in Python: "
        "`load_checkpoint(path, trusted=True)`); or save its tensors alone and load those.",
    )


def tensors_of(content: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state dictionary: under `model`, `state_dict`, or the content itself.

    A leading `module.`, which wrappers for several processes add, is removed.
    """
    for name in ("model", "state_dict"):
        inner = content.get(name)
        if isinstance(inner, Mapping) and any(isinstance(v, Tensor) for v in inner.values()):
            content = inner
            break
    tensors = {
        key.removeprefix("module."): value
        for key, value in content.items()
        if isinstance(key, str) and isinstance(value, Tensor)
    }
    if not tensors:
        raise BadDataError("The weight file holds no tensors by name.")
    return tensors


def place(model: torch.nn.Module, tensors: Mapping[str, Tensor]) -> list[str]:
    """Copy tensors into a model by name; every entry of its state must be found.

    Returns:
        Names of tensors that the model has no place for, sorted.

    Raises:
        BadDataError: Listing what is missing or has another shape; nothing is copied then.
    """
    wanted = model.state_dict()
    missing = sorted(name for name in wanted if name not in tensors)
    if missing:
        raise BadDataError(
            f"The weight file lacks {len(missing)} of {len(wanted)} tensors: {', '.join(missing)}."
        )
    wrong = [
        f"{name} is {tuple(tensors[name].shape)}, not {tuple(target.shape)}"
        for name, target in wanted.items()
        if tensors[name].shape != target.shape
    ]
    if wrong:
        raise BadDataError(f"Tensors of the weight file have other shapes: {'; '.join(wrong)}.")
    with torch.no_grad():
        for name, target in wanted.items():
            target.copy_(tensors[name])
    return sorted(set(tensors) - set(wanted))
