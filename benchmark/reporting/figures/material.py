"""What all figures of one call are made from, and which records a picture may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmark import recipes
from benchmark.errors import BadRecordError
from benchmark.records import all_records, read_arrays, to_dict
from benchmark.reporting.figures.images import may_show
from benchmark.reporting.select import Block, Group, Result, picked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from benchmark.reporting.figures.images import Radiographs
    from benchmark.reporting.figures.methods import Method

ALL = "all"


@dataclass(frozen=True, eq=False)
class Shown:
    """One method's record that a picture is made from."""

    method: Method
    result: Result

    @property
    def key(self) -> str:
        """Of its cell."""
        return str(self.result.cell["key"])

    def predictions(self) -> Mapping[str, np.ndarray]:
        """Its stored arrays; empty where none were kept."""
        return read_arrays(self.result.folder, self.result.record.get("predictions") or {})

    def samples(self) -> Mapping[str, np.ndarray]:
        """Its scores of single test samples; empty where none were kept."""
        return read_arrays(self.result.folder, self.result.record.get("samples") or {})


@dataclass(frozen=True)
class Material:
    """Records and who stands in them.

    Attributes:
        results: Of evaluations.
        pretraining: Of pre-training cells, with the folders that hold their histories.
        methods: Of the results, in the order of the figures.
        pretrained: Of the pre-training cells, likewise.
        profile: For captions.
        own: Baseline that the suite is about; may have no record.
        reference: Baseline that grounding is compared with; empty for none.
        images: Gives radiographs and phrases; None where none are to be shown.
    """

    results: tuple[Result, ...]
    pretraining: tuple[Result, ...]
    methods: Mapping[Group, Method]
    pretrained: Mapping[Group, Method]
    profile: str
    own: str = ""
    reference: str = ""
    images: Radiographs | None = None
    _blocks: dict[tuple[str, ...], list[Block]] = field(
        default_factory=dict, init=False, repr=False
    )

    def blocks(self, *kinds: str) -> list[Block]:
        """Task, variant and data of all records whose recipe is of a kind, sorted."""
        if kinds not in self._blocks:
            found = {item.block for item in self.results if item.record["recipe"]["kind"] in kinds}
            self._blocks[kinds] = sorted(found)
        return self._blocks[kinds]

    def fractions(self, block: Block) -> list[str]:
        """The label percents of a block's records, ascending; empty where none are used."""
        found = {item.labels for item in self.results if item.block == block} - {ALL}
        return sorted(found, key=float)

    def shown(self, block: Block) -> list[Shown]:
        """One record a method: most labels, lowest seeds, newest versions; in order."""
        labels = (self.fractions(block) or [ALL])[-1]
        found = []
        for group, method in self.methods.items():
            mine = picked(self.results, group, block, labels)
            if mine:
                found.append(Shown(method, min(mine, key=seed_order)))
        return found

    def chooser(self, shown: Sequence[Shown]) -> Shown | None:
        """The method whose scores choose the cases of a picture: the own one, or the first."""
        learnt = [item for item in shown if item.method.learnt]
        own = [item for item in learnt if item.method.group.baseline == self.own]
        return next(iter([*own, *learnt]), None)

    def shows_images(self, block: Block) -> bool:
        """Whether radiographs of a block are asked for and may be shown."""
        mine = [item for item in self.results if item.block == block]
        return self.images is not None and all(may_show(item) for item in mine)


def with_room(shown: Sequence[Shown], most: int) -> tuple[list[Shown], list[Shown]]:
    """What has room in a figure, and what is left out.

    Methods in order, after room is set aside for the first floor and the first prior.
    """
    others: dict[str, Shown] = {}
    for item in shown:
        if not item.method.learnt and item.method.role != "sentinel":
            others.setdefault(item.method.role, item)
    learnt = [item for item in shown if item.method.learnt]
    kept = [*learnt[: most - len(others)], *others.values()]
    return kept, [item for item in shown if item not in kept]


def pretraining_records(
    folder: Path, profile: str, results: Sequence[Result]
) -> tuple[Result, ...]:
    """The pre-training cells that made the weights of some results, in order of their folders.

    All of the profile where the results name none.
    """
    found = [
        Result(place, to_dict(record))
        for place, record in all_records(folder, profile)
        if record.cell.kind == "pretrain"
    ]
    named = {str((item.record.get("pretraining") or {}).get("key", "")) for item in results} - {""}
    return tuple(item for item in found if not named or item.cell["key"] in named)


def seed_order(result: Result) -> tuple[Any, ...]:
    """Sorts records by their seeds, the lowest first."""
    seeds = result.cell["seeds"]
    numbers = [seeds.get(axis) for axis in ("pretrain", "subset", "head")]
    return (*(-1 if number is None else number for number in numbers), result.cell["key"])


def recipe_of(result: Result) -> Any:
    """The recipe that a record was made with, as its dataclass.

    Raises:
        BadRecordError: The recipe is of a kind, or has a field, that this version lacks.
    """
    fields = dict(result.record["recipe"])
    kind = str(fields.pop("kind", ""))
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()}
    try:
        return getattr(recipes, kind)(**values)
    except (AttributeError, TypeError) as error:
        raise BadRecordError(
            f"The recipe `{kind}` of {result.folder} is not one of this version: {error}."
        ) from error
