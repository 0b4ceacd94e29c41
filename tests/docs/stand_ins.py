"""What stands for the reader's files and folders when the commands of the documentation are run.

A name that a page uses for something of the reader's (`FOLDER`, `checkpoint-50.pth`) is made under
that very name in the sandbox, so the command is run as it is written. Only where a name means a
different thing behind different options is it replaced (`REPLACED`).
"""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.docs.pages import CHECKOUT

CASES, SIDE = "160", "64"
TEXTS = "The heart is enlarged.\nNo pneumothorax is seen.\n"


class Sandbox:
    """A folder in which commands are run, with the phantom in place of the data.

    Attributes:
        root: The folder; `results` and `cache` lie in it.
        data: A phantom of every data set in its official layout, for `/data/cxr`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "data" / "cxr"

    def settings(self) -> str:
        """The `maco-bench.toml` of the sandbox."""
        return 'profile = "toy"\ndata_root = "data/cxr"\ndevice = "cpu"\n'

    def moved(self, text: str) -> str:
        """A text whose absolute folders lie in the sandbox."""
        return re.sub(r"(?<![\w.])/(data|scratch)/", f"{self.root}/\\1/", text)

    def provide(self, word: str) -> None:
        """Make what a word of a command names, if it is a stand-in and not there yet."""
        for name, make in MAKERS.items():
            if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", word):
                path = self.root / name
                if not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    make(self, path)


def _pairs(sandbox: Sandbox, folder: Path) -> None:
    """A folder with `csv-pairs`: images of the phantom with two texts."""
    target = folder / "csv-pairs"
    target.mkdir(parents=True)
    with (target / "pairs.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "text", "patient"])
        for number, image in enumerate(_images(sandbox)[:32]):
            text = f"{TEXTS.splitlines()[number % 2]} View {number}."
            shutil.copyfile(image, target / image.name)
            writer.writerow([image.name, text, number // 2])


def _images(sandbox: Sandbox) -> list[Path]:
    return sorted((sandbox.data / "nih-cxr14" / "images").rglob("*.png"))


def _image_folder(sandbox: Sandbox, folder: Path) -> None:
    folder.mkdir()
    for image in _images(sandbox)[:3]:
        shutil.copyfile(image, folder / image.name)


def _texts(_: Sandbox, path: Path) -> None:
    path.write_text(TEXTS)


def _template(_: Sandbox, path: Path) -> None:
    shutil.copyfile(CHECKOUT / "docs" / "templates" / "own_encoder.py", path)


def _released(name: str) -> Callable[[Sandbox, Path], None]:
    """A made-up released file of a method, with what must lie beside it."""

    def make(_: Sandbox, path: Path) -> None:
        from importlib import import_module

        fixture = import_module(f"tests.released.{name}").FIXTURES[0]
        written = fixture.write(path.parent / "made" / name)
        for made in written.parent.iterdir():
            target = path if made == written else path.parent / made.name
            made.replace(target)

    return make


def _timm(name: str) -> Callable[[Sandbox, Path], None]:
    def make(_: Sandbox, path: Path) -> None:
        import timm
        import torch

        torch.save(timm.create_model(name, pretrained=False).state_dict(), path)

    return make


def _shared(sandbox: Sandbox, path: Path) -> None:
    from benchmark.reporting.publish import share_copy

    share_copy(sandbox.root / "results", path)


def _phantom(sandbox: Sandbox, path: Path) -> None:
    path.symlink_to(sandbox.data)


MAKERS: dict[str, Callable[[Sandbox, Path], None]] = {
    "FOLDER": _pairs,
    "DIR": _image_folder,
    "TEXTS.txt": _texts,
    "my_encoder.py": _template,
    "own_encoder.py": _template,
    "mine.py": _template,
    "checkpoint-50.pth": _released("maco"),
    "MRM.pth": _released("mrm"),
    "resnet50.pth": _timm("resnet50"),
    "shared-results": _shared,
    "rehearsal": _phantom,
}
"""By the name that a page writes: makes it in the sandbox."""

REPLACED: dict[tuple[str, str], str] = {
    ("--data-root", "DIR"): "/data/cxr",
    ("--lists", "DIR"): "/data/cxr",
    ("phantom", "DIR"): "drawn",
    ("doctor", "DATASET"): "rsna_pneumonia",
    ("prepare", "DATASET"): "rsna_pneumonia",
    ("check-baseline", "NAME"): "my_encoder.py:build",
    ("--baseline", "NAME"): "my_encoder.py:build",
    ("--baselines", "NAME"): "my_encoder.py:build",
    ("--tasks", "NAME"): "rsna_zero_shot",
    ("-k", "NAME"): "rsna_zero_shot",
    ("maco@trained", "maco@file:3f9a01c2"): "mae_hr_clip@trained",
    ("--adopt", "RESULTS"): "results",
    ("--profile", "demo"): "toy",
    ("--profile", "paper"): "toy",
    ("--cases", ""): CASES,
    ("--test-cases", ""): "100",
    ("--epochs", ""): "1",
    ("--size", ""): SIDE,
}
"""By the word before (an option or a subcommand) and the word (any, where empty): what is run."""

NEW_FOLDERS = ("--share", "phantom")
"""Behind these a command wants a folder that is not there yet."""


def replaced(words: list[str]) -> list[str]:
    """The words of a command with `REPLACED` applied; lists with commas name by name."""
    found = list(words)
    for place in range(1, len(words)):
        before, word = words[place - 1], words[place]
        if (before, "") in REPLACED:
            found[place] = REPLACED[before, ""]
        else:
            parts = [REPLACED.get((before, part), part) for part in word.split(",")]
            found[place] = ",".join(parts)
    return found
