"""Finds tasks, baselines, data sources, profiles and suites by file name; imports on demand.

Listing reads folders only. A module is imported the first time somebody asks for it, so that
`maco-bench list` needs neither torch nor pandas.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import re
import sys
import types
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import benchmark
from benchmark.errors import UsageError, unknown_name
from benchmark.spec_files import read_profile, read_suite
from benchmark.specs import BaselineSpec, Profile, Suite, TaskSpec

if TYPE_CHECKING:
    from benchmark.data.manifest import SourceSpec

CHECKOUT = Path(benchmark.__file__).resolve().parent.parent
PACKAGES = (
    "tasks",
    "baselines",
    "benchmark.data.sources",
    "benchmark.phantom.writers",
    "benchmark.protocols",
    "benchmark.metrics",
)
SHARED_BASELINE_FOLDERS = frozenset(
    {"encoders", "objectives", "checkpoints", "methods", "outside", "published"}
)
OPTION_MARK = "+"
OUTSIDE_MARK = ":"
AT_MARK = "at="
FROM_SCRATCH = "from_scratch"
_SOURCES = "benchmark/data/sources"
_extra_roots: list[Path] = []


def search_roots() -> tuple[Path, ...]:
    """The checkout, and before it any folder of the same shape given to `add_search_root`."""
    return (*_extra_roots, CHECKOUT)


def add_search_root(root: Path) -> None:
    """Look for tasks, baselines, sources, protocols ... below another folder first."""
    root = root.resolve()
    if root in _extra_roots:
        return
    _extra_roots.insert(0, root)
    for package in PACKAGES:
        for path in (root / package.replace(".", "/")).glob("*"):
            # A module of the same name that was imported already would hide the new one.
            sys.modules.pop(f"{package}.{path.stem}", None)


def remove_search_root(root: Path) -> None:
    """Undo `add_search_root`; modules that were imported from there are forgotten."""
    root = root.resolve()
    if root in _extra_roots:
        _extra_roots.remove(root)
    for name, module in list(sys.modules.items()):
        origin = getattr(module, "__file__", None)
        if origin and Path(origin).is_relative_to(root):
            del sys.modules[name]


def _names(folder: str, suffix: str = ".py") -> list[str]:
    """Stems of the files (and for Python, of the packages) of a folder in every search root."""
    found: set[str] = set()
    for root in search_roots():
        place = root / folder
        if not place.is_dir():
            continue
        for path in place.iterdir():
            if path.suffix == suffix or (not path.suffix and suffix == ".py" and _is_package(path)):
                found.add(path.stem)
    return sorted(name for name in found if not name.startswith(("_", ".")))


def _is_package(path: Path) -> bool:
    return (path / "__init__.py").is_file()


def task_names() -> list[str]:
    """Names of all tasks, sorted."""
    return _names("tasks")


def baseline_names() -> list[str]:
    """Names of all baselines, sorted; folders that only hold shared parts are not baselines."""
    return [name for name in _names("baselines") if name not in SHARED_BASELINE_FOLDERS]


def source_names() -> list[str]:
    """Names of all data sources, sorted."""
    return _names(_SOURCES)


def writer_names() -> list[str]:
    """Names of the data sets that the phantom can be written as: they have writer and reader."""
    known = set(source_names())
    return [name for name in _names("benchmark/phantom/writers") if name in known]


def profile_names() -> list[str]:
    """Names of all profiles, sorted."""
    return _names("benchmark/profiles", ".toml")


def suite_names() -> list[str]:
    """Names of all suites, sorted."""
    return _names("leaderboards/suites", ".toml")


def _package(name: str) -> None:
    """Make the package `name` importable from every search root, whatever else has that name.

    `tasks` and `baselines` are common names, so they are bound to folders instead of being
    looked up on `sys.path`.
    """
    folders = [str(root / name.replace(".", "/")) for root in search_roots()]
    if name.startswith("benchmark"):
        module = importlib.import_module(name)
    else:
        if name not in sys.modules:
            module = types.ModuleType(name)
            module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
            sys.modules[name] = module
        module = sys.modules[name]
    known = list(getattr(module, "__path__", []))
    gone = [path for path in known if not Path(path).is_dir()]
    merged = [path for path in dict.fromkeys(folders + known) if path not in gone]
    module.__path__ = [path for path in merged if Path(path).is_dir()]


def _module(package: str, name: str) -> types.ModuleType:
    _package(package)
    importlib.invalidate_caches()
    return importlib.import_module(f"{package}.{name}")


def _check(what: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise unknown_name(what, name, known)


def _spec(module: types.ModuleType, attribute: str, kind: type, name: str) -> Any:
    spec: Any = getattr(module, attribute, None)
    if not isinstance(spec, kind) or not hasattr(spec, "name"):
        raise UsageError(
            f"{module.__file__} has no `{attribute}: {kind.__name__}`.",
            remedy="Copy a neighbouring file to see the form.",
        )
    if spec.name != name:
        raise UsageError(
            f"{module.__file__} names itself `{spec.name}`.",
            remedy="The name of the spec must equal the name of the file.",
        )
    return spec


def task_module(name: str) -> types.ModuleType:
    """The module of a task; its docstring is the task's page."""
    _check("task", name, task_names())
    return _module("tasks", name)


def load_task(name: str) -> TaskSpec:
    """The spec of a task.

    Raises:
        UsageError: No such task (near names are offered), or a file that breaks the contract.
    """
    spec: TaskSpec = _spec(task_module(name), "TASK", TaskSpec, name)
    return spec


def is_outside(name: str) -> bool:
    """Whether a name means an encoder of somebody else: `SCHEME:...` or `MODULE:FUNCTION`."""
    return OUTSIDE_MARK in name


def baseline_module(name: str) -> Any:
    """The module of a baseline, which offers `BASELINE` and `build` or `predict`.

    Args:
        name: Of the file; what follows a `+` (see `load_baseline`) is left aside. Of an outside
            encoder, what stands for its module.
    """
    if is_outside(name):
        return _module("baselines", "outside").find(name)
    base = name.partition(OPTION_MARK)[0]
    _check("baseline", base, baseline_names())
    return _module("baselines", base)


def load_baseline(name: str) -> BaselineSpec:
    """The spec of a baseline; its module is imported, torch is not.

    Args:
        name: Of the file, or `NAME+OPTION=VALUE+OPTION=VALUE`: the same method with other
            defaults, as an ablation's rows ask for. `NAME+from_scratch` is the method without the
            start weights that a recipe names. A last `+at=PERCENT` takes the weights that
            its pre-training kept at that percent of the budget. A name with a colon means an
            outside encoder; see `baselines/outside/`.

    Raises:
        UsageError: An unknown name, an unknown option or a value of the wrong type.
    """
    if is_outside(name):
        outside: BaselineSpec = baseline_module(name).BASELINE
        return outside
    base, *changes = name.split(OPTION_MARK)
    spec: BaselineSpec = _spec(baseline_module(base), "BASELINE", BaselineSpec, base)
    if not changes:
        return spec
    from benchmark.settings import typed

    options = dict(spec.options)
    at_percent = spec.at_percent
    if changes[-1].startswith(AT_MARK):
        at_percent = _percent(changes.pop())
    from_scratch = FROM_SCRATCH in changes
    for change in [change for change in changes if change != FROM_SCRATCH]:
        option, _, value = change.partition("=")
        if option not in options:
            raise unknown_name(f"option of {base}", option, options)
        options[option] = typed(f"{base}.{option}", value, options[option])
    told = [*changes, f"{at_percent} % of the budget"] if at_percent < spec.at_percent else changes
    title = f"{spec.title} ({', '.join(told)})"
    return replace(
        spec,
        name=name,
        title=title,
        options=options,
        at_percent=at_percent,
        from_scratch=from_scratch,
    )


def _percent(change: str) -> int:
    text = change.removeprefix(AT_MARK)
    if not text.isdecimal() or not 0 < int(text) < 100:
        raise UsageError(
            f"`+{change}` is no part of a budget.", remedy="Write +at=25, in whole percent."
        )
    return int(text)


def start_names() -> set[str]:
    """Baselines that other methods start from: they are no methods to be compared."""
    found = {load_baseline(name).house for name in baseline_names()}
    return found - {""}


def method_names() -> list[str]:
    """All methods that can be pre-trained and compared, sorted.

    Neither sentinels nor starts, nor what is evaluated from a file alone.
    """
    starts = start_names()
    named = [name for name in baseline_names() if name not in starts]
    return [name for name in named if load_baseline(name).pretraining is not None]


def source_module(name: str) -> types.ModuleType:
    """The module of a data set's reader, which offers `SOURCE` and `read`."""
    _check("data set", name, source_names())
    return _module("benchmark.data.sources", name)


def load_source(name: str) -> SourceSpec:
    """What a reader says about its data set."""
    from benchmark.data.manifest import SourceSpec

    spec: SourceSpec = _spec(source_module(name), "SOURCE", SourceSpec, name)
    return spec


def writer_module(name: str) -> types.ModuleType:
    """The module that writes the phantom in a data set's layout; imports no torch."""
    _check("data set of the phantom", name, writer_names())
    return _module("benchmark.phantom.writers", name)


def protocol_module(name: str) -> types.ModuleType:
    """The module that runs a protocol; usually imports torch."""
    return _module("benchmark.protocols", name)


def metrics_module(name: str) -> types.ModuleType:
    """The module that scores predictions; numpy only."""
    return _module("benchmark.metrics", name)


def module_version(folder: str, name: str) -> int:
    """The integer `VERSION` of a module, read from its text so that nothing is imported."""
    path = _file(folder, f"{name}.py")
    text = path.read_text(encoding="utf-8") if path else ""
    found = re.search(r"^VERSION(?:\s*:\s*[\w\[\]]+)?\s*=\s*(\d+)", text, re.MULTILINE)
    return int(found.group(1)) if found else 1


def prompts_file(name: str) -> Path:
    """The file of a set of zero-shot prompts, `tasks/prompts/NAME.toml`."""
    path = _file("tasks/prompts", f"{name}.toml")
    if path is None:
        raise unknown_name("set of prompts", name, _names("tasks/prompts", ".toml"))
    return path


def _file(folder: str, name: str) -> Path | None:
    places = (root / folder / name for root in search_roots())
    return next((path for path in places if path.is_file()), None)


def load_profile(name: str) -> Profile:
    """A size of work from `benchmark/profiles/NAME.toml`."""
    return read_profile(_spec_file("benchmark/profiles", "profile", name, profile_names()))


def load_suite(name: str) -> Suite:
    """A paper's tables from `leaderboards/suites/NAME.toml`."""
    return read_suite(_spec_file("leaderboards/suites", "suite", name, suite_names()))


def _spec_file(folder: str, what: str, name: str, known: list[str]) -> Path:
    _check(what, name, known)
    path = _file(folder, f"{name}.toml")
    assert path is not None
    return path
