"""What a record may hold. Checked before every write and after every read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from benchmark.errors import BadRecordError
from benchmark.interfaces import Metric
from benchmark.specs import Cell

SCHEMA = 1
_CELL_FIELDS = frozenset(item.name for item in dataclasses.fields(Cell))
_METRIC_FIELDS = frozenset(item.name for item in dataclasses.fields(Metric))


def validate_fields(content: Any, fields: frozenset[str]) -> None:
    """Refuse anything that is not a record: wrong types, unknown fields, NaN.

    Args:
        content: The JSON form.
        fields: Names of the record's own fields.

    Raises:
        BadRecordError: Names the first fault.
    """
    _need(isinstance(content, dict), "it is not an object")
    _need(content.get("schema") == SCHEMA, f"`schema` is not {SCHEMA}")
    _exact_fields("record", content, fields)
    _need(isinstance(content["cell"], dict), "`cell` is not an object")
    _exact_fields("cell", content["cell"], _CELL_FIELDS)
    _validate_cell(content["cell"])
    for name in fields - {"schema", "cell"}:
        _need(isinstance(content[name], dict), f"`{name}` is not an object")
    for name, value in content["versions"].items():
        _need(type(value) is int, f"version of {name} is not an integer")
    for name in ("predictions", "samples"):
        _need(set(content[name]) in ({"file", "checksum"}, set()), f"`{name}` is not an entry")
    for name, metric in content["metrics"].items():
        _need(isinstance(metric, dict), f"metric {name} is not an object")
        _exact_fields(f"metric {name}", metric, _METRIC_FIELDS)
        _validate_metric(name, metric)
    try:
        json.dumps(content, allow_nan=False)
    except (ValueError, TypeError) as error:
        raise BadRecordError(f"The record is refused: {error}.") from error


def _validate_cell(cell: Mapping[str, Any]) -> None:
    texts = ("kind", "task", "variant", "baseline", "profile", "data_id", "weights", "key")
    for name in texts:
        _need(isinstance(cell[name], str) and bool(cell[name]), f"cell.{name} is not a text")
    _need(cell["kind"] in ("pretrain", "evaluate"), "cell.kind is unknown")
    seeds = cell["seeds"]
    _need(
        isinstance(seeds, dict) and set(seeds) == {"pretrain", "subset", "head"},
        "cell.seeds does not name the three axes",
    )
    for name, value in seeds.items():
        _need(value is None or type(value) is int, f"seed {name} is not an integer")
    percent = cell["label_percent"]
    _need(percent is None or _is_number(percent), "cell.label_percent is not a number")


def _validate_metric(name: str, metric: Mapping[str, Any]) -> None:
    value, interval = metric["value"], metric["interval"]
    _need(value is None or _is_number(value), f"metric {name}: value is not a number")
    _need(value is not None or bool(metric["why"]), f"metric {name}: undefined without a reason")
    _need(
        interval is None or (len(interval) == 2 and all(map(_is_number, interval))),
        f"metric {name}: interval is not two numbers",
    )
    for label, score in metric["per_class"].items():
        _need(score is None or _is_number(score), f"metric {name}: {label} is not a number")
    for part in ("best", "chance"):
        _need(metric[part] is None or _is_number(metric[part]), f"metric {name}: {part}")
    _need(type(metric["n"]) is int, f"metric {name}: n is not an integer")


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and value == value and abs(value) != float("inf")


def _exact_fields(what: str, content: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown, missing = sorted(set(content) - known), sorted(known - set(content))
    _need(not unknown, f"{what} holds unknown fields {unknown}")
    _need(not missing, f"{what} lacks {missing}")


def _need(condition: bool, fault: str) -> None:
    if not condition:
        raise BadRecordError(f"The record is refused: {fault}.")
