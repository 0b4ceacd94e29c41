"""Report files that are read on demand, from a folder or straight from a zip."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from pathlib import Path


class LazyReports(Mapping[str, str]):
    """Report text by study; a study without a file has the empty text.

    Length and order are known without opening a file. Safe to pickle and to use from threads.

    Args:
        container: A folder, or a `.zip`.
        names: Path inside the container by study.
    """

    def __init__(self, container: Path, names: Mapping[str, str]) -> None:
        self.container = container
        self._names = dict(names)
        self._lock = threading.Lock()
        self._archive: zipfile.ZipFile | None = None

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, study: object) -> bool:
        return study in self._names

    def listing(self) -> list[tuple[str, int]]:
        """Size in bytes by study, without reading a text; -1 where there is no file."""
        if self.container.is_dir():
            return [(study, _size(self.container / name)) for study, name in self._names.items()]
        with zipfile.ZipFile(self.container) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        return [(study, sizes.get(name, -1)) for study, name in self._names.items()]

    def __getitem__(self, study: str) -> str:
        name = self._names[study]
        try:
            data = self._read(name)
        except (FileNotFoundError, KeyError):
            return ""
        except (OSError, zipfile.BadZipFile) as error:
            raise BadDataError(f"The report `{self.container}/{name}`: {error}") from error
        return data.decode("utf-8", errors="replace").replace("\r\n", "\n")

    def _read(self, name: str) -> bytes:
        if self.container.is_dir():
            return (self.container / name).read_bytes()
        with self._lock:
            if self._archive is None:
                self._archive = zipfile.ZipFile(self.container)
            return self._archive.read(name)

    def __getstate__(self) -> dict[str, Any]:
        return {"container": self.container, "names": self._names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["container"], state["names"])  # type: ignore[misc]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1
