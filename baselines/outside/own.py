"""`MODULE:FUNCTION` or `FILE.py:FUNCTION`: an encoder that a function of the user's returns.

The function takes nothing and returns a `torch.nn.Module` with some of the members that
`representation.py` lists, and `preprocessing` where it reads images. It is called once for a plan:
its members say what it can do, its weights and its file are the checksum.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.outside.baseline import Built, Found
from benchmark.errors import MissingDataError, UsageError
from benchmark.fingerprint import canonical_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmark.specs import Capability

_NEEDS: dict[Capability, tuple[str, ...]] = {
    "image_features": ("pooled_features",),
    "fine_tune": ("pooled_features",),
    "text_features": ("text_embedding",),
    "zero_shot": ("image_embedding", "text_embedding"),
    "grounding": ("patch_embedding", "text_embedding"),
}
_READS_IMAGES = ("pooled_features", "image_embedding", "patch_embedding")


def look(name: str) -> Found:
    """What `MODULE:FUNCTION` returns; the function is called."""
    place, _, function = name.rpartition(":")
    with _fixed_draws():
        make, source = _function(place, function, name)
    encoder = _made(make, name)
    capabilities = capabilities_of(encoder)
    if not capabilities:
        raise UsageError(
            f"What `{name}` returned has none of the members that are looked for.",
            remedy="Give it pooled_features, image_embedding, text_embedding or patch_embedding; "
            "docs/outside_encoders.md has an example.",
        )
    lacking = [need for need, members in _NEEDS.items() if need not in capabilities]
    return Found(
        title=f"{function} of {Path(place).name}",
        source=f"{Path(place).name}:{function}",
        capabilities=capabilities,
        without=_reason(encoder, lacking),
        checksum=checksum_of_encoder(encoder, source),
        build=lambda: _build(make, name),
    )


def _build(make: Callable[[], Any], name: str) -> Built:
    encoder = _made(make, name)
    facts = {"form": "a function", "members": [m for m in _members() if _has(encoder, m)]}
    return Built(encoder, getattr(encoder, "preprocessing", None), facts)


def _function(place: str, function: str, name: str) -> tuple[Callable[[], Any], Path | None]:
    if not place or not function:
        raise UsageError(f"`{name}` is not of the form MODULE:FUNCTION.")
    module = _from_file(Path(place)) if place.endswith(".py") else _from_name(place)
    found = getattr(module, function, None)
    if not callable(found):
        raise UsageError(f"`{place}` has no function `{function}`.")
    source = getattr(module, "__file__", None)
    return found, Path(source) if source else None


def _from_file(path: Path) -> Any:
    path = path.expanduser()
    if not path.is_file():
        raise MissingDataError(
            f"There is no file `{path.name}`.", looked_in=[path.parent.resolve()]
        )
    label = f"outside_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    if label in sys.modules:
        return sys.modules[label]
    spec = importlib.util.spec_from_file_location(label, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[label] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[label]
        raise
    return module


def _from_name(name: str) -> Any:
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise MissingDataError(
            f"There is no module `{name}`, and no scheme of that name (timm, open_clip, hf).",
            looked_in=[here, "the installed packages"],
            remedy="Name a module, or a file as PATH/FILE.py:FUNCTION.",
        ) from error
    finally:
        if added:
            sys.path.remove(here)


@contextlib.contextmanager
def _fixed_draws() -> Iterator[None]:
    """What is drawn inside is the same each time, and nobody outside notices."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


def _made(make: Callable[[], Any], name: str) -> Any:
    import torch

    with _fixed_draws():
        encoder = make()
    if not isinstance(encoder, torch.nn.Module):
        raise UsageError(f"`{name}` returned a {type(encoder).__name__}, not a torch.nn.Module.")
    reads_images = any(_has(encoder, member) for member in _READS_IMAGES)
    if reads_images and not isinstance(getattr(encoder, "preprocessing", None), dict):
        raise UsageError(
            f"What `{name}` returned has no `preprocessing`.",
            remedy="Write preprocessing = {'image_size': 224, 'mean': [...], 'std': [...]}.",
        )
    return encoder


def capabilities_of(encoder: Any) -> tuple[Capability, ...]:
    """What its members allow."""
    return tuple(
        need for need, members in _NEEDS.items() if all(_has(encoder, name) for name in members)
    )


def _reason(encoder: Any, lacking: list[Capability]) -> str:
    missing = {name for need in lacking for name in _NEEDS[need] if not _has(encoder, name)}
    return f"it has no {', '.join(sorted(missing))}" if missing else ""


def _has(encoder: Any, name: str) -> bool:
    return callable(getattr(encoder, name, None))


def _members() -> list[str]:
    named = {name for members in _NEEDS.values() for name in members}
    return sorted(named | {"patch_features", "feature_maps", "temperature"})


def checksum_of_encoder(encoder: Any, source: Path | None) -> str:
    """Of all tensors with their names, the preprocessing and the file of the function."""
    import torch

    sha = hashlib.sha256(source.read_bytes() if source else b"")
    sha.update(canonical_json(getattr(encoder, "preprocessing", None)).encode())
    for name, value in sorted(encoder.state_dict().items()):
        if isinstance(value, torch.Tensor):
            plain = value.detach().cpu().contiguous()
            sha.update(f"{name} {plain.dtype} {tuple(plain.shape)}".encode())
            sha.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()
