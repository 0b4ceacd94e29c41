"""Radiology report text: sections, sentences, and MaCo's random choice of sentences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

LAST_PARAGRAPH = "last_paragraph"

_HEADER = re.compile(r"^[ \t]*([A-Z][A-Z ()/,\-]*?)[ \t]*:(?=\s|$)", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*_{10,}[ \t]*$", re.MULTILINE)
_TITLE = re.compile(r"^[ \t]*(FINAL|WET READ|PROVISIONAL|PRELIMINARY) REPORT[ \t]*$", re.MULTILINE)
_SPACE = re.compile(r"\s+")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_STOP = re.compile(r"(?<!\d)[.!?]+(?=\s|$)|(?<=\d)[.!?]+(?=\s+[A-Z]|\s*$)")
_LETTER = re.compile(r"[A-Za-z]")
_ENUMERATION = re.compile(r"(^|(?<=[.:]\s))\s*\d{1,2}[.)]\s+(?=[A-Za-z])")

_ALIASES = {
    "findings": (
        "FINDING",
        "FINDINGS",
        "FINDNGS",
        "FINDIGNS",
        "FINDINDGS",
        "FINGINGS",
        "FNDINGS",
        "FINIDNGS",
        "REPORT",
        "FINDINGS AND IMPRESSION",
        "CHEST",
        "CHEST PA AND LATERAL",
        "CHEST, PA AND LATERAL",
        "CHEST, TWO VIEWS",
        "PA AND LATERAL VIEWS OF THE CHEST",
        "AP CHEST",
        "PA AND LATERAL CHEST",
        "FRONTAL AND LATERAL CHEST RADIOGRAPHS",
    ),
    "impression": (
        "IMPRESSION",
        "IMPRESSIONS",
        "IMPRESION",
        "IMPRESSON",
        "IMPRESSIN",
        "IMPRSSION",
        "IMPRESSOIN",
        "IMPRRESSION",
        "IMPRESSION AND RECOMMENDATION",
        "CONCLUSION",
        "CONCLUSIONS",
        "OPINION",
        "SUMMARY",
    ),
    "indication": (
        "INDICATION",
        "INDICATIONS",
        "REASON FOR EXAM",
        "REASON FOR EXAMINATION",
        "REASON FOR THE EXAM",
        "REASON FOR STUDY",
        "CLINICAL INDICATION",
        "CLINICAL INFORMATION",
    ),
    "history": ("HISTORY", "CLINICAL HISTORY", "PATIENT HISTORY"),
    "comparison": ("COMPARISON", "COMPARISONS", "COMPARISION", "COMPARSION", "COMPARE"),
    "technique": ("TECHNIQUE", "PROCEDURE", "PROCEDURE COMMENTS", "VIEWS"),
    "examination": ("EXAMINATION", "EXAM", "STUDY", "TYPE OF EXAMINATION", "EXAMINATIONS"),
    "recommendation": ("RECOMMENDATION", "RECOMMENDATIONS"),
    "notification": ("NOTIFICATION", "NOTIFICATIONS"),
    "wet_read": ("WET READ", "PRELIMINARY REPORT"),
}
_NAMES = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}


def sections(text: str) -> dict[str, str]:
    """The sections of a report by name, in their order, white space collapsed.

    A header is capitals (and `( ) / , -`) at a line's start, with a colon (the rule of the
    official MIMIC-CXR parser). Known names, spellings and misspellings are brought together;
    others are kept in lower case. Text above a full line of underscores is an `addendum`. The
    last block of text is `last_paragraph` where it is not a section's only one. Empty sections
    are left out, repeated ones joined.
    """
    found: dict[str, str] = {}
    parts = _RULE.split(text)
    headers_below = len(parts) > 1 and bool(_HEADER.search(parts[-1]))
    body = _TITLE.sub("", parts[-1] if headers_below else "\n".join(parts))
    headers = list(_HEADER.finditer(body))
    ends = [header.start() for header in headers[1:]] + [len(body)]
    _add(found, "preamble", body[: headers[0].start()] if headers else body)
    for header, end in zip(headers, ends):
        name = _SPACE.sub(" ", header.group(1)).strip()
        _add(found, _NAMES.get(name, name.lower()), body[header.end() : end])
    last = body[headers[-1].end() :] if headers else body
    blocks = [block for block in _BLANK_LINE.split(last.strip()) if block.strip()]
    if not headers or len(blocks) > 1:
        _add(found, LAST_PARAGRAPH, blocks[-1] if blocks else "")
    if headers_below:
        _add(found, "addendum", "\n".join(parts[:-1]))
    return found


def _add(found: dict[str, str], name: str, text: str) -> None:
    clean = _SPACE.sub(" ", text).strip()
    if clean:
        found[name] = f"{found[name]} {clean}" if name in found else clean


def full_text(text: str, wanted: Sequence[str] = ("findings", "impression")) -> str:
    """The wanted sections, joined in the order asked for.

    Falls back to the last paragraph, as MIMIC-CXR's own parser does; a text without any header
    (a note) is taken whole. Empty where nothing is left.
    """
    found = sections(text)
    chosen = [found[name] for name in wanted if name in found]
    if chosen:
        return " ".join(chosen)
    if set(found) <= {"preamble", LAST_PARAGRAPH}:
        return found.get("preamble", "")
    return found.get(LAST_PARAGRAPH, "")


def sentences(text: str) -> list[str]:
    """Sentences without their stop; decimals stay whole, list numbers and blanks are dropped."""
    flat = _ENUMERATION.sub(r"\1 ", _SPACE.sub(" ", text).strip())
    pieces = (piece.strip() for piece in _STOP.split(flat))
    return [piece for piece in pieces if _LETTER.search(piece)]


def maco_pieces(text: str) -> list[str]:
    """All pieces between full stops as MaCo's code forms them: stripped, each with `". "`.

    The piece after the last full stop is empty and counts; decimals are cut.
    """
    return [piece.strip() + ". " for piece in text.split(".")]


def sample_sentences(text: str, generator: np.random.Generator, lower: bool = True) -> str:
    """A random choice of sentences in random order, as in MaCo's pre-training.

    The pieces of `maco_pieces` are shuffled and the first k kept, k uniform from 1 to their
    number; empty pieces and `None.` are then skipped. Where nothing is left the first piece with
    content is taken (MaCo takes the first piece even where it is empty).
    """
    pieces = maco_pieces(text)
    shuffled = [pieces[place] for place in generator.permutation(len(pieces))]
    kept = int(generator.integers(1, len(pieces) + 1))
    chosen = [piece for piece in shuffled[:kept] if _has_content(piece)]
    if not chosen:
        chosen = [piece for piece in shuffled if _has_content(piece)][:1] or shuffled[:1]
    joined = "".join(chosen)
    return joined.lower() if lower else joined


def _has_content(piece: str) -> bool:
    return piece.strip() not in ("", ".", "None.")
