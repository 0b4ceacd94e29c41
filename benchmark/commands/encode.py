"""`encode`: features of one's own images and texts, into one `.npz`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark import records, registry
from benchmark.arrays import array_bytes
from benchmark.commands.options import settings_from
from benchmark.commands.output import say
from benchmark.errors import MissingDataError, UsageError
from benchmark.fingerprint import file_checksum
from benchmark.own_weights import require_file
from benchmark.packages import require_models
from benchmark.settings import Settings

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm", ".dicom")
_BATCH = 32
_SHOWN = 8


@dataclass(frozen=True)
class _Encoder:
    """A model with the weights that were chosen for it; `weights` names their file."""

    model: Any
    baseline: Any
    device: str
    weights: str
    checksum: str


def add(commands: Any) -> None:
    """Register `encode`."""
    parser = commands.add_parser("encode", help="features of your own images and texts")
    parser.add_argument("--baseline", required=True)
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="default: the newest of the profile"
    )
    parser.add_argument("--trust-weights", action="store_const", const=True)
    parser.add_argument("--images", nargs="+", type=Path, default=(), metavar="DIR|FILE")
    parser.add_argument(
        "--texts", type=Path, metavar="FILE", help="one text a line, without blank lines"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FEATURES.npz")
    parser.add_argument("--results", type=Path, metavar="DIR")
    parser.add_argument("--profile", help="of the pre-training (default: demo)")
    parser.add_argument("--corpus", metavar="NAME", help="of the pre-training (default: any)")
    parser.add_argument("--device")
    parser.add_argument("--config", type=Path, metavar="FILE")
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Write features of the images and texts, and which weights they were made with."""
    settings = settings_from(arguments)
    if not arguments.images and arguments.texts is None:
        raise UsageError("There is nothing to encode.", remedy="Name --images, --texts or both.")
    files = image_files(arguments.images) if arguments.images else []
    texts = read_texts(arguments.texts) if arguments.texts is not None else []
    require_models("`encode`")
    encoder = _loaded(arguments.baseline, settings)
    say(f"weights: {encoder.weights} (checksum {encoder.checksum[:_SHOWN]})")
    arrays = _origin_arrays(encoder)
    if files:
        arrays |= _image_arrays(encoder.model, encoder.baseline, files, encoder.device)
    if texts:
        arrays |= _text_arrays(encoder.model, encoder.baseline, texts)
    records.write_atomically(arguments.out, array_bytes(arrays))
    shapes = ", ".join(
        f"{name} {value.shape}" for name, value in sorted(arrays.items()) if value.ndim
    )
    say(f"wrote {arguments.out}: {shapes}")
    return 0


def image_files(places: Sequence[Path]) -> list[Path]:
    """The image files named, and those below the folders named, in order.

    Raises:
        MissingDataError: A place does not exist, or no image is found.
    """
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            inside = (path for path in place.rglob("*") if path.suffix.lower() in SUFFIXES)
            found += sorted(inside)
        elif place.is_file():
            found.append(place)
        else:
            raise MissingDataError("The image file or folder does not exist.", looked_in=[place])
    if not found:
        raise MissingDataError(
            "No image was found.", looked_in=places, remedy=f"Known: {', '.join(SUFFIXES)}."
        )
    return found


def read_texts(path: Path) -> list[str]:
    """The lines of a file that are not blank, in order.

    Raises:
        MissingDataError: There is no such file, or it holds no text.
    """
    if not path.is_file():
        raise MissingDataError("The file of texts does not exist.", looked_in=[path])
    texts = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not texts:
        raise MissingDataError("The file of texts holds none.", looked_in=[path])
    return texts


def _loaded(name: str, settings: Settings) -> _Encoder:
    from benchmark.settings import replaced_options
    from benchmark.training.device import choose_device
    from benchmark.workshop import load_file, load_outside, load_trained

    baseline = registry.load_baseline(name)
    if baseline.kind != "method":
        raise UsageError(f"`{name}` is a sentinel; it has no encoder.")
    device = str(choose_device(settings.device))
    if baseline.outside:
        model = load_outside(name)
        weights, checksum = name, registry.baseline_module(name).checksum()
    elif settings.weights is not None:
        require_file(settings.weights)
        options = replaced_options(baseline.base, baseline.options, settings)
        model = load_file(name, settings.weights, options, settings.trust_weights)
        weights, checksum = settings.weights.as_posix(), file_checksum(settings.weights)
    else:
        path = newest_weights(name, settings)
        model = load_trained(name, path)
        weights, checksum = path.as_posix(), file_checksum(path)
    return _Encoder(model.to(device).eval(), baseline, device, weights, checksum)


def newest_weights(baseline: str, settings: Settings) -> Path:
    """The weights of a baseline's latest finished pre-training of the profile and the corpus.

    Raises:
        UsageError: There is no such corpus.
        MissingDataError: None is stored; those of other profiles and corpora are named.
    """
    profile, corpus = settings.profile, settings.corpus
    if corpus:
        registry.load_source(corpus)
    found: dict[tuple[str, str], list[Path]] = {}
    for folder, record in records.all_records(settings.results):
        path = folder / records.WEIGHTS_FILE
        cell = record.cell
        if cell.kind == "pretrain" and cell.baseline == baseline and path.is_file():
            found.setdefault((cell.profile, str(record.data["dataset"])), []).append(path)
    places = [(profile, corpus)] if corpus else [place for place in found if place[0] == profile]
    fitting = [path for place in places for path in found.get(place, ())]
    if fitting:
        return max(fitting, key=lambda path: path.stat().st_mtime)
    others = " or ".join(f"--profile {one} --corpus {other}" for one, other in sorted(found))
    remedy = f"There is one with {others}" if others else "Run it (`run_all.py`)"
    wanted = f"profile {profile}" + (f" and corpus {corpus}" if corpus else "")
    raise MissingDataError(
        f"No finished pre-training of `{baseline}` is stored for {wanted}.",
        looked_in=[settings.results],
        remedy=f"{remedy}, or name a checkpoint with --weights.",
    )


def _origin_arrays(encoder: _Encoder) -> dict[str, np.ndarray]:
    import numpy as np

    return {"weights": np.array(encoder.weights), "checksum": np.array(encoder.checksum)}


def _image_arrays(
    model: Any, baseline: Any, files: Sequence[Path], device: str
) -> dict[str, np.ndarray]:
    import numpy as np
    import torch

    from benchmark.protocols.features import pooling

    if "image_features" not in baseline.capabilities:
        raise UsageError(f"`{baseline.name}` has no image encoder.", remedy="Leave out --images.")
    shared = "zero_shot" in baseline.capabilities
    pool = pooling(model, "pooled")
    pooled, embedded = [], []
    with torch.inference_mode():
        for start in range(0, len(files), _BATCH):
            batch = _pixels(files[start : start + _BATCH], model.image_size, baseline)
            images = torch.from_numpy(batch).to(device)
            pooled.append(pool(images).float().cpu().numpy())
            if shared:
                embedded.append(model.image_embedding(images).cpu().numpy())
    arrays = {
        "image_names": np.array([path.as_posix() for path in files]),
        "pooled_features": np.concatenate(pooled),
    }
    if shared:
        arrays["image_embeddings"] = np.concatenate(embedded)
    return arrays


def _pixels(files: Sequence[Path], size: int, baseline: Any) -> np.ndarray:
    """(B, 1, size, size) float32: short side to `size`, centre crop, normalised."""
    import numpy as np

    from benchmark.data.geometry import to_square
    from benchmark.data.images import read_grey

    squares = [to_square(read_grey(path), size, "resize_crop") for path in files]
    grey = np.stack(squares)[:, None].astype(np.float32) / 255
    profile = baseline.image_profile
    return np.asarray((grey - profile.mean) / profile.std, dtype=np.float32)


def _text_arrays(model: Any, baseline: Any, texts: Sequence[str]) -> dict[str, np.ndarray]:
    import numpy as np
    import torch

    if "text_features" not in baseline.capabilities:
        raise UsageError(f"`{baseline.name}` has no text encoder.", remedy="Leave out --texts.")
    with torch.inference_mode():
        vectors = model.text_embedding(list(texts)).cpu().numpy()
    return {"texts": np.array(texts), "text_embeddings": vectors}
