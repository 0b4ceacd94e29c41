"""What a run was asked to do: the command line over `maco-bench.toml` over the defaults."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.errors import UsageError, unknown_name

CONFIG_FILE = "maco-bench.toml"
LOGS = ("none", "tensorboard")


@dataclass(frozen=True)
class Settings:
    """The wishes of one call; everything in it is plain and can cross a process border.

    Attributes:
        suite: Name of a file in `leaderboards/suites/`.
        profile: Name of a file in `benchmark/profiles/`.
        data_root: Folder that holds the data sets; without it and `data_roots`, the phantom.
        data_roots: Folder by data set; wins over `data_root`.
        sources: Options of readers by data set, handed to `read`.
        results: Where records and tables go.
        cache_dir: Where the image store and the phantom go; may be deleted at any time.
        only: Glob on cell names.
        labels: Label percents; empty = those of the suite or task.
        baselines, tasks: Names; empty = those of the suite. Baselines may be `all`, too.
        pretrain_seeds, subset_seeds, head_seeds: The three seed axes.
        jobs: Worker processes; 0, where none is asked for, takes the profile's.
        executor: Where cells run; `local` in this release.
        device: `auto` takes a GPU where there is one.
        refresh: Run stale cells again.
        allow_partial: Go on with the listed images that are present.
        corpus: Data set whose images and reports are pre-trained on; empty = that of the suite.
        weights: A checkpoint to evaluate in place of pre-training here.
        trust_weights: Load a checkpoint that needs pickle.
        log: What writes the training log (`benchmark.training.log`): one of `LOGS`.
        options: Replaced options by baseline.
        recipes: Replaced recipe fields by protocol.
    """

    suite: str = "maco"
    profile: str = "demo"
    data_root: Path | None = None
    data_roots: Mapping[str, Path] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    results: Path = Path("results")
    cache_dir: Path = Path("cache")
    only: str = ""
    labels: tuple[float, ...] = ()
    baselines: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    pretrain_seeds: tuple[int, ...] = (0,)
    subset_seeds: tuple[int, ...] = (0,)
    head_seeds: tuple[int, ...] = (0,)
    jobs: int = 0
    executor: str = "local"
    device: str = "auto"
    refresh: bool = False
    allow_partial: bool = False
    corpus: str = ""
    weights: Path | None = None
    trust_weights: bool = False
    log: str = "none"
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recipes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def uses_phantom(self) -> bool:
        """Whether no folder of data was named, so that the phantom is drawn."""
        return self.data_root is None and not self.data_roots


def make_settings(command_line: Mapping[str, Any], config_file: Path | None = None) -> Settings:
    """Merge the command line over the configuration file over the defaults.

    Args:
        command_line: Field values by name; None means not given. Tables (`data_roots`,
            `options` ...) are merged key by key.
        config_file: A TOML file; by default `maco-bench.toml` in the current folder, if any.

    Raises:
        UsageError: An unknown key, a value of the wrong type, or a file that is not TOML.
    """
    merged: dict[str, Any] = {}
    chosen = config_file or Path(CONFIG_FILE)
    if chosen.is_file():
        merged = _read_config(chosen)
    elif config_file is not None:
        raise UsageError("The configuration file does not exist.", looked_in=[config_file])
    for name, value in command_line.items():
        if value is None:
            continue
        if isinstance(value, Mapping):
            merged[name] = _merged_table(merged.get(name, {}), value)
        else:
            merged[name] = value
    return _checked(merged)


def _merged_table(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = (
            {**old, **value} if isinstance(old, Mapping) and isinstance(value, Mapping) else value
        )
    return merged


def _read_config(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from error
    known = {item.name for item in dataclasses.fields(Settings)}
    for key in content:
        if key not in known:
            raise unknown_name(f"setting in {path.name}", key, known)
    here = path.resolve().parent
    for key in ("data_root", "results", "cache_dir", "weights"):
        if key in content:
            content[key] = here / Path(str(content[key])).expanduser()
    roots = content.get("data_roots", {})
    content["data_roots"] = {
        name: here / Path(str(place)).expanduser() for name, place in roots.items()
    }
    return content


def _checked(values: Mapping[str, Any]) -> Settings:
    defaults = Settings()
    cleaned: dict[str, Any] = {}
    for name, value in values.items():
        default = getattr(defaults, name)
        if isinstance(default, tuple):
            cleaned[name] = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        elif name in {"data_root", "results", "cache_dir", "weights"}:
            cleaned[name] = Path(value).expanduser()
        elif type(value) is not type(default) and not isinstance(default, Mapping):
            raise UsageError(
                f"The setting `{name}` is {value!r}; it must be a {type(default).__name__}."
            )
        else:
            cleaned[name] = value
    cleaned["data_roots"] = {
        name: Path(place).expanduser() for name, place in cleaned.get("data_roots", {}).items()
    }
    settings = dataclasses.replace(defaults, **cleaned)
    if "jobs" in cleaned and settings.jobs < 1:
        raise UsageError("`jobs` must be at least 1.")
    if settings.executor != "local":
        raise unknown_name("executor", settings.executor, ["local"])
    if settings.log not in LOGS:
        raise unknown_name("training log", settings.log, LOGS)
    return settings


def typed(name: str, value: Any, default: Any) -> Any:
    """A replaced option in the type of its default.

    Args:
        name: For the message.
        value: Text from the command line, or a value from TOML.
        default: The option's default; None accepts any JSON value.

    Raises:
        UsageError: The value has no reading in that type.
    """
    if isinstance(value, str) and not isinstance(default, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            if default is not None:
                raise _wrong_type(name, value, default) from None
    if default is None:
        return value
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if isinstance(default, tuple) and isinstance(value, list):
        return tuple(value)
    if isinstance(default, Mapping) and isinstance(value, Mapping):
        return dict(value)
    if type(value) is not type(default):
        raise _wrong_type(name, value, default)
    return value


def _wrong_type(name: str, value: Any, default: Any) -> UsageError:
    as_json = default
    if isinstance(default, Mapping | tuple | list | bool):
        as_json = json.dumps(dict(default) if isinstance(default, Mapping) else default)
    return UsageError(
        f"`{name}` is {value!r}; it must be a {type(default).__name__}, such as {as_json}.",
        remedy="On the command line a value is written as JSON.",
    )


def replaced_options(
    baseline: str, defaults: Mapping[str, Any], settings: Settings
) -> dict[str, Any]:
    """A baseline's options with the user's replacements, typed by the defaults."""
    options = dict(defaults)
    for name, value in settings.options.get(baseline, {}).items():
        if name not in defaults:
            raise unknown_name(f"option of {baseline}", name, defaults)
        options[name] = typed(f"{baseline}.{name}", value, defaults[name])
    return options
