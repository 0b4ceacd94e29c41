r"""Which entities a report names, in which state, and where: a rule on keywords and negations.

The paper has RadGraph's triplets, which need a trained extractor; this rule needs the text alone.

1. A sentence is cut into clauses at `but`, `however`, `although`, semicolons and the like; a
   clause that begins with `with` or `there is` is one of its own, too.
2. An entity is mentioned where its pattern matches within a clause.
3. A clause with a word of doubt (`may`, `possible`, `cannot be excluded` ...) makes all its
   mentions uncertain. Otherwise a mention is absent if a negation stands before its end (`no`,
   `without`, `free of`, `not` ...) or a closing one behind it (`is not seen`, `is absent`, `has
   resolved` ...), else present. Words on change (`no interval change`) and lucencies `without lung
   markings` negate nothing.
4. Over the report present stands above uncertain, and uncertain above absent.
5. The place of a present entity is the place named nearest to it in its clause, by characters
   between the two, one beyond an `and` or a comma only where there is no other; of two equally
   near ones the longer, then the earlier.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from baselines.methods.medklip_lists import ENTITIES, LOCATIONS
from benchmark.data.report_text import sentences

NOT_NAMED, ABSENT, PRESENT, UNCERTAIN = -1, 0, 1, 2
_RANK = {NOT_NAMED: 0, ABSENT: 1, UNCERTAIN: 2, PRESENT: 3}
NO_PLACE = -1

_NO_NEGATION = re.compile(
    r"\bno (?:\w+ )?(?:interval )?(?:change|increase|decrease|worsening|progression)\b"
    r"|\bnot (?:\w+ )?changed\b|\bwithout (?:lung|vascular|pulmonary) markings\b"
)
_BORDER = re.compile(
    r";|:|,? (?:but|however|although|though|while|whereas|except)\b"
    r"|,? (?=with\b)|,? (?:and )?(?=there (?:is|are)\b)"
)
_DOUBT = re.compile(
    r"\b(?:may|might|could|possibl[ey]|possibility|probabl[ey]|likely|questionable|suspected"
    r"|suspicious for|suggest\w*|borderline|difficult to (?:judge|exclude)|concern(?:ing)? for"
    r"|cannot (?:be )?(?:\w+ )?(?:excluded?|ruled out)|not (?:be )?excluded|versus|vs)\b"
)
_BEFORE = re.compile(
    r"\b(?:no|not|without|neither|nor|free of|absence of|negative for|lack of|clear of)\b"
)
_BEHIND = re.compile(
    r"\b(?:(?:is|are|was|were|has|have) )?(?:not|no longer) (?:been )?(?:\w+ly )?(?:seen|identified"
    r"|present|visible|visualized|demonstrated|developed|detected|evident|appreciated|noted)\b"
    r"|\b(?:is|are) absent\b|\b(?:has|have) (?:\w+ )?(?:resolved|cleared)\b|\b(?:is|are) resolved\b"
    r"|\b(?:is|are|has been|have been) (?:excluded|ruled out)\b"
)


@dataclass(frozen=True)
class Mention:
    """An entity in a clause.

    Attributes:
        entity: Index in `ENTITIES`.
        state: `ABSENT`, `PRESENT` or `UNCERTAIN`.
        place: Index in `LOCATIONS`, or `NO_PLACE`.
    """

    entity: int
    state: int
    place: int


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)")


_ENTITY_PATTERNS = [_compiled(entity.pattern) for entity in ENTITIES]
_PLACE_PATTERNS = [_compiled(pattern) for _, pattern in LOCATIONS]


def mentions(text: str) -> list[Mention]:
    """All mentions of a text, clause by clause, in the order in which they stand."""
    return [
        mention
        for sentence in sentences(text.lower())
        for clause in _clauses(sentence)
        for mention in _in_clause(clause)
    ]


def states_and_places(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """State and place of every entity of `ENTITIES`, over the whole text.

    The place is that of the first present mention that has one.
    """
    states, places = [NOT_NAMED] * len(ENTITIES), [NO_PLACE] * len(ENTITIES)
    for mention in mentions(text):
        index = mention.entity
        if _RANK[mention.state] > _RANK[states[index]]:
            states[index] = mention.state
        if mention.state == PRESENT and places[index] == NO_PLACE:
            places[index] = mention.place
    return tuple(states), tuple(places)


def statement(prompt: str, entities: int) -> tuple[int, bool] | None:
    """The entity that a prompt speaks of first, and whether it is denied.

    Args:
        prompt: Such as `There is no effusion.`
        entities: How many of `ENTITIES` the model has.

    Returns:
        None where the prompt names none of them.
    """
    for mention in mentions(prompt):
        if mention.entity < entities:
            return mention.entity, mention.state == ABSENT
    return None


def _clauses(sentence: str) -> list[str]:
    """Clauses, words that only look like a negation blanked out."""
    plain = _NO_NEGATION.sub(" ", sentence)
    return [clause for clause in _BORDER.split(plain) if clause and clause.strip()]


# Reports repeat their sentences.
@lru_cache(maxsize=1 << 17)
def _in_clause(clause: str) -> tuple[Mention, ...]:
    found: list[tuple[int, int, int]] = []
    for index, pattern in enumerate(_ENTITY_PATTERNS):
        found += [(match.start(), match.end(), index) for match in pattern.finditer(clause)]
    # One stretch of text is one entity: the longest (`subcutaneous emphysema` is no emphysema).
    found = _outermost(found)
    places = _outermost(
        [
            (match.start(), match.end(), index)
            for index, pattern in enumerate(_PLACE_PATTERNS)
            for match in pattern.finditer(clause)
        ]
    )
    doubtful = _DOUBT.search(clause) is not None
    return tuple(
        Mention(
            index,
            UNCERTAIN if doubtful else _state(clause, end),
            _nearest(clause, start, end, places),
        )
        for start, end, index in found
    )


def _state(clause: str, end: int) -> int:
    denied = _BEFORE.search(clause[:end]) or _BEHIND.search(clause[end:])
    return ABSENT if denied else PRESENT


def _outermost(spans: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Spans that lie in no longer one, in their order; of equal ones the first listed."""
    kept: list[tuple[int, int, int]] = []
    for span in sorted(spans, key=lambda item: (item[0] - item[1], item[0], item[2])):
        if not any(start <= span[0] and span[1] <= end for start, end, _ in kept):
            kept.append(span)
    return sorted(kept)


def _nearest(clause: str, start: int, end: int, places: list[tuple[int, int, int]]) -> int:
    def order(place: tuple[int, int, int]) -> tuple[bool, int, int, int]:
        between = clause[place[1] : start] if place[1] <= start else clause[end : place[0]]
        apart = re.search(r"\band\b|,", between) is not None
        return apart, len(between), place[0] - place[1], place[0]

    return min(places, key=order)[2] if places else NO_PLACE
