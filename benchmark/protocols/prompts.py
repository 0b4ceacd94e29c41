"""Zero-shot prompts as versioned data: `tasks/prompts/NAME.toml`.

    version = 1
    source = "where the templates come from"

    [templates]
    positive = ["There is {name}."]
    negative = ["There is no {name}."]

    [names]
    Pleural_Thickening = "pleural thickening"

    [extra.Pneumothorax]
    positive = ["..."]
    negative = ["..."]

A class without an entry in `names` is written in lower case, with spaces for underscores.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import benchmark
from benchmark.errors import BadDataError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PLACEHOLDER = "{name}"
_KEYS = {"version", "source", "templates", "names", "extra"}


@dataclass(frozen=True)
class Prompts:
    """Templates and names of one file.

    Attributes:
        version: Raised whenever a prompt changes.
        source: Paper or code that the prompts come from.
        templates: `positive` and `negative` sentences with `{name}`; both not empty.
        names: Wording by class.
        extra: Further sentences by class, `positive` and `negative`, used as they stand.
    """

    version: int
    source: str
    templates: Mapping[str, Sequence[str]]
    names: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)

    def name_of(self, class_name: str) -> str:
        """The class as it stands in a prompt."""
        return self.names.get(class_name, class_name.replace("_", " ").lower())

    def positive(self, class_name: str) -> list[str]:
        """Sentences that say that the class is present."""
        return self._sentences(class_name, "positive")

    def negative(self, class_name: str) -> list[str]:
        """Sentences that say that it is absent."""
        return self._sentences(class_name, "negative")

    def _sentences(self, class_name: str, side: str) -> list[str]:
        name = self.name_of(class_name)
        filled = [template.replace(PLACEHOLDER, name) for template in self.templates[side]]
        return filled + list(self.extra.get(class_name, {}).get(side, ()))


def prompts_folder() -> Path:
    """`tasks/prompts` of the checkout."""
    return Path(benchmark.__file__).resolve().parent.parent / "tasks" / "prompts"


def load_prompts(name: str, folder: Path | None = None) -> Prompts:
    """Read a file of prompts.

    Args:
        name: The file's stem.
        folder: Where to look; `tasks/prompts` of the checkout by default.

    Raises:
        UsageError: There is no such file; names near ones.
        BadDataError: The file does not have the documented form.
    """
    folder = prompts_folder() if folder is None else folder
    path = folder / f"{name}.toml"
    if not path.is_file():
        raise unknown_name("file of prompts", name, (item.stem for item in folder.glob("*.toml")))
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadDataError(f"{path.name} is not valid TOML: {error}.", looked_in=[path]) from error
    _check(content, path)
    return Prompts(
        version=content["version"],
        source=content["source"],
        templates=content["templates"],
        names=content.get("names", {}),
        extra=content.get("extra", {}),
    )


def _check(content: Mapping[str, Any], path: Path) -> None:
    problems = [f"unknown key `{key}`" for key in content if key not in _KEYS]
    if not isinstance(content.get("version"), int):
        problems.append("`version` must be a whole number")
    if not isinstance(content.get("source"), str):
        problems.append("`source` must be text")
    templates = content.get("templates", {})
    for side in ("positive", "negative"):
        sentences = templates.get(side)
        if not sentences or not _is_text_list(sentences):
            problems.append(f"`templates.{side}` must be a list of sentences")
    if not all(isinstance(value, str) for value in content.get("names", {}).values()):
        problems.append("`names` must map a class to text")
    for class_name, sides in content.get("extra", {}).items():
        if any(side not in ("positive", "negative") for side in sides) or not all(
            _is_text_list(value) for value in sides.values()
        ):
            problems.append(f"`extra.{class_name}` holds lists `positive` and `negative` only")
    if problems:
        raise BadDataError(f"{path.name}: " + "; ".join(problems) + ".", looked_in=[path])


def _is_text_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
