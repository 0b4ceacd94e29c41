"""Files of weights: whether one is there, what our own `weights.pt` holds, which method made it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import UsageError
from benchmark.registry import OPTION_MARK

FIELDS = ("model", "tokenizer_json", "options", "size", "image_size")
MAKER = "baseline"
"""Names the baseline; files of versions before it lack the field."""

ANOTHER_ENCODER = (
    "An encoder of no method here goes by a name of its own, without --weights: "
    "--baseline timm:NAME@FILE, open_clip:ARCH@FILE, hf:FOLDER or FILE.py:FUNCTION "
    "(docs/outside_encoders.md)."
)
"""What to do with a file that no method reads."""


def require_file(path: Path) -> None:
    """Refuse a file of weights that is not there.

    Raises:
        UsageError: Says where it was looked for and which files there are.
    """
    if not path.is_file():
        raise UsageError(
            "The weights file does not exist.",
            looked_in=[path.absolute()],
            remedy="Check the path behind --weights, which counts from the folder you stand in. "
            "docs/evaluate_your_checkpoint.md says which files are read and where they are from.",
        )


def require_maker(content: Mapping[str, Any], baseline: str, path: Path) -> None:
    """Refuse the weights of another method: equal tensors would let them in under a wrong name.

    Args:
        content: Of the file.
        baseline: That is to be evaluated; its options may differ from those of the file.
        path: For the message.

    Raises:
        UsageError: The file names another method.
    """
    maker = str(content.get(MAKER) or "")
    if maker and maker.partition(OPTION_MARK)[0] != baseline.partition(OPTION_MARK)[0]:
        raise UsageError(
            f"{path} holds the weights of `{maker}`, not of `{baseline}`.",
            remedy=f"Use --baseline {maker}, or a file of `{baseline}`.",
        )
