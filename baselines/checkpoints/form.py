"""What a released weight file looks like, as data: one `Form` a file in `formats/`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor

    from baselines.checkpoints.shapes import Shapes


@dataclass(frozen=True)
class Fields:
    """What the shapes of a file say of its model.

    Attributes:
        size: Dimensions, as the baseline's `build` takes them.
        image_size: Side of the model's input in pixels.
        options: Options of the baseline that the file settles; they stand above the user's.
    """

    size: Mapping[str, Any]
    image_size: int
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Companion:
    """A file that must lie beside the weights.

    Attributes:
        names: Paths relative to the weights' folder; the first that exists is taken.
        what: In the user's words ("the vocabulary of its text tower").
        source: Where to fetch it, and under which licence.
        prefix: Put before the names of its tensors, which then count as the weight file's own;
            empty for a vocabulary.
    """

    names: tuple[str, ...]
    what: str
    source: str
    prefix: str = ""


@dataclass(frozen=True)
class Form:
    r"""A released form of weights, and how its tensors find their places.

    All patterns are regular expressions. The order of work: `sections`, `entry` or the usual
    wrapper, `module.` off, companions' tensors joined, `dropped` left out, `renames`, `convert`.

    Attributes:
        title: As it is called in messages ("GLoRIA").
        baselines: Which baselines read it.
        source: Where such files are released, and under which licence.
        marks: Each is found (`re.search`) in the name of some tensor of the file.
        absent: None is found in any.
        entry: Entry of the file that stands above the usual wrappers, where a file has it (an
            averaged model beside the trained one).
        sections: Entries of the file whose tensors are joined, each name behind `SECTION/`;
            without any, the tensors of `entry`, the usual wrappers or of the file itself.
        companions: Files of further weights that must lie beside it.
        dropped: Tensors that are known and not wanted.
        renames: Pairs of pattern and replacement; of each name the first that matches is used
            (`re.sub`, once), and a name that none matches stays.
        convert: Changes tensors where names do not suffice (joining q, k, v; index shifts).
        fields: Dimensions from the renamed tensors' shapes.
        initial: Tensors of our model that no file of this form holds and that evaluation does
            not use (counters, heads of the loss): they stay as they are built.
        vocabulary: The file of words that must lie beside it; null for a model without texts.
        tokenizer: Makes the tokenizer's JSON from the vocabulary's path.
        texts: Other files of words that must lie beside it; `build` gets the content of each as
            the option of this name.
    """

    title: str
    baselines: tuple[str, ...]
    source: str
    marks: tuple[str, ...]
    fields: Callable[[Shapes], Fields]
    absent: tuple[str, ...] = ()
    entry: str = ""
    sections: tuple[str, ...] = ()
    companions: tuple[Companion, ...] = ()
    dropped: tuple[str, ...] = ()
    renames: tuple[tuple[str, str], ...] = ()
    convert: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None
    initial: tuple[str, ...] = ()
    vocabulary: Companion | None = None
    tokenizer: Callable[[Path], str] | None = None
    texts: tuple[tuple[str, Companion], ...] = ()
