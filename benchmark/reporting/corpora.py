"""Which pre-training corpus a table speaks of; records of another corpus stay out of it."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from benchmark.specs import Suite

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmark.reporting.select import Result


def suite_corpus(leaderboards: Path, suite: str) -> str:
    """The data set that a suite pre-trains on; empty where there is no suite of that name."""
    path = leaderboards / "suites" / f"{suite}.toml"
    if not path.is_file():
        return ""
    return str(tomllib.loads(path.read_text(encoding="utf-8")).get("corpus", Suite.corpus))


def dataset_of(data_id: str) -> str:
    """The name of the data set in a data id, which begins with it; the name has no hyphen."""
    return data_id.partition("-")[0]


def of_corpus(results: Iterable[Result], corpus: str) -> tuple[list[Result], list[Result]]:
    """The records that a table of one corpus may show, and the others.

    A record without pre-training (a sentinel, a weights file) belongs to every corpus.

    Args:
        results: Evaluation records.
        corpus: Name of a data set; empty lets every record in.
    """
    shown: list[Result] = []
    left_out: list[Result] = []
    for item in results:
        belongs = not corpus or item.corpus in ("", corpus)
        (shown if belongs else left_out).append(item)
    return shown, left_out
