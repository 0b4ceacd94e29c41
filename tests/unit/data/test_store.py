from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import textwrap
from collections import namedtuple
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from benchmark.data import images, store
from benchmark.errors import BadDataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmark.data.manifest import Manifest

SCRIPT = """
    import os, pathlib, signal, sys, time
    import numpy as np, pandas as pd
    from benchmark.data import images, store
    from benchmark.data.manifest import Manifest
    root, mode = pathlib.Path(sys.argv[1]), sys.argv[2]
    count = 12
    table = pd.DataFrame({"image": [f"i{n}" for n in range(count)],
        "path": [f"i{n}.png" for n in range(count)], "patient": "p", "study": "s",
        "view": "", "split": "", "sex": "", "age": np.nan})
    manifest = Manifest("toy", "1", root, table, pd.DataFrame(index=range(count)))
    real, log = images.read_grey, root / "decoded.log"
    def read_grey(path):
        if mode == "die" and path.stem == "i7":
            os.kill(os.getpid(), signal.SIGKILL)
        if mode == "slow":
            time.sleep(0.05)
        with log.open("a") as file:
            file.write(path.stem + "\\n")
        return real(path)
    images.read_grey = read_grey
    print(store.open_store(manifest, 8, root / "cache", key="k", threads=1).pixel_hash)
"""


def fill(root: Path, count: int = 12) -> None:
    generator = np.random.default_rng(0)
    for number in range(count):
        pixels = generator.integers(0, 256, (16, 8 + number)).astype(np.uint8)
        Image.fromarray(pixels).save(root / f"i{number}.png")


def start(root: Path, mode: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(root), mode]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_pixels_sizes_and_hash(
    tmp_path: Path, make_manifest: Callable[..., Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    manifest = make_manifest(["p"] * 12, root=tmp_path)
    seen: list[int] = []
    made = store.open_store(
        manifest, 8, tmp_path / "c", lambda stage, done, total, note="": seen.append(done), key="k"
    )
    assert seen == list(range(1, 13))
    assert len(made) == 12
    for row in range(12):
        original = images.read_grey(tmp_path / f"i{row}.png")
        assert made.original_size(row) == original.shape
        assert np.array_equal(made[row], store.shrink(original, 8))
        assert max(made[row].shape) == 8
    monkeypatch.setattr(images, "read_grey", lambda path: pytest.fail("an image was opened"))
    again = store.open_store(manifest, 8, tmp_path / "c", key="k")
    assert again.pixel_hash == made.pixel_hash
    assert np.array_equal(pickle.loads(pickle.dumps(again))[3], made[3])


def test_images_are_never_enlarged_and_hash_sees_pixels(
    tmp_path: Path, make_manifest: Callable[..., Manifest]
) -> None:
    fill(tmp_path, 2)
    manifest = make_manifest(["p"] * 2, root=tmp_path)
    first = store.open_store(manifest, 999, tmp_path / "c", key="a")
    assert first[1].shape == (16, 9)
    pixels = images.read_grey(tmp_path / "i0.png").copy()
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(tmp_path / "i0.png")
    second = store.open_store(manifest, 999, tmp_path / "c", key="b")
    assert first.pixel_hash != second.pixel_hash


def test_an_unreadable_image_leaves_no_store(
    tmp_path: Path, make_manifest: Callable[..., Manifest]
) -> None:
    fill(tmp_path, 2)
    (tmp_path / "i1.png").write_bytes(b"broken")
    manifest = make_manifest(["p"] * 2, root=tmp_path)
    with pytest.raises(BadDataError, match=r"i1\.png"):
        store.open_store(manifest, 8, tmp_path / "c", key="k")
    assert not [path for path in (tmp_path / "c" / "stores").iterdir() if path.is_dir()]


def test_free_space_is_checked_first(
    tmp_path: Path, make_manifest: Callable[..., Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: usage(10, 10, 0))
    with pytest.raises(UsageError, match="--cache-dir"):
        store.open_store(make_manifest(["p"], root=tmp_path), 8, tmp_path / "c", key="k")


def test_a_damaged_store_is_named(tmp_path: Path, make_manifest: Callable[..., Manifest]) -> None:
    fill(tmp_path, 2)
    manifest = make_manifest(["p"] * 2, root=tmp_path)
    made = store.open_store(manifest, 8, tmp_path / "c", key="k")
    (made.folder / "pixels.bin").write_bytes(b"1")
    with pytest.raises(BadDataError, match="damaged"):
        store.open_store(manifest, 8, tmp_path / "c", key="k")


def test_a_killed_build_is_begun_again(tmp_path: Path) -> None:
    fill(tmp_path)
    killed = start(tmp_path, "die")
    assert killed.wait(60) == -signal.SIGKILL
    assert not list((tmp_path / "cache" / "stores").glob("toy*px-v*/index.npz"))
    whole = start(tmp_path, "plain")
    assert len(whole.communicate(timeout=60)[0].strip()) == 64
    assert whole.returncode == 0
    assert [path.name[:3] for path in (tmp_path / "cache/stores").iterdir() if path.is_dir()] == [
        "toy"
    ]


def test_two_processes_build_once(tmp_path: Path) -> None:
    fill(tmp_path)
    both = [start(tmp_path, "slow") for _ in range(2)]
    hashes = {process.communicate(timeout=60)[0] for process in both}
    assert len(hashes) == 1
    assert sorted((tmp_path / "decoded.log").read_text().split()) == sorted(
        f"i{number}" for number in range(12)
    )
