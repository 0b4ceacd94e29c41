"""Which optional packages are installed; a command asks before it begins, not after hours."""

from __future__ import annotations

import importlib.util

from benchmark.errors import UsageError


def installed(package: str) -> bool:
    """Whether a top-level package can be found; it is not imported."""
    try:
        return importlib.util.find_spec(package) is not None
    except ImportError:
        return False


def require(package: str, extra: str, purpose: str) -> None:
    """Refuse work whose package is not installed.

    Args:
        package: Top-level name, as it is imported.
        extra: The optional dependencies in `pyproject.toml` that hold it.
        purpose: What needs it, as the subject of a sentence.

    Raises:
        UsageError: Says what to install.
    """
    if not installed(package):
        raise UsageError(
            f"{purpose} needs the package `{package}`, which is not installed.",
            remedy=how_to_install(extra),
        )


def how_to_install(extra: str) -> str:
    """One sentence: the command that installs an extra."""
    return f"Install it with `pip install -e '.[{extra}]'` in the checkout."


def require_models(purpose: str) -> None:
    """Refuse work that builds a model where the extra `run` is not installed."""
    require("torch", "run", purpose)
