"""What the engine asks of a baseline's module, answered for an outside encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.errors import MissingDataError, UsageError
from benchmark.fingerprint import file_checksum
from benchmark.specs import BaselineSpec, Capability, ImageProfile

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation


@dataclass(frozen=True)
class Found:
    """What looking at an outside encoder tells, before anything is loaded.

    Attributes:
        title: Short, for tables.
        source: What it is and which files are read.
        capabilities: What it can do.
        without: Why it cannot do the others.
        checksum: Of all that decides what it computes, 64 hex digits.
        build: Makes the encoder (see `docs/outside_encoders.md`) and tells how it was read.
    """

    title: str
    source: str
    capabilities: tuple[Capability, ...]
    without: str
    checksum: str
    build: Callable[[], Built]


@dataclass(frozen=True)
class Built:
    """An encoder, a `torch.nn.Module`.

    Attributes:
        encoder: See `docs/outside_encoders.md`.
        preprocessing: Fields of `baselines.outside.preprocessing.Preprocessing`; None for texts
            alone.
        facts: How it was read, for the record.
    """

    encoder: Any
    preprocessing: Mapping[str, Any] | None
    facts: Mapping[str, Any] = field(default_factory=dict)


class OutsideBaseline:
    """Stands where the engine expects the module of a baseline.

    Args:
        name: As the user wrote it.
        found: What is known of it.
    """

    def __init__(self, name: str, found: Found) -> None:
        self._found = found
        self.BASELINE = BaselineSpec(
            name=name,
            version=1,
            title=found.title,
            kind="method",
            source=found.source,
            capabilities=found.capabilities,
            # Pixels in [0, 1]: the encoder's own statistics are part of it.
            image_profile=ImageProfile(mean=0.0, std=1.0),
            uses_text="text_features" in found.capabilities,
            no_capability_reason=found.without,
            outside=True,
        )

    def checksum(self) -> str:
        """Of all that decides what the encoder computes, 64 hex digits."""
        return self._found.checksum

    def build(self, context: BuildContext) -> Representation:
        """The encoder with its weights; global generators stay as they were."""
        import torch

        from baselines.outside.preprocessing import checked
        from baselines.outside.representation import OutsideRepresentation

        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(context.seed)
            built = self._found.build()
        preprocessing = None
        if built.preprocessing is not None:
            preprocessing = checked(built.preprocessing, self.BASELINE.name)
        return OutsideRepresentation(built.encoder, preprocessing, built.facts)

    def load(
        self,
        path: Path,
        options: Mapping[str, Any] | None = None,
        tokenizer_json: str | None = None,
    ) -> Representation:
        """Refuses: the name has the file in it."""
        name = self.BASELINE.name
        raise UsageError(
            f"`{name}` names its own weights; --weights does not go with it.",
            remedy="Leave out --weights; timm:NAME@FILE and open_clip:ARCH@FILE name a file.",
        )


def existing_file(scheme: str, target: str) -> tuple[str, Path]:
    """Name and file of `NAME@FILE`.

    Raises:
        UsageError: There is no `@FILE`.
        MissingDataError: The file does not exist.
    """
    name, _, place = target.partition("@")
    if not name or not place:
        raise UsageError(
            f"`{scheme}:{target}` names no file of weights; nothing is downloaded here.",
            remedy=f"Fetch the weights, mind their licence, and write {scheme}:{name or 'NAME'}"
            "@FILE.",
        )
    path = Path(place).expanduser()
    if not path.is_file():
        raise MissingDataError(
            f"There is no weight file `{path.name}`.", looked_in=[path.parent.resolve()]
        )
    return name, path


def checksum_of(files: Sequence[Path], *texts: str) -> str:
    """One checksum over files and texts, in order."""
    parts = [*(file_checksum(path) for path in files), *texts]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
