"""Our own `weights.pt`: what it holds, and which method made it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import UsageError
from benchmark.registry import OPTION_MARK

FIELDS = ("model", "tokenizer_json", "options", "size", "image_size")
MAKER = "baseline"
"""Names the baseline; files of versions before it lack the field."""


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
