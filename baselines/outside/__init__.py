"""Encoders of others, evaluated as they are: `timm:`, `open_clip:`, `hf:` or a function of yours.

A name says all: `timm:NAME@FILE`, `open_clip:ARCH@FILE`, `hf:FOLDER`, `MODULE:FUNCTION` or
`FILE.py:FUNCTION`. Nothing is downloaded. What is found out for a plan (capabilities, checksum of
the files) needs no torch, but for a function of yours, which has to be called.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from baselines.outside.baseline import OutsideBaseline

SCHEMES = {
    "timm": "baselines.outside.timm_models",
    "open_clip": "baselines.outside.open_clip_models",
    "hf": "baselines.outside.hugging_face",
}
"""Modules by the word in front of the colon; any other word is a module of the user's."""


@functools.lru_cache(maxsize=64)
def find(name: str) -> OutsideBaseline:
    """The baseline that a name with a colon means.

    Raises:
        UsageError: The name is incomplete, or means something that cannot be used.
        MissingDataError: Its file or folder is not there.
    """
    import importlib

    from baselines.outside.baseline import OutsideBaseline

    scheme, _, target = name.partition(":")
    module = importlib.import_module(SCHEMES.get(scheme, "baselines.outside.own"))
    return OutsideBaseline(name, module.look(target if scheme in SCHEMES else name))
