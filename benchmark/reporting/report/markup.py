"""Text that is safe in the page: inline Markdown as HTML, JSON inside a script, names as ids."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from markupsafe import Markup, escape

# A span of code, of strong or of emphasised text, as the tables' own sentences use them.
_SPANS = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|(?<![\w*])\*([^*\s](?:[^*]*[^*\s])?)\*(?![\w*])")
_UNSAFE_IN_SCRIPT = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
# Stand for a backtick and an asterisk that are no marks: two of Unicode's noncharacters.
_AS_LITERAL = str.maketrans({"`": "\ufdd0", "*": "\ufdd1"})
_AS_SHOWN = str.maketrans({"\ufdd0": "`", "\ufdd1": "*"})
_PERCENT = re.compile(r"(?<=\d) %")
# Control characters have no place in HTML, lone surrogates none in UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def clean(text: object) -> str:
    """A text without characters that an HTML file cannot hold; each becomes U+FFFD."""
    return _UNPRINTABLE.sub("\ufffd", str(text))


def literal(text: object) -> str:
    """A name that `inline` and `plain` show as it is, whatever marks of Markdown it holds."""
    return clean(text).translate(_AS_LITERAL)


def shown(text: str) -> str:
    """A text with its neutralised marks as they were written."""
    return text.translate(_AS_SHOWN)


def inline(text: object) -> Markup:
    """Code spans, strong and emphasised text as HTML; all else escaped.

    Args:
        text: One sentence or title; its Markdown may hold nothing but `` `code` ``, `**strong**`
            and `*emphasis*`, and any other character stands for itself.
    """
    source = clean(text)
    parts: list[Markup] = []
    position = 0
    for match in _SPANS.finditer(source):
        parts.append(_words(source[position : match.start()]))
        code, strong, emphasis = match.groups()
        if code is not None:
            parts.append(Markup("<code>{}</code>").format(_name(code)))
        elif strong is not None:
            parts.append(Markup("<strong>{}</strong>").format(inline(strong)))
        else:
            parts.append(Markup("<em>{}</em>").format(inline(emphasis)))
        position = match.end()
    parts.append(_words(source[position:]))
    return Markup("").join(parts)


def _name(text: str) -> Markup:
    """Escaped text of a name, which may be broken behind its underscores."""
    return Markup("_<wbr>").join(escape(part) for part in shown(text).split("_"))


def _words(text: str) -> Markup:
    """Escaped text; a number keeps its percent sign on its line."""
    return escape(_PERCENT.sub("\u00a0%", shown(text)))


def plain(text: object) -> str:
    """The same text without the marks of Markdown, for attributes and for sorting."""
    bare = _SPANS.sub(
        lambda match: next(part for part in match.groups() if part is not None), clean(text)
    )
    return shown(bare)


def script_json(value: Any) -> Markup:
    """JSON that cannot end its `<script>` element, whatever its texts hold.

    Raises:
        ValueError: The value holds NaN or an infinity.
    """
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )
    text = clean(text)
    for character, replacement in _UNSAFE_IN_SCRIPT.items():
        text = text.replace(character, replacement)
    return Markup(text)


def slug(text: object) -> str:
    """A name as a part of an element's id: letters, digits, `_`, `.` and `-` alone."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", str(text)).strip("-") or "unnamed"


def source_hash(text: str) -> str:
    """The expression by which a Content-Security-Policy lets in one inline script or style."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
