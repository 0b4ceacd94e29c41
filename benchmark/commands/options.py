"""Options that commands share, and how they become settings."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmark.errors import UsageError
from benchmark.settings import LOGS, Settings, make_settings


def names(text: str) -> tuple[str, ...]:
    """`a,b` as a tuple."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def integers(text: str) -> tuple[int, ...]:
    """`0,1,2` as integers."""
    return tuple(int(part) for part in names(text))


def percents(text: str) -> tuple[float, ...]:
    """`1,10,100` as numbers."""
    return tuple(float(part) for part in names(text))


def add_data(parser: argparse.ArgumentParser) -> None:
    """Where the data are and how they are read."""
    group = parser.add_argument_group("data (without any, a phantom is drawn)")
    group.add_argument("--data-root", type=Path, metavar="DIR", help="folder of the data sets")
    group.add_argument("--data", action="append", metavar="NAME=DIR", help="folder of one data set")
    group.add_argument(
        "--source", action="append", metavar="NAME.OPTION=VALUE", help="option of a reader"
    )
    group.add_argument("--cache-dir", type=Path, metavar="DIR", help="image store and phantom")
    group.add_argument(
        "--allow-partial",
        action="store_const",
        const=True,
        help="go on with the listed images that are present",
    )
    group.add_argument("--profile", help="size of the work (default: demo)")
    group.add_argument("--config", type=Path, metavar="FILE", help="default: maco-bench.toml")
    group.add_argument("--json", action="store_true", help="machine-readable output")
    group.add_argument(
        "--jobs", type=int, metavar="N", help="worker processes (default: the profile's)"
    )


def add_work(parser: argparse.ArgumentParser) -> None:
    """Which cells, and how they run."""
    group = parser.add_argument_group("work")
    group.add_argument("--suite", help="tables of one paper (default: maco)")
    group.add_argument("--results", type=Path, metavar="DIR", help="records and tables")
    group.add_argument("--only", metavar="GLOB", help="cells whose name matches")
    group.add_argument("--labels", type=percents, metavar="P,P", help="label percents")
    group.add_argument(
        "--baselines",
        type=names,
        metavar="A,B",
        help="names, NAME+OPTION=VALUE, or all (every method)",
    )
    group.add_argument("--tasks", type=names, metavar="A,B", help="names, or name@variant")
    group.add_argument("--pretrain-seeds", type=integers, metavar="N,N")
    group.add_argument("--subset-seeds", type=integers, metavar="N,N")
    group.add_argument("--head-seeds", type=integers, metavar="N,N")
    group.add_argument(
        "--corpus", metavar="NAME", help="data set to pre-train on (default: the suite's)"
    )
    group.add_argument(
        "--set", action="append", dest="set_options", metavar="BASELINE.OPTION=VALUE"
    )
    group.add_argument("--recipe", action="append", metavar="PROTOCOL.FIELD=VALUE")
    group.add_argument("--executor", help="where cells run: local")
    group.add_argument("--device", help="auto, cpu, cuda ...")
    group.add_argument("--weights", type=Path, metavar="FILE", help="a checkpoint to evaluate")
    group.add_argument(
        "--trust-weights",
        action="store_const",
        const=True,
        help="load a checkpoint that could run code (pickle)",
    )
    group.add_argument(
        "--log", choices=LOGS, help="log of every training, below RESULTS/logs (default: none)"
    )
    group.add_argument("--refresh", action="store_const", const=True, help="run stale cells again")
    group.add_argument("--dry-run", action="store_true", help="show the plan and stop")


_PLAIN = (
    "data_root", "cache_dir", "allow_partial", "profile", "jobs", "suite", "results", "only",
    "labels", "baselines", "tasks", "pretrain_seeds", "subset_seeds", "head_seeds", "corpus",
    "executor", "device", "weights", "trust_weights", "refresh", "log",
)  # fmt: skip


def settings_from(arguments: argparse.Namespace) -> Settings:
    """Settings from parsed arguments over the configuration file."""
    values: dict[str, Any] = {name: getattr(arguments, name, None) for name in _PLAIN}
    values["data_roots"] = _pairs(getattr(arguments, "data", None), "--data NAME=DIR")
    for field, option in (("options", "set_options"), ("recipes", "recipe"), ("sources", "source")):
        values[field] = _nested(getattr(arguments, option, None), option)
    return make_settings(values, getattr(arguments, "config", None))


def _pairs(texts: Sequence[str] | None, form: str) -> dict[str, str]:
    found = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not (name and sign and value):
            raise UsageError(f"`{text}` does not have the form {form}.")
        found[name] = value
    return found


def _nested(texts: Sequence[str] | None, option: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, value in _pairs(texts, f"--{option.removesuffix('_options')} A.B=VALUE").items():
        owner, dot, field = name.partition(".")
        if not (owner and dot and field):
            raise UsageError(f"`{name}` does not have the form A.B.")
        found.setdefault(owner, {})[field] = value
    return found


Handler = Callable[[argparse.Namespace], int]
