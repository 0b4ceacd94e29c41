"""What methods do with the sentences of a report before they read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch

from benchmark.data.report_text import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORD = re.compile(r"\w+")


def one_sentence_each(
    texts: Sequence[str], generator: torch.Generator, least_words: int = 1
) -> list[str]:
    """One random sentence of each report, with a full stop.

    A report without a sentence that is long enough is taken whole.

    Args:
        texts: Reports.
        generator: CPU generator; one number is drawn a report, whatever is in it.
        least_words: Shorter sentences are not drawn.
    """
    chosen = []
    for text, number in zip(texts, torch.rand(len(texts), generator=generator).tolist()):
        found = [part for part in sentences(text) if len(_WORD.findall(part)) >= least_words]
        chosen.append(f"{found[int(number * len(found))]}." if found else text)
    return chosen


def swapped(parts: Sequence[str], generator: torch.Generator, chance: float) -> list[str]:
    """The same parts with some pairs exchanged.

    Args:
        parts: Sentences of one report.
        generator: CPU generator.
        chance: Of another exchange after none or one, so their number is geometric.
    """
    order = list(parts)
    while len(order) > 1 and float(torch.rand((), generator=generator)) < chance:
        first, second = torch.randint(len(order), (2,), generator=generator).tolist()
        order[first], order[second] = order[second], order[first]
    return order


def words_only(text: str) -> str:
    """Letters and digits in lower case, ASCII only, single spaces between words."""
    found = (word.encode("ascii", "ignore").decode() for word in _WORD.findall(text.lower()))
    return " ".join(word for word in found if word)
