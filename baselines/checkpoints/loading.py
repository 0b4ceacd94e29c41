"""Reading a weight file without running code that it may carry."""

from __future__ import annotations

import argparse
import pickle
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmark.errors import BadDataError, MissingDataError, UntrustedFileError

ALLOWED_CLASSES = (argparse.Namespace,)
"""Besides tensors and plain containers: official MaCo, MRM and MAE files hold their arguments."""

SAFE_SUFFIX = ".safetensors"
_STARTS = (b"PK", b"\x80")
"""A zip archive, or a bare pickle of torch before 1.6."""
_LISTED = 20
_WRAPPERS = ("model", "state_dict", "model_state_dict", "image_encoder")


def load_checkpoint(path: Path, trusted: bool = False) -> dict[str, Any]:
    """The content of a checkpoint, tensors on the CPU.

    Args:
        path: A file written by `torch.save`, or a `.safetensors`.
        trusted: Allow arbitrary pickled objects, which can run any code on loading.

    Raises:
        MissingDataError: There is no such file.
        BadDataError: It is no checkpoint, or not a dictionary.
        UntrustedFileError: It holds objects outside `ALLOWED_CLASSES` and is not trusted.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(f"There is no weight file `{path.name}`.", looked_in=[path.parent])
    if path.suffix == SAFE_SUFFIX:
        return _safe_tensors(path)
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
        if "TorchScript" in str(error):
            raise BadDataError(
                f"`{path}` is a TorchScript archive, a program and no list of weights.",
                remedy="In Python: `torch.save(torch.jit.load(FILE).state_dict(), NEW_FILE)`, if "
                "you trust whoever made it; then name the new file.",
            ) from error
        raise BadDataError(f"`{path}` is damaged or cut short: {error}.") from error
    if not isinstance(content, dict):
        raise BadDataError(f"`{path}` holds a {type(content).__name__}, not a dictionary.")
    return content


def _safe_tensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise BadDataError(f"`{path}` is damaged or cut short: {error}.") from error


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
    """The state dictionary: under the first usual wrapper that holds tensors, or the content.

    A leading `module.`, which wrappers for several processes add, is removed.
    """
    for name in _WRAPPERS:
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


def place(
    model: torch.nn.Module, tensors: Mapping[str, Tensor], initial: Sequence[str] = ()
) -> list[str]:
    """Copy tensors into a model by name; every entry of its state must be found.

    Args:
        model: Where they go; half precision becomes the model's own.
        tensors: By the model's names.
        initial: Patterns of entries that may be absent and then stay as they are.

    Returns:
        Names of tensors that the model has no place for, sorted.

    Raises:
        BadDataError: Listing what is missing or has another shape; nothing is copied then.
    """
    wanted = model.state_dict()
    absent = [name for name in wanted if name not in tensors]
    missing = sorted(n for n in absent if not any(re.search(part, n) for part in initial))
    if missing:
        raise BadDataError(
            f"The weight file lacks {len(missing)} of {len(wanted)} tensors: {_first(missing)}."
        )
    wrong = [
        f"{name} is {tuple(tensors[name].shape)}, not {tuple(target.shape)}"
        for name, target in wanted.items()
        if name in tensors and tensors[name].shape != target.shape
    ]
    if wrong:
        raise BadDataError(f"Tensors of the weight file have other shapes: {_first(wrong, '; ')}.")
    with torch.no_grad():
        for name, target in wanted.items():
            if name in tensors:
                target.copy_(tensors[name])
    return sorted(set(tensors) - set(wanted))


def _first(items: Sequence[str], between: str = ", ") -> str:
    more = f"{between}and {len(items) - _LISTED} more" if len(items) > _LISTED else ""
    return between.join(items[:_LISTED]) + more
