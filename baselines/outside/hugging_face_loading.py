"""Models and tokenizers of transformers from a folder: all weights, no code, nothing printed."""

from __future__ import annotations

import contextlib
import pickle
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

from benchmark.errors import BadDataError, MissingDataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_POOLER = "pooler."
_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")


def load_model(folder: Path) -> tuple[Any, dict[str, list[str]]]:
    """A model with all its weights, in single precision, and what differs in the files.

    A classifier or a language model is often stored without pooler: the first token, which its
    pooler would read, stands in for it.

    Raises:
        BadDataError: Weights are missing, have another shape or are no plain tensors.
    """
    try:
        with _quiet():
            model, told = AutoModel.from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                dtype=torch.float32,
                output_loading_info=True,
                # Else the names are printed and the error does not have them.
                ignore_mismatched_sizes=True,
            )
    except (pickle.UnpicklingError, EOFError) as error:
        raise BadDataError(
            f"The weights in `{folder}` are cut short or hold more than tensors, which is not read."
        ) from error
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise BadDataError(f"transformers cannot load `{folder}`: {_one_line(error)}") from error
    missing = {str(name) for name in told["missing_keys"]}
    wrong = {str(item[0]) for item in told["mismatched_keys"]}
    pooler = {name for name in model.state_dict() if name.startswith(_POOLER)}
    if pooler and pooler <= missing:
        model.pooler = FirstToken()
        missing -= pooler
    else:
        pooler = set()
    if missing or wrong:
        names = ", ".join(sorted(missing | wrong)[:10])
        raise BadDataError(f"`{folder}` lacks weights of its model, in its shapes: {names}.")
    return model, {"unused": sorted(told["unexpected_keys"]), "missing": sorted(pooler)}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the progress and the reports that transformers prints."""
    level, shown = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


class FirstToken(nn.Module):
    """In place of a pooler whose weights are not in the files."""

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, D) to (B, D)."""
        return tokens[:, 0]


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder.

    Raises:
        MissingDataError: Its files are missing.
        BadDataError: They cannot be read.
    """
    # Without them transformers makes one that knows no words.
    if not any(path for name in _TOKENIZER_FILES for path in folder.glob(name)):
        raise MissingDataError(
            f"The folder holds no tokenizer ({', '.join(_TOKENIZER_FILES)}).", looked_in=[folder]
        )
    try:
        with _quiet():
            return AutoTokenizer.from_pretrained(folder, local_files_only=True, use_fast=True)
    except (OSError, ValueError) as error:
        raise BadDataError(f"`{folder}` holds no tokenizer: {_one_line(error)}") from error
