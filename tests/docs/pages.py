"""What the documentation holds: commands, settings, links. Found in its text, listed nowhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PAGES = (
    CHECKOUT / "README.md",
    CHECKOUT / "CONTRIBUTING.md",
    CHECKOUT / "CHANGELOG.md",
    CHECKOUT / "leaderboards" / "README.md",
    *sorted((CHECKOUT / "docs").glob("*.md")),
)
PROGRAMS = ("maco-bench", "python", "make", "pip", "uv", "run_all.py")
"""A line of a block that begins with one of them is a command, and is run."""

OTHERS = ("source", "cd", "cp")
"""What else such a block may hold; anything more is output, and belongs into a `text` block."""

_SHELLS = ("", "bash", "sh", "shell", "console")
_FENCE = re.compile(r"^( *)(```+)\s*([\w.+-]*)\s*$")
_ASSIGNMENT = re.compile(r"^[A-Z_]+=\S*$")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")


@dataclass(frozen=True)
class Line:
    """A line of a block, and where it stands."""

    text: str
    place: str


@dataclass(frozen=True)
class Block:
    """A fenced or indented block: its language, its lines, and where it begins."""

    language: str
    lines: tuple[Line, ...]
    place: str

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(line.text for line in self.lines) + "\n"


@dataclass(frozen=True)
class Command:
    """One command of the documentation.

    Attributes:
        text: As written, continued lines joined, without its comment.
        words: As the shell splits it, without assignments before the program.
        places: Where it stands; the same command may stand on several pages.
    """

    text: str
    words: tuple[str, ...]
    places: tuple[str, ...]


def place_of(page: Path, number: int) -> str:
    """`docs/x.md:12`."""
    return f"{page.relative_to(CHECKOUT).as_posix()}:{number}"


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, and those indented by four blanks, in which pages write code."""
    opened: tuple[str, str, int] | None = None
    held: list[Line] = []
    for number, text in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        fence = _FENCE.match(text)
        if fence and opened is None:
            if held:
                yield Block("", tuple(held), held[0].place)
            opened, held = (fence[2], fence[3].lower(), number), []
        elif fence and opened is not None and fence[2] == opened[0] and not fence[3]:
            yield Block(opened[1], tuple(held), place_of(page, opened[2]))
            opened, held = None, []
        elif opened is not None:
            held.append(Line(text, place_of(page, number)))
        elif text.startswith("    ") and text[4:5] not in ("", " ", "-", "*"):
            held.append(Line(text[4:], place_of(page, number)))
        elif held:
            yield Block("", tuple(held), held[0].place)
            held = []
    assert opened is None, f"{page.name}: the block that begins at line {opened} has no end"
    if held:
        yield Block("", tuple(held), held[0].place)


def shell_lines(page: Path) -> Iterator[Line]:
    """The lines of a page's shell blocks: continued ones joined, without prompts and comments."""
    for block in blocks(page):
        if block.language not in _SHELLS:
            continue
        waiting: Line | None = None
        for line in block.lines:
            text = line.text.strip()
            if waiting is not None:
                line, text = waiting, f"{waiting.text} {text}"
            if text.endswith("\\"):
                waiting = Line(text[:-1].rstrip(), line.place)
                continue
            waiting = None
            text = text.removeprefix("$ ")
            if text and not text.startswith("#"):
                yield Line(text, line.place)


def words_of(text: str) -> list[str]:
    """A line as the shell splits it; leading assignments and a comment are left out."""
    words = shlex.split(text, comments=True)
    while words and _ASSIGNMENT.match(words[0]):
        words.pop(0)
    if words:
        words[0] = words[0].removeprefix("./").removeprefix(".venv/bin/")
    return words


def commands() -> list[Command]:
    """Every command of every page, each once."""
    found: dict[tuple[str, ...], Command] = {}
    for page in PAGES:
        for line in shell_lines(page):
            words = tuple(words_of(line.text))
            if not words or words[0] not in PROGRAMS:
                continue
            known = found.get(words)
            places = (*known.places, line.place) if known else (line.place,)
            found[words] = Command(shlex.join(words), words, places)
    return list(found.values())


def links(page: Path) -> Iterator[tuple[str, str]]:
    """Target and place of every relative link outside code; its text may run over a line's end."""
    code = {line.place for block in blocks(page) for line in block.lines}
    lines = page.read_text(encoding="utf-8").splitlines()
    places = [place_of(page, number) for number in range(1, len(lines) + 1)]
    text = "\n".join("" if place in code else line for place, line in zip(places, lines))
    for found in _LINK.finditer(re.sub(r"`[^`\n]*`", _blanks, text)):
        if not re.match(r"[a-z]+:", found[1]):
            yield found[1], places[text.count("\n", 0, found.start())]


def _blanks(code: re.Match[str]) -> str:
    return " " * len(code[0])


def anchors(page: Path) -> set[str]:
    """What a link to a heading of the page may end with, by GitHub's rule."""
    found: set[str] = set()
    code = {line.place for block in blocks(page) for line in block.lines}
    for number, text in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if not re.match(r"#{1,6} ", text) or place_of(page, number) in code:
            continue
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text.lstrip("#").strip())
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        name, more = slug, 0
        while name in found:
            more += 1
            name = f"{slug}-{more}"
        found.add(name)
    return found


def inline_commands(page: Path) -> Iterator[Line]:
    """Calls of `maco-bench` and `run_all.py` within sentences, in backticks."""
    code = {line.place for block in blocks(page) for line in block.lines}
    for number, text in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if place_of(page, number) not in code:
            for call in re.findall(r"`((?:python )?(?:maco-bench|run_all\.py) [^`]+)`", text):
                yield Line(call, place_of(page, number))
