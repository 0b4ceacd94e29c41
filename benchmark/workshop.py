"""What a worker keeps between cells: manifests, image stores and the model loaded last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark import records, registry
from benchmark.catalogue import Catalogue
from benchmark.cells import Resolved, start_of
from benchmark.errors import BadRecordError, UsageError
from benchmark.fingerprint import file_checksum
from benchmark.interfaces import BuildContext, Progress
from benchmark.own_weights import ANOTHER_ENCODER, FIELDS, require_maker
from benchmark.seeds import seed_from
from benchmark.settings import Settings
from benchmark.specs import Cell

if TYPE_CHECKING:
    from benchmark.data.store import ImageStore


class Workshop:
    """Opens stores and builds models on demand; cells of one baseline share the model."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.catalogue = Catalogue(settings)
        self._stores: dict[tuple[str, int], Any] = {}
        self._model: tuple[str, Any] | None = None

    def store(self, dataset: str, longest_side: int, progress: Progress) -> ImageStore:
        """The image store of a data set; decoded once, then memory-mapped."""
        from benchmark.data.store import open_store

        if (dataset, longest_side) not in self._stores:
            manifest = self.catalogue.manifest(dataset)
            self._stores[dataset, longest_side] = open_store(
                manifest, longest_side, self.settings.cache_dir, progress
            )
        store: ImageStore = self._stores[dataset, longest_side]
        return store

    def initial_model(
        self, cell: Cell, resolved: Resolved, reports: Callable[[], Iterable[str]], device: str
    ) -> Any:
        """A method with initial weights, drawn from the pre-training seed, or with its start's."""
        self._model = None
        self._fix_threads(resolved)
        module = registry.baseline_module(cell.baseline)
        start = start_weights(cell, resolved, self.settings)
        context = BuildContext(
            size=resolved.size,
            options=resolved.options,
            image_size=resolved.recipe.image_size,
            seed=seed_from("pretrain", cell.seeds.pretrain),
            tokenizer_json=start.get("tokenizer_json"),
            reports=reports,
        )
        model = module.build(context)
        taken = take_equal_tensors(model, start.get("model", {}), cell)
        if taken and hasattr(model, "after_start"):
            model.after_start(taken)
        return model.to(device)

    def trained_model(self, cell: Cell, resolved: Resolved, device: str) -> Any:
        """The model whose weights a cell names, in eval mode; loaded once for many cells."""
        name = f"{cell.baseline}:{cell.depends_on}"
        if self._model is None or self._model[0] != name:
            self._model = None
            self._fix_threads(resolved)
            if cell.weights == "trained":
                path, _ = pretrained_weights(cell.baseline, cell, self.settings)
                model = load_trained(cell.baseline, path)
            elif resolved.baseline.outside:
                model = load_outside(cell.baseline)
            else:
                options, trusted = resolved.options, self.settings.trust_weights
                model = load_file(cell.baseline, self._weights_file(), options, trusted)
            self._model = (name, model.to(device).eval())
        return self._model[1]

    def read_facts(self, cell: Cell) -> dict[str, Any]:
        """How the file of a cell's weights was read, and what the model makes of fixed inputs.

        Loads the model where it is not the one loaded last. Empty for weights trained here.
        """
        if not cell.weights.startswith("file:"):
            return {}
        from benchmark.cells import resolve
        from benchmark.model_fingerprint import forward_fingerprint
        from benchmark.training.device import choose_device

        resolved = resolve(cell.task, cell.variant, cell.baseline, self.settings)
        device = str(choose_device(self.settings.device))
        model = self.trained_model(cell, resolved, device)
        reads_texts = "text_features" in resolved.baseline.capabilities
        facts = dict(getattr(model, "loaded_from", {"form": "maco-bench"}))
        return {**facts, "fingerprint": forward_fingerprint(model, device, reads_texts)}

    def _weights_file(self) -> Path:
        if self.settings.weights is None:
            raise UsageError("No weights file was named.", remedy="Use --weights FILE.")
        return self.settings.weights

    @staticmethod
    def _fix_threads(resolved: Resolved) -> None:
        import torch

        torch.set_num_threads(resolved.profile.threads)


def pretrained_weights(
    baseline: str, cell: Cell, settings: Settings
) -> tuple[Path, records.Record]:
    """The weights of the pre-training cell that a cell depends on, checked by checksum.

    Args:
        baseline: Whose weights they are: the cell's own, or those of its start. A name with
            `+at=PERCENT` means those that were kept at that part of the budget.
        cell: Names the pre-training by key and seed.
        settings: Name the results folder.

    Raises:
        BadRecordError: There is no such record, or the file is not the one it was made from.
    """
    spec = registry.load_baseline(baseline)
    pattern = f"*/*@*/{spec.trained_as}/all-p{cell.seeds.pretrain}-{cell.depends_on[:8]}"
    for folder in sorted((settings.results / cell.profile).glob(pattern)):
        record = records.read_or_quarantine(folder)
        if record is None or record.cell.key != cell.depends_on:
            continue
        path = folder / records.weights_file(spec.at_percent)
        expected = records.kept_checksum(record, spec.at_percent)
        if not path.is_file() or file_checksum(path) != expected:
            raise BadRecordError(
                f"{path} is not the file that its record was made with.",
                remedy="Delete the cell's folder; pre-training then runs again.",
            )
        return path, record
    raise BadRecordError(f"No finished pre-training has the key {cell.depends_on[:8]}.")


def start_weights(cell: Cell, resolved: Resolved, settings: Settings) -> dict[str, Any]:
    """Content of the weights file that a pre-training starts from; empty where it has none."""
    start = start_of(resolved)
    if not start:
        return {}
    import torch

    path, _ = pretrained_weights(start, cell, settings)
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return content


def take_equal_tensors(model: Any, start: Mapping[str, Any], cell: Cell) -> list[str]:
    """Copy every tensor of equal name and shape into a model, and return their names.

    Raises:
        UsageError: There is a start, and not one tensor fits.
    """
    own = model.state_dict()
    equal = {
        name: value
        for name, value in start.items()
        if name in own and own[name].shape == value.shape
    }
    if start and not equal:
        raise UsageError(
            f"Nothing of the start weights fits `{cell.baseline}`.",
            remedy="Leave `start_from` of the pre-training recipe empty for it.",
        )
    model.load_state_dict(equal, strict=False)
    return sorted(equal)


def load_trained(baseline: str, path: Path) -> Any:
    """Build a method and load the weights that its pre-training cell stored, strictly.

    Raises:
        UsageError: The file is not of our own form.
    """
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises several kinds for a file that it cannot read
        raise _not_our_form(baseline, path) from error
    if not isinstance(content, dict) or not set(content) >= set(FIELDS):
        raise _not_our_form(baseline, path)
    require_maker(content, baseline, path)
    context = BuildContext(
        size=content["size"],
        options=content["options"],
        image_size=content["image_size"],
        tokenizer_json=content["tokenizer_json"],
    )
    model = registry.baseline_module(baseline).build(context)
    try:
        model.load_state_dict(content["model"], strict=True)
    except RuntimeError as error:
        raise UsageError(
            f"{path} does not fit `{baseline}` of this version: {error}",
            remedy="Name the baseline that made the file, or pre-train again.",
        ) from error
    return model


def _not_our_form(baseline: str, path: Path) -> UsageError:
    return UsageError(
        f"{path} is not a {records.WEIGHTS_FILE} of this benchmark.",
        remedy=f"`{baseline}` reads the files that its pre-training here leaves, and no others. "
        + ANOTHER_ENCODER,
    )


def load_outside(baseline: str) -> Any:
    """An encoder of somebody else with its weights; its name says all."""
    return registry.baseline_module(baseline).build(BuildContext(size={}, options={}, image_size=0))


def load_file(baseline: str, path: Path, options: Mapping[str, Any], trusted: bool) -> Any:
    """Load a checkpoint by the baseline's own `load`, or one of our own form where it has none.

    Raises:
        UsageError: The baseline reads our own form alone, and the file has another one.
    """
    import inspect

    module = registry.baseline_module(baseline)
    if not hasattr(module, "load"):
        return load_trained(baseline, path)
    arguments: dict[str, Any] = {"options": options, "tokenizer_json": None}
    if "trusted" in inspect.signature(module.load).parameters:
        arguments["trusted"] = trusted
    return module.load(path, **arguments)
