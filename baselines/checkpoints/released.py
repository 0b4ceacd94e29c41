"""Released weights of a paper: recognised, renamed, sized by their shapes, placed in full."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.checkpoints.loading import load_checkpoint, place, tensors_of
from baselines.checkpoints.own import is_own, own_model
from baselines.checkpoints.recognition import form_for, section_tensors
from baselines.checkpoints.shapes import Shapes
from benchmark.errors import BadDataError, MissingDataError
from benchmark.interfaces import BuildContext
from benchmark.own_weights import require_maker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from baselines.checkpoints.form import Companion, Fields, Form
    from benchmark.interfaces import Representation

ALWAYS_DROPPED = (r"(^|\.)position_ids$",)
"""Older versions of transformers stored them."""

ALWAYS_INITIAL = (r"(^|\.)num_batches_tracked$",)
"""Counters that evaluation does not read; older files have none."""


@dataclass(frozen=True)
class Released:
    """A loaded model in eval mode, and how it was read.

    Attributes:
        unused: Tensors of the file that have no place in the model, by their names in the file
            where they were dropped and by ours where they were renamed; sorted.
    """

    model: Representation
    form: Form
    fields: Fields
    unused: tuple[str, ...]


def load(
    baseline: str,
    build: Callable[[BuildContext], Representation],
    path: Path,
    options: Mapping[str, Any],
    tokenizer_json: str | None = None,
    trusted: bool = False,
) -> Representation:
    """What a baseline's own `load` does: our own form, or one of the released ones.

    Args:
        baseline: Name of its file.
        build: Its `build`.
        path: The weight file.
        options: Of the baseline; what the file settles stands above them.
        tokenizer_json: Takes the place of the tokenizer beside the weights.
        trusted: Allow a file that needs more than tensors and plain containers.

    Raises:
        BadDataError: Damaged, another method's, or incomplete.
        MissingDataError: The file or one that belongs beside it is not there.
        UntrustedFileError: It holds objects that could run code, and is not trusted.
    """
    path = Path(path)
    content = load_checkpoint(path, trusted)
    if is_own(content):
        require_maker(content, baseline, path)
        return own_model(content, build)
    return load_content(baseline, build, content, path, options, tokenizer_json).model


def load_content(
    baseline: str,
    build: Callable[[BuildContext], Representation],
    content: Mapping[str, Any],
    path: Path,
    options: Mapping[str, Any],
    tokenizer_json: str | None = None,
    size_hints: Mapping[str, Any] | None = None,
) -> Released:
    """A released model from what was read.

    Args:
        baseline: Name of its file.
        build: Its `build`.
        content: What `load_checkpoint(path)` gave.
        path: Where it lies, for what must lie beside it.
        options: As in `load`.
        tokenizer_json: As in `load`.
        size_hints: Dimensions that no shape tells and that differ from the published ones
            (numbers of heads, in made-up small models).
    """
    form = form_for(baseline, content, path)
    tensors = section_tensors(content, form)
    for item in form.companions:
        inside = tensors_of(load_checkpoint(_beside(path, item, form)))
        tensors |= {f"{item.prefix}{name}": value for name, value in inside.items()}
    kept, dropped = _without(tensors, form)
    renamed = rename(kept, form)
    if form.convert is not None:
        renamed = form.convert(renamed)
    fields = form.fields(Shapes(renamed, form.title))
    if tokenizer_json is None and form.vocabulary is not None and form.tokenizer is not None:
        tokenizer_json = form.tokenizer(_beside(path, form.vocabulary, form))
    texts = {name: _read(_beside(path, item, form)) for name, item in form.texts}
    model = build(
        BuildContext(
            size={**fields.size, **(size_hints or {})},
            options={**options, **fields.options, **texts},
            image_size=fields.image_size,
            tokenizer_json=tokenizer_json,
        )
    )
    unused = place(model, renamed, (*form.initial, *ALWAYS_INITIAL))  # type: ignore[arg-type]
    model.eval()  # type: ignore[attr-defined]
    result = Released(model, form, fields, tuple(sorted([*unused, *dropped])))
    model.loaded_from = {  # type: ignore[attr-defined]
        "form": form.title,
        "tensors": len(tensors),
        "unused": list(result.unused),
    }
    return result


def rename(tensors: Mapping[str, Tensor], form: Form) -> dict[str, Tensor]:
    """Tensors under our names.

    Raises:
        BadDataError: Two of the file's tensors claim one place.
    """
    renamed: dict[str, Tensor] = {}
    for name, value in tensors.items():
        ours = name
        for pattern, replacement in form.renames:
            ours, count = re.subn(pattern, replacement, name, count=1)
            if count:
                break
        if ours in renamed:
            raise BadDataError(f"Two tensors of the weight file stand for `{ours}`.")
        renamed[ours] = value
    return renamed


def _without(tensors: Mapping[str, Tensor], form: Form) -> tuple[dict[str, Tensor], list[str]]:
    patterns = re.compile("|".join(f"(?:{part})" for part in (*ALWAYS_DROPPED, *form.dropped)))
    dropped = [name for name in tensors if patterns.search(name)]
    return {name: value for name, value in tensors.items() if name not in dropped}, dropped


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadDataError(f"`{path}` is not a text in UTF-8: {error}.") from error


def _beside(path: Path, item: Companion, form: Form) -> Path:
    places = [path.parent / name for name in item.names]
    for candidate in places:
        if candidate.is_file():
            return candidate
    raise MissingDataError(
        f"Released {form.title} weights need {item.what}, `{item.names[0]}`.",
        looked_in=places,
        remedy=f"Take it from {item.source} and put it beside the weight file.",
    )
