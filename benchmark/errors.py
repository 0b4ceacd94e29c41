"""Every error a user can meet: what is wrong, where it was looked for, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

_LISTED = 60
"""More names than that are no help in an error."""
_NEAREST = 5


class MacoBenchError(Exception):
    """A mistake or a lack that the user can mend; shown without a trace.

    Args:
        problem: What is missing or wrong, one sentence.
        looked_in: Where it was looked for.
        remedy: What to do about it.
    """

    exit_code = 2

    def __init__(self, problem: str, *, looked_in: Sequence[object] = (), remedy: str = "") -> None:
        self.problem = problem
        self.looked_in = tuple(str(place) for place in looked_in)
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [self.problem]
        if self.looked_in:
            parts.append("Looked in: " + ", ".join(self.looked_in) + ".")
        if self.remedy:
            parts.append(self.remedy)
        return " ".join(parts)

    def __reduce__(self):  # type: ignore[no-untyped-def]
        """Keep the keyword arguments when the error crosses a process border."""
        return _rebuild, (type(self), self.problem, self.looked_in, self.remedy)


def _rebuild(
    kind: type[MacoBenchError], problem: str, looked_in: Sequence[str], remedy: str
) -> MacoBenchError:
    return kind(problem, looked_in=looked_in, remedy=remedy)


class UsageError(MacoBenchError):
    """The command line or a configuration file asks for something that does not exist."""


class MissingDataError(MacoBenchError):
    """A data set or a file of it is not where it was looked for. The cell is `blocked`."""


class BadDataError(MacoBenchError):
    """A file exists but does not say what its official layout says."""


class LeakError(MacoBenchError):
    """One patient stands in two splits that must be disjoint."""


class BadRecordError(MacoBenchError):
    """A stored record violates the schema."""


class UntrustedFileError(MacoBenchError):
    """A checkpoint would need arbitrary code to be loaded."""


class NotApplicable(MacoBenchError):
    """A baseline lacks the capability that a task needs. The cell is `not_applicable`."""


def unknown_name(what: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a misspelt name, with up to three near names.

    Where none is near, all are listed, or of many the nearest.

    Args:
        what: The kind of thing, such as `task`.
        name: What the user wrote.
        known: All valid names.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        remedy = "Did you mean " + " or ".join(f"`{item}`" for item in near) + "?"
    elif len(names) > _LISTED:
        nearest = difflib.get_close_matches(name, names, n=_NEAREST, cutoff=0.0)
        remedy = f"The nearest of {len(names)}: " + ", ".join(nearest) + "."
    else:
        remedy = "Known: " + ", ".join(names) + "."
    return UsageError(f"There is no {what} called `{name}`.", remedy=remedy)
