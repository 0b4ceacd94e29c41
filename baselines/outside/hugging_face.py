"""`hf:FOLDER`: a model of transformers from a folder: vision, text, or a CLIP-like pair.

The folder is one that `save_pretrained` writes or a hub offers: `config.json`, the weights
(`.safetensors` or `.bin`), for images `preprocessor_config.json`, for texts the tokenizer's files.
Code that a folder brings along is not run. Texts are pooled as `1_Pooling/config.json` of
sentence-transformers says, else by the mean over their tokens.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.outside.baseline import Built, Found, checksum_of
from benchmark.errors import BadDataError, MissingDataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.specs import Capability

_KINDS: dict[str, tuple[Capability, ...]] = {
    "pair": ("image_features", "fine_tune", "zero_shot", "text_features"),
    "vision": ("image_features", "fine_tune"),
    "text": ("text_features",),
}
_WITHOUT = {
    "pair": "its patches are not in the space of the texts",
    "vision": "it has no text tower",
    "text": "it reads texts alone",
}
_READ = (".json", ".txt", ".model", ".safetensors", ".bin")
_OTHER_RUNTIMES = ("onnx", "openvino", "data_config", "training_args", "flax", "tf_model")
_SENTENCE_MODULES = ("Transformer", "Pooling", "Normalize")
"""Of sentence-transformers; a vector's length does not matter here."""
_BICUBIC_OR_LANCZOS = (1, 3)
"""Pillow's numbers."""
_UNCUT_FROM = 384


def look(target: str) -> Found:
    """What a folder holds."""
    folder = Path(target).expanduser()
    config = _json(folder, "config.json")
    if config is None:
        raise MissingDataError(
            f"`hf:{target}` is no folder with a `config.json`.",
            looked_in=[folder],
            remedy="Fetch the model's files into one folder; nothing is downloaded here.",
        )
    if "auto_map" in config:
        raise UsageError(
            f"The model in `{target}` needs code of its own, which is not run.",
            remedy="Wrap it in a function of your own: MODULE:FUNCTION.",
        )
    if "mask_ratio" in config:
        raise UsageError(
            f"The model in `{target}` drops patches at random, as masked pre-training does.",
            remedy="Store its encoder as a ViTModel, or wrap it in MODULE:FUNCTION.",
        )
    kind = kind_of(config)
    if kind == "text":
        _refuse_other_modules(folder)
    clip = kind == "pair" and config.get("model_type") == "clip"
    return Found(
        title=f"{folder.name} (transformers, {config.get('model_type', 'unknown')})",
        source=f"Hugging Face folder {folder.name}",
        capabilities=(*_KINDS[kind], *(("grounding",) if clip else ())),
        without=_WITHOUT[kind],
        checksum=checksum_of(files_of(folder)),
        build=lambda: _build(folder, kind),
    )


def kind_of(config: Mapping[str, Any]) -> str:
    """`pair`, `text` or `vision`."""
    if "text_config" in config and "vision_config" in config:
        return "pair"
    # BEiT's visual words are a vocabulary, too.
    return "text" if "vocab_size" in config and "image_size" not in config else "vision"


def files_of(folder: Path) -> list[Path]:
    """The files that decide what the model computes, by name.

    Raises:
        MissingDataError: There are no weights.
    """
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix in _READ
        and not path.name.startswith(_OTHER_RUNTIMES)
        and not any(
            part.startswith((".", *_OTHER_RUNTIMES)) for part in path.relative_to(folder).parts
        )
    ]
    if not any(path.suffix in (".safetensors", ".bin") for path in found):
        raise MissingDataError(
            "The folder holds no weights (model.safetensors or pytorch_model.bin).",
            looked_in=[folder],
        )
    return found


def _refuse_other_modules(folder: Path) -> None:
    modules = _content(folder, "modules.json") or []
    kinds = [str(module["type"]).rpartition(".")[2] for module in modules]
    others = [kind for kind in kinds if kind not in _SENTENCE_MODULES]
    if others:
        raise UsageError(
            f"The model in `{folder}` has modules that are not offered: {', '.join(others)}.",
            remedy="Wrap it in a function of your own: MODULE:FUNCTION.",
        )


def _json(folder: Path, name: str) -> dict[str, Any] | None:
    content = _content(folder, name)
    return content if isinstance(content, dict) else None


def _content(folder: Path, name: str) -> Any:
    path = folder / name
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadDataError(f"`{path}` is no JSON: {error}.") from error


def _build(folder: Path, kind: str) -> Built:
    from baselines.outside import hugging_face_encoders as encoders
    from baselines.outside.hugging_face_loading import load_model, load_tokenizer

    model, differences = load_model(folder)
    images = None
    if kind != "text":
        images = preprocessing_of(_stored_preprocessing(folder), folder, model.config)
    facts: dict[str, Any] = {"form": f"hf:{model.config.model_type}", **differences}
    if kind == "vision":
        return Built(encoders.VisionEncoder(model), images, facts)
    tokenizer = load_tokenizer(folder)
    if kind == "pair":
        clip = model.config.model_type == "clip"
        make = encoders.ClipEncoder if clip else encoders.PairEncoder
        return Built(make(model, tokenizer), images, facts)
    pooling = text_pooling(_json(folder / "1_Pooling", "config.json"))
    length = (_json(folder, "sentence_bert_config.json") or {}).get("max_seq_length")
    facts |= {"text_pooling": pooling}
    return Built(encoders.TextEncoder(model, tokenizer, pooling, length), None, facts)


def text_pooling(config: Mapping[str, Any] | None) -> str:
    """`mean`, `cls` or `max`, as sentence-transformers stores it; `mean` without its word.

    Raises:
        UsageError: It asks for another one.
    """
    asked = [
        name
        for name, value in (config or {}).items()
        if name.startswith("pooling_mode") and value is True
    ]
    forms = {
        "pooling_mode_mean_tokens": "mean",
        "pooling_mode_cls_token": "cls",
        "pooling_mode_max_tokens": "max",
    }
    if not asked:
        asked = [str((config or {}).get("pooling_mode", "mean"))]
        forms = {form: form for form in forms.values()}
    if len(asked) > 1 or asked[0] not in forms:
        raise UsageError(f"Pooling of texts by {', '.join(asked)} is not offered.")
    return forms[asked[0]]


def _stored_preprocessing(folder: Path) -> dict[str, Any] | None:
    """From where an image processor stores it, or a processor of images and texts."""
    stored = _json(folder, "preprocessor_config.json")
    both = _json(folder, "processor_config.json") or {}
    return both.get("image_processor") if stored is None else stored


def preprocessing_of(
    content: Mapping[str, Any] | None, folder: Path, config: Any
) -> dict[str, Any]:
    """From `preprocessor_config.json`.

    Raises:
        MissingDataError: There is none.
    """
    if content is None:
        raise MissingDataError(
            "There is no `preprocessor_config.json`, which says how images are normalised.",
            looked_in=[folder],
        )
    vision = getattr(config, "vision_config", config)
    whole = _side(content.get("size")) or _side(getattr(vision, "image_size", None)) or 224
    cut = _side(content.get("crop_size")) if content.get("do_center_crop") else None
    side = cut or whole
    # ConvNeXt's processor crops nothing from larger images, whatever its `crop_pct`.
    if whole < _UNCUT_FROM:
        whole = whole / float(content.get("crop_pct") or 1.0)
    normalised = content.get("do_normalize", True)
    bicubic = content.get("resample", 2) in _BICUBIC_OR_LANCZOS
    return {
        "image_size": side,
        "mean": content.get("image_mean", [0.5] * 3) if normalised else [0.0] * 3,
        "std": content.get("image_std", [0.5] * 3) if normalised else [1.0] * 3,
        "interpolation": "bicubic" if bicubic else "bilinear",
        "crop_fraction": min(1.0, side / whole),
    }


def _side(size: Any) -> int | None:
    """Of a number, a pair, or a table with `shortest_edge` or `height`."""
    if isinstance(size, dict):
        size = size.get("shortest_edge") or size.get("height")
    if isinstance(size, list | tuple):
        size = size[0]
    return int(size) if size else None
