"""`open_clip:ARCH@FILE`: an image and a text tower of open_clip with weights from a file.

Architectures whose text tower or tokenizer comes from a hub are refused: nothing is downloaded.
Grounding is offered where patches can be mapped into the space of the texts: CLIP's own vision
transformer. Preprocessing is open_clip's default for the architecture, or what
`open_clip_config.json` beside the file says.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.outside.baseline import Built, Found, checksum_of, existing_file
from benchmark.errors import BadDataError, UsageError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.specs import Capability

CONFIG_FILE = "open_clip_config.json"
_OPENAI = ("input_resolution", "context_length", "vocab_size")
"""Entries of OpenAI's own files that are no weights."""


def look(target: str) -> Found:
    """What `ARCH@FILE` means."""
    name, path = existing_file("open_clip", target)
    config = _architecture(name)
    beside = path.parent / CONFIG_FILE
    files = [path, beside] if beside.is_file() else [path]
    return Found(
        title=f"open_clip {name} ({path.name})",
        source=f"open_clip, {name}, weights {path.name}",
        capabilities=capabilities_of(config),
        without="its image tower does not place patches in the space of the texts",
        checksum=checksum_of(files, name, json.dumps(config, sort_keys=True)),
        build=lambda: _build(name, path),
    )


def _architecture(name: str) -> dict[str, Any]:
    """The installed package's description of an architecture, read without importing it."""
    spec = importlib.util.find_spec("open_clip")
    places = spec.submodule_search_locations if spec else None
    folder = Path(next(iter(places or [""]))) / "model_configs"
    path = folder / f"{name}.json"
    if not path.is_file():
        raise unknown_name(
            "architecture of open_clip", name, [file.stem for file in folder.glob("*.json")]
        )
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    text = config.get("text_cfg", {})
    for key in ("hf_model_name", "hf_tokenizer_name"):
        if text.get(key):
            raise UsageError(
                f"open_clip's `{name}` takes its texts' side from a hub ({text[key]}); nothing is "
                "downloaded here.",
                remedy="Wrap the model in a function of your own: MODULE:FUNCTION.",
            )
    return config


def capabilities_of(config: Mapping[str, Any]) -> tuple[Capability, ...]:
    """What an architecture can do, from its description."""
    vision = config["vision_cfg"]
    plain = isinstance(vision.get("layers"), int) and not vision.get("attentional_pool")
    found: tuple[Capability, ...] = ("image_features", "fine_tune", "zero_shot", "text_features")
    return (*found, "grounding") if plain and not vision.get("timm_model_name") else found


def _build(name: str, path: Path) -> Built:
    import open_clip

    from baselines.checkpoints.loading import load_checkpoint, place, tensors_of
    from baselines.outside.open_clip_encoder import OpenClipEncoder

    model = open_clip.create_model(name, pretrained=None, load_weights=False)
    tensors = tensors_of(load_checkpoint(path))
    wanted = {key: tensors[key] for key in tensors if key not in _OPENAI}
    try:
        unused = place(model, wanted)
    except BadDataError as error:
        raise BadDataError(
            f"`{path.name}` does not fit open_clip's `{name}`. {error.problem}",
            remedy="Name the architecture that the weights were trained with; `-quickgelu` is "
            "another one, which no shape tells.",
        ) from error
    facts = {"form": f"open_clip:{name}", "unused": unused}
    return Built(OpenClipEncoder(model, name), preprocessing_of(model, path), facts)


def preprocessing_of(model: Any, path: Path) -> dict[str, Any]:
    """open_clip's configuration of the images."""
    import open_clip

    config = dict(open_clip.get_model_preprocess_cfg(model))
    beside = path.parent / CONFIG_FILE
    if beside.is_file():
        config |= json.loads(beside.read_text(encoding="utf-8")).get("preprocess_cfg", {})
    size = config.get("size", model.visual.image_size)
    side = size if isinstance(size, int) else size[0]
    bilinear = config.get("interpolation", "bicubic") == "bilinear"
    return {
        "image_size": side,
        "mean": config.get("mean") or open_clip.OPENAI_DATASET_MEAN,
        "std": config.get("std") or open_clip.OPENAI_DATASET_STD,
        "interpolation": "bilinear" if bilinear else "bicubic",
    }
