"""`encode`: features of one's own images and texts, into one `.npz`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark import records, registry
from benchmark.arrays import array_bytes
from benchmark.commands.options import settings_from
from benchmark.commands.output import say
from benchmark.errors import MissingDataError, UsageError
from benchmark.packages import require_models
from benchmark.settings import Settings

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm", ".dicom")
_BATCH = 32


def add(commands: Any) -> None:
    """Register `encode`."""
    parser = commands.add_parser("encode", help="features of your own images and texts")
    parser.add_argument("--baseline", required=True)
    parser.add_argument("--weights", type=Path, metavar="FILE", help="default: the newest here")
    parser.add_argument("--trust-weights", action="store_const", const=True)
    parser.add_argument("--images", nargs="+", type=Path, default=(), metavar="DIR|FILE")
    parser.add_argument("--texts", type=Path, metavar="FILE", help="one text a line")
    parser.add_argument("--out", type=Path, required=True, metavar="FEATURES.npz")
    parser.add_argument("--results", type=Path, metavar="DIR")
    parser.add_argument("--profile")
    parser.add_argument("--device")
    parser.add_argument("--config", type=Path, metavar="FILE")
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Write `image_names`, `image_embeddings`, `pooled_features` and, with texts, theirs."""
    settings = settings_from(arguments)
    if not arguments.images and arguments.texts is None:
        raise UsageError("There is nothing to encode.", remedy="Name --images, --texts or both.")
    files = image_files(arguments.images) if arguments.images else []
    require_models("`encode`")
    model, baseline, device = _model(arguments.baseline, settings)
    arrays = _image_arrays(model, baseline, files, device) if files else {}
    if arguments.texts is not None:
        lines = arguments.texts.read_text(encoding="utf-8").splitlines()
        arrays |= _text_arrays(model, baseline, [line for line in lines if line.strip()])
    records.write_atomically(arguments.out, array_bytes(arrays))
    shapes = ", ".join(f"{name} {value.shape}" for name, value in sorted(arrays.items()))
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


def _model(name: str, settings: Settings) -> tuple[Any, Any, str]:
    from benchmark.settings import replaced_options
    from benchmark.training.device import choose_device
    from benchmark.workshop import load_file, load_outside, load_trained

    baseline = registry.load_baseline(name)
    if baseline.kind != "method":
        raise UsageError(f"`{name}` is a sentinel; it has no encoder.")
    device = str(choose_device(settings.device))
    if baseline.outside:
        model = load_outside(name)
    elif settings.weights is not None:
        options = replaced_options(baseline.base, baseline.options, settings)
        model = load_file(name, settings.weights, options, settings.trust_weights)
    else:
        model = load_trained(name, newest_weights(name, settings))
    return model.to(device).eval(), baseline, device


def newest_weights(baseline: str, settings: Settings) -> Path:
    """The weights of the latest finished pre-training of a baseline in the results folder."""
    found = [
        folder / "weights.pt"
        for folder, record in records.all_records(settings.results)
        if record.cell.kind == "pretrain" and record.cell.baseline == baseline
    ]
    found = [path for path in found if path.is_file()]
    if not found:
        raise MissingDataError(
            f"No finished pre-training of `{baseline}` is stored.",
            looked_in=[settings.results],
            remedy="Run it (`run_all.py`), or name a checkpoint with --weights.",
        )
    return max(found, key=lambda path: path.stat().st_mtime)


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
