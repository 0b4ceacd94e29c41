"""Which released form a weight file has, told by the names of its tensors alone."""

from __future__ import annotations

import importlib
import pkgutil
import re
from typing import TYPE_CHECKING, Any

from baselines.checkpoints import formats
from baselines.checkpoints.form import Form
from baselines.checkpoints.loading import tensors_of
from benchmark.errors import BadDataError
from benchmark.own_weights import ANOTHER_ENCODER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

SHOWN = 4


def all_forms() -> tuple[Form, ...]:
    """Every `FORMS` of the modules in `formats/`, in the order of the files' names."""
    names = sorted(item.name for item in pkgutil.iter_modules(formats.__path__))
    modules = [importlib.import_module(f"{formats.__name__}.{name}") for name in names]
    return tuple(form for module in modules for form in module.FORMS)


def section_tensors(content: Mapping[str, Any], form: Form) -> dict[str, Tensor]:
    """The tensors that a file of this form would have, by name; empty where it has none."""
    if not form.sections:
        inner = content.get(form.entry)
        try:
            return tensors_of(inner if form.entry and isinstance(inner, dict) else content)
        except BadDataError:
            return {}
    found: dict[str, Tensor] = {}
    for section in form.sections:
        part = content.get(section)
        try:
            inside = tensors_of(part) if isinstance(part, dict) else {}
        except BadDataError:
            return {}
        found |= {f"{section}/{name}": value for name, value in inside.items()}
    return found


def has_form(content: Mapping[str, Any], form: Form) -> bool:
    """Whether all marks are there and nothing that must be absent."""
    names = section_tensors(content, form)

    def anywhere(pattern: str) -> bool:
        return any(re.search(pattern, name) for name in names)

    return all(map(anywhere, form.marks)) and not any(map(anywhere, form.absent))


def form_for(baseline: str, content: Mapping[str, Any], path: Path) -> Form:
    """The form among those that a baseline reads.

    Raises:
        BadDataError: It is another method's file, or nothing known; the message says which.
    """
    forms = all_forms()
    for form in forms:
        if baseline in form.baselines and has_form(content, form):
            return form
    read = [form for form in forms if baseline in form.baselines]
    expected = "; ".join(f"{form.title} ({form.source})" for form in read) or "no released file"
    other = next((form for form in forms if has_form(content, form)), None)
    remedy = f"`{baseline}` reads its own files from here, and: {expected}."
    raise BadDataError(
        f"`{path}` is not a file that `{baseline}` reads: {_likeness(content, other)}.",
        remedy=remedy if other else f"{remedy} {ANOTHER_ENCODER}",
    )


def _likeness(content: Mapping[str, Any], form: Form | None) -> str:
    if form is not None:
        readers = " or ".join(f"--baseline {name}" for name in form.baselines)
        return f"it looks like {form.title}, which is read with {readers}"
    try:
        names = sorted(tensors_of(content))
    except BadDataError:
        entries = ", ".join(sorted(str(name) for name in content)[:SHOWN]) or "nothing"
        return f"it holds no tensors by name (its entries: {entries})"
    return f"its {len(names)} tensors ({', '.join(names[:SHOWN])} ...) are of no known form"
