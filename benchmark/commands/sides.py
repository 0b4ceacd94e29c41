"""The sides of a comparison: a baseline, and which of its weights or options are meant."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark import registry
from benchmark.errors import MissingDataError, UsageError
from benchmark.settings import Settings

if TYPE_CHECKING:
    from benchmark.reporting.select import Group, Result

MARK = "@"
TRAINED = "trained"
DEFAULTS = "defaults"
FORMS = "NAME@trained, NAME@file:CHECKSUM, NAME@OPTION=VALUE, NAME@defaults"
_FILE = re.compile(r"file:[0-9a-f]+")
_OUTSIDE = re.compile(rf"(.+){MARK}({_FILE.pattern})")


@dataclass(frozen=True)
class Side:
    """One side, as `side_of` reads it.

    Attributes:
        written: What the user wrote.
        baseline: As in records.
        weights: `trained`, or `file:` with the first letters of a checksum; empty for any.
        options: All that differ from their defaults, as tables print them; None for any.
    """

    written: str
    baseline: str
    weights: str = ""
    options: frozenset[str] | None = None

    def takes(self, item: Result) -> bool:
        """Whether a record is one of this side's."""
        if item.cell["baseline"] != self.baseline:
            return False
        if self.options is not None and self.options != set(_options(item.group)):
            return False
        weights = str(item.cell["weights"])
        return weights.startswith(self.weights) if self.weights != TRAINED else weights == TRAINED

    def group(self, results: Iterable[Result], labels: str) -> Group | None:
        """The one group of the side's records; None where it has no record.

        Raises:
            UsageError: There are several. They cannot be averaged, so they must be told apart.
        """
        fractions = (labels, "all")
        groups = {item.group for item in results if self.takes(item) and item.labels in fractions}
        if len(groups) > 1:
            raise _several(self, sorted(groups))
        return next(iter(groups), None)

    def run_call(self, task: str) -> list[str]:
        """The words of the command that makes records of this side."""
        call = ["maco-bench", "run", task, "--baseline", self.baseline]
        if self.weights.startswith("file:") and not registry.is_outside(self.baseline):
            call += ["--weights", "FILE"]
        for option in sorted(self.options or ()):
            call += ["--set", f"{self.baseline.partition(registry.OPTION_MARK)[0]}.{option}"]
        return call


def side_of(written: str) -> Side:
    """What `NAME`, or `NAME@` and a selector, means.

    The name of an outside encoder may hold an `@` itself, so only a checksum at its end is read as
    a selector; it has no other weights and no options.

    Raises:
        UsageError: A selector that is none of `FORMS`.
    """
    name, *parts = written.split(MARK)
    known = name.partition(registry.OPTION_MARK)[0] in registry.baseline_names()
    if not known and registry.is_outside(written):
        found = _OUTSIDE.fullmatch(written)
        return Side(written, found[1], found[2]) if found else Side(written, written)
    weights = [part for part in parts if part == TRAINED or _FILE.fullmatch(part)]
    options = [part for part in parts if part == DEFAULTS or "=" in part]
    if len(weights) + len(options) != len(parts) or len(weights) > 1:
        raise UsageError(f"`{written}` names no side.", remedy=f"Forms: NAME, {FORMS}.")
    chosen = frozenset(options) - {DEFAULTS} if options else None
    return Side(written, name, weights[0] if weights else "", chosen)


def no_records(
    results: Sequence[Result], sides: Sequence[Side], task: str, settings: Settings
) -> MissingDataError:
    """The error of a task on which two sides do not meet, with the commands that make records.

    Args:
        results: Of the task.
        sides: Both.
        task: As the user named it.
        settings: Where the records were looked for.
    """
    lacking = [side for side in sides if not any(side.takes(item) for item in results)]
    more = ["--profile", settings.profile] if settings.profile != Settings.profile else []
    more += ["--corpus", settings.corpus] if settings.corpus else []
    calls = [shlex.join([*side.run_call(task), *more]) for side in lacking or sides]
    return MissingDataError(
        f"There is no test set of `{task}` on which both `{sides[0].written}` and "
        f"`{sides[1].written}` have records in profile `{settings.profile}`.",
        looked_in=[settings.results],
        remedy=f"Run: {'; '.join(calls)}.",
    )


def _options(group: Group) -> list[str]:
    """The options that differ from their defaults, as tables print them behind a method."""
    return [f"{name}={value}" for name, value in json.loads(group.options).items()]


def _several(side: Side, groups: Sequence[Group]) -> UsageError:
    """The error that names what would tell a side's groups apart."""
    corpora = sorted({group.corpus for group in groups} - {""})
    chosen = list(dict.fromkeys(_selector(group, groups) for group in groups))
    remedies = []
    if len(chosen) > 1:
        remedies.append(f"Write {' or '.join(chosen)} in place of {side.written}.")
    if len(corpora) > 1:
        remedies.append(f"Name the corpus: {' or '.join(f'--corpus {name}' for name in corpora)}.")
    return UsageError(
        f"`{side.written}` has records of several kinds on one test set.",
        remedy=" ".join(remedies),
    )


def _selector(group: Group, groups: Sequence[Group]) -> str:
    """How one group is written, with what differs among all of them."""
    parts = [group.baseline]
    if len({other.weights for other in groups}) > 1:
        parts.append(group.weights)
    if len({other.options for other in groups}) > 1:
        parts += _options(group) or [DEFAULTS]
    return MARK.join(parts)
