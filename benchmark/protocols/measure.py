"""What a model costs: operations and parameters, counted; speed and memory, timed.

Two models are counted: the method at the recipe's reference size (`reference`), which is built for
that purpose and has no values, and the cell's own model (`evaluated`), which every other task
scores. Their forward passes, each with one image or one report:

- `inference`: the image encoder on all patches, as fine-tuning, probing and dense tasks use it;
- `embedding`: an image to its vector in the space shared with text;
- `text`: a report to its vector there;
- `pretraining`: all that a pre-training step computes forward, masking included;
- `pretraining_published`: the same as the official code computes it, where the baseline's module
  offers `published_forward(model, batch, generator)`, which also runs what the method ignores.

Timed is `inference` of the evaluated model alone, on real images that lie on the device already.
Counts are a function of the cell; times and memory depend on the machine and stand in the
outcome's `timing`.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import nn

from benchmark import registry
from benchmark.errors import BadDataError, NotApplicable, unknown_name
from benchmark.interfaces import BuildContext, Outcome, PretrainBatch, Representation
from benchmark.protocols.features import evaluation_reader
from benchmark.protocols.operations import PassCount, count_pass, without_memory, without_values
from benchmark.protocols.speed import time_passes
from benchmark.recipes.measure import MeasureRecipe

if TYPE_CHECKING:
    from benchmark.protocols.context import CellContext

VERSION = 1
PART_OF_PASS = {
    "inference": "image_encoder",
    "embedding": "image_projection",
    "text": "text_encoder",
    "pretraining": "pretraining_only",
    "pretraining_published": "pretraining_only",
}
"""Forward passes, and the part of a model that each adds: what no pass above it reads."""
_WORD = "effusion"


@dataclass(frozen=True)
class ModelCount:
    """One model.

    Attributes:
        passes: Forward passes by name.
        parameters: Number of values by name.
        absent: Why there is no pass of that name.
        sides: Pixels of the encoded image (`image_size`) and of that which pre-training reads.
    """

    passes: Mapping[str, PassCount]
    parameters: Mapping[str, int]
    absent: Mapping[str, str]
    sides: Mapping[str, int]


def run(context: CellContext) -> Outcome:
    """Time the cell's model, then count it and the method at the reference size.

    Raises:
        UsageError: The baseline has no such reference size.
        BadDataError: There is no test image to time with.
    """
    recipe = cast(MeasureRecipe, context.recipe)
    evaluated = context.representation()
    timing = _timed(context, recipe, evaluated)
    own = _counted_evaluated(context, evaluated)
    # An outside encoder has one size, its own.
    reference = own if context.baseline.outside else _counted_reference(context, evaluated)
    models = {"reference": reference, "evaluated": own}
    return Outcome(
        predictions=_arrays(models),
        facts={
            "counter": "torch.utils.flop_counter.FlopCounterMode, halved",
            "reference_size": dict(context.baseline.sizes.get(recipe.reference_size, {})),
            "image_sizes": {name: dict(model.sides) for name, model in models.items()},
            "report_words": recipe.report_words if context.baseline.uses_text else 0,
        },
        timing=timing,
    )


def _timed(
    context: CellContext, recipe: MeasureRecipe, representation: Representation
) -> Mapping[str, Any]:
    rows = context.rows.test[: recipe.batch_size]
    if len(rows) == 0:
        raise BadDataError(
            "There is no test image to time a forward pass with.", looked_in=[context.manifest.root]
        )
    cast(nn.Module, representation).eval()
    with evaluation_reader(context, representation, recipe.image_size) as reader:
        images = reader.read(rows)
    return time_passes(
        lambda: representation.patch_features(images, projected=False),
        images=len(rows),
        warmup=recipe.warmup_passes,
        repetitions=recipe.timed_passes,
        precision=recipe.precision,
        device=context.device,
        progress=context.progress,
    )


def _counted_reference(context: CellContext, evaluated: Representation) -> ModelCount:
    """The method at the reference size, with the options and the tokenizer of the cell's model.

    How many entries the tokenizer has moves no count: the size names the rows of the word vectors.
    """
    recipe, baseline = cast(MeasureRecipe, context.recipe), context.baseline
    if recipe.reference_size not in baseline.sizes:
        raise unknown_name(f"size of {baseline.name}", recipe.reference_size, baseline.sizes)
    pretraining = baseline.pretraining
    side = pretraining.image_size if pretraining else evaluated.pretraining_image_size
    build_context = BuildContext(
        size=baseline.sizes[recipe.reference_size],
        options={**baseline.options, **context.cell.options},
        image_size=side,
        tokenizer_json=evaluated.tokenizer_json,
        reports=lambda: (_report(recipe),),
    )

    def build() -> nn.Module:
        model: nn.Module = registry.baseline_module(baseline.name).build(build_context)
        return model

    return without_values(lambda model: _count(context, model), without_memory(build), build)


def _counted_evaluated(context: CellContext, evaluated: Representation) -> ModelCount:
    """The cell's model; a copy, since other cells use it after this one."""
    own = copy.deepcopy(cast(nn.Module, evaluated))
    return without_values(lambda model: _count(context, model), own, lambda: own)


def _report(recipe: MeasureRecipe) -> str:
    return " ".join([_WORD] * recipe.report_words)


def _count(context: CellContext, module: nn.Module) -> ModelCount:
    recipe, baseline = cast(MeasureRecipe, context.recipe), context.baseline
    model = cast(Representation, module.eval().requires_grad_(True))
    side = recipe.image_size or model.image_size
    passes: dict[str, PassCount] = {}
    absent: dict[str, str] = {}
    for name, call in _calls(context, model, side).items():
        if name in ("embedding", "text") and "text_features" not in baseline.capabilities:
            absent[name] = baseline.no_capability_reason or "the method does not embed texts"
            continue
        try:
            passes[name] = count_pass(module, call)
        except NotApplicable as error:
            absent[name] = error.problem
    sizes = {name: value.numel() for name, value in module.named_parameters()}
    sides = {"image_size": side, "pretraining_image_size": model.pretraining_image_size}
    return ModelCount(passes, sizes, absent, sides)


def _calls(
    context: CellContext, model: Representation, side: int
) -> dict[str, Callable[[], object]]:
    """The forward passes by name, in the order of `PART_OF_PASS`; none has run yet."""
    report = (_report(cast(MeasureRecipe, context.recipe)),)
    device = next(cast(nn.Module, model).parameters()).device

    def images(pixels: int) -> torch.Tensor:
        return torch.zeros(1, 1, pixels, pixels, device=device)

    def batch() -> PretrainBatch:
        texts = report if context.baseline.uses_text else ()
        first, recipe = images(model.pretraining_image_size), context.baseline.pretraining
        second = first if recipe is not None and recipe.image_views == 2 else None
        return PretrainBatch(first, texts, second)

    calls: dict[str, Callable[[], object]] = {
        "inference": lambda: model.patch_features(images(side), projected=False),
        "embedding": lambda: model.image_embedding(images(side)),
        "text": lambda: model.text_embedding(report),
        "pretraining": lambda: model.pretraining_loss(batch(), torch.Generator()),
    }
    published = getattr(registry.baseline_module(context.baseline.name), "published_forward", None)
    if published is not None:
        calls["pretraining_published"] = lambda: published(model, batch(), torch.Generator())
    return calls


def _part(parameters: set[str], model: ModelCount, default: str) -> str:
    """The part that parameters belong to: that of the first pass which reads one of them."""
    for name, part in PART_OF_PASS.items():
        if name in model.passes and not parameters.isdisjoint(model.passes[name].parameters):
            return part
    return default


def _arrays(models: Mapping[str, ModelCount]) -> dict[str, np.ndarray]:
    """The counts as `benchmark.metrics.efficiency` reads them."""
    macs, parameters, absent = [], [], []
    for kind, model in models.items():
        for name, found in model.passes.items():
            for (module, operation), value in sorted(found.macs.items()):
                inside = {item for item in model.parameters if item.split(".")[0] == module}
                part = _part(inside, model, PART_OF_PASS[name])
                macs.append((kind, name, module, part, operation, value))
        owned: Counter[tuple[str, str]] = Counter()
        for name, size in model.parameters.items():
            owned[name.split(".")[0], _part({name}, model, "pretraining_only")] += size
        parameters += [(kind, *place, size) for place, size in sorted(owned.items())]
        absent += [(kind, name, why) for name, why in model.absent.items()]
    return {
        **_columns("macs", ("model", "pass", "module", "part", "operation", "macs"), macs),
        **_columns("parameters", ("model", "module", "part", "parameters"), parameters),
        **_columns("absent", ("model", "pass", "why"), absent),
    }


def _columns(
    table: str, names: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> dict[str, np.ndarray]:
    """One array a column, `TABLE_COLUMN`; the column that has the table's name is int64."""
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return {
        table if name == table else f"{table}_{name}": np.array(
            values, dtype=np.int64 if name == table else np.str_
        )
        for name, values in zip(names, columns, strict=True)
    }
