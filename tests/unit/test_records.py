"""Records: strict on both ways, atomic, equal bytes for equal content."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark import records
from benchmark.arrays import array_bytes, read_array_file
from benchmark.errors import BadRecordError
from benchmark.interfaces import Metric
from benchmark.specs import Cell, Seeds


def cell(**changes: object) -> Cell:
    values = {
        "kind": "evaluate",
        "task": "t",
        "variant": "v",
        "baseline": "b",
        "profile": "toy",
        "data_id": "d-1",
        "weights": "trained",
        "seeds": Seeds(pretrain=0),
        "key": "k" * 64,
    }
    return Cell(**{**values, **changes})  # type: ignore[arg-type]


METRIC = Metric(
    0.5,
    interval=(0.4, 0.6),
    per_class={"a": None},
    n=3,
    interval_per_class={"a": None, "b": (0.1, 0.2)},
)


def record(**changes: object) -> records.Record:
    base = records.Record(
        cell=cell(),
        versions={"task": 1},
        recipe={"kind": "Recipe"},
        data={"id": "d-1"},
        weights={"source": "trained"},
        options={"ratio": 0.5},
        metrics={"auc": METRIC},
    )
    return replace(base, **changes)  # type: ignore[arg-type]


ARRAYS = {"scores": np.arange(6.0).reshape(3, 2), "ids": np.array(["a", "b", "c"])}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    stored = records.write_record(tmp_path, record(), ARRAYS, {"patients": ARRAYS["ids"]})
    assert records.read_record(tmp_path) == stored
    arrays = records.read_arrays(tmp_path, stored.predictions)
    np.testing.assert_array_equal(arrays["scores"], ARRAYS["scores"])
    assert records.all_records(tmp_path) == [(tmp_path, stored)]


def test_a_changed_array_file_is_noticed(tmp_path: Path) -> None:
    stored = records.write_record(tmp_path, record(), ARRAYS)
    (tmp_path / "predictions.npz").write_bytes(array_bytes({"scores": np.zeros(3)}))
    with pytest.raises(BadRecordError, match="changed"):
        records.read_arrays(tmp_path, stored.predictions)


@pytest.mark.parametrize(
    "metric",
    [
        Metric(float("nan")),
        Metric(float("inf")),
        Metric(None),
        Metric(0.5, per_class={"a": float("nan")}),
        Metric(0.5, interval=(0.1, float("nan"))),
    ],
)
def test_numbers_that_are_none_are_refused(tmp_path: Path, metric: Metric) -> None:
    with pytest.raises(BadRecordError):
        records.write_record(tmp_path, record(metrics={"auc": metric}), ARRAYS)
    assert not (tmp_path / "record.json").exists()


def test_nan_deep_inside_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecordError):
        records.write_record(tmp_path, record(facts={"loss": [1.0, float("nan")]}), ARRAYS)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.update(extra=1),
        lambda content: content.pop("weights"),
        lambda content: content["cell"].pop("key"),
        lambda content: content["cell"].update(kind="other"),
        lambda content: content["cell"]["seeds"].update(pretrain="0"),
        lambda content: content["metrics"]["auc"].update(extra=1),
        lambda content: content["metrics"]["auc"].update(value="0.5"),
        lambda content: content.update(schema=99),
        lambda content: content["versions"].update(task=None),
    ],
)
def test_a_malformed_record_is_set_aside(tmp_path: Path, spoil: object) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    records.write_record(good, record(), ARRAYS)
    records.write_record(bad, record(), ARRAYS)
    content = json.loads((bad / "record.json").read_text())
    spoil(content)  # type: ignore[operator]
    (bad / "record.json").write_text(json.dumps(content))
    with pytest.raises(BadRecordError):
        records.read_record(bad)
    # Who only reads passes it over and changes nothing; a run sets it aside.
    assert len(records.all_records(tmp_path)) == 1
    assert (bad / "record.json").exists()
    assert records.read_or_quarantine(bad) is None
    assert (bad / "record.json.bad").exists() and not (bad / "record.json").exists()


def test_without_its_arrays_a_record_is_read_by_tables_and_run_again(tmp_path: Path) -> None:
    stored = records.write_record(tmp_path, record(), ARRAYS)
    (tmp_path / "predictions.npz").unlink()
    ((folder, found),) = records.all_records(tmp_path)
    assert folder == tmp_path
    assert found == dataclasses.replace(stored, predictions={})
    assert records.read_or_quarantine(tmp_path) is None


def test_a_record_clears_the_failure(tmp_path: Path) -> None:
    (tmp_path / "failed.json").write_text("{}")
    records.write_record(tmp_path, record(), ARRAYS)
    assert not (tmp_path / "failed.json").exists()


def test_nothing_is_committed_when_the_last_rename_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.replace

    def crash(self: Path, target: Path) -> Path:
        if Path(target).name == "record.json":
            raise OSError("the disk is gone")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(OSError, match="gone"):
        records.write_record(tmp_path, record(), ARRAYS)
    assert not (tmp_path / "record.json").exists()
    assert [path for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


@given(
    st.dictionaries(
        st.text("abc", min_size=1, max_size=4),
        st.lists(st.floats(allow_nan=True, width=32), max_size=5),
        min_size=1,
    )
)
def test_equal_arrays_give_equal_bytes(values: dict[str, list[float]]) -> None:
    arrays = {name: np.array(item, dtype=np.float32) for name, item in values.items()}
    backwards = dict(reversed(list(arrays.items())))
    assert array_bytes(arrays) == array_bytes(backwards)


def test_arrays_keep_shape_and_type(tmp_path: Path) -> None:
    arrays = {"none": np.zeros((0, 4)), "scalar": np.array(3), "text": np.array(["é", "bb"])}
    (tmp_path / "a.npz").write_bytes(array_bytes(arrays))
    back = read_array_file(tmp_path / "a.npz")
    for name, value in arrays.items():
        assert back[name].shape == value.shape and back[name].dtype == value.dtype


def test_arrays_of_objects_are_refused() -> None:
    with pytest.raises(BadRecordError, match="objects"):
        array_bytes({"a": np.array(["a", None], dtype=object)})


WRITER = """
import sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[2])
from test_records import ARRAYS, record
from benchmark import records
big = {**ARRAYS, "noise": np.random.default_rng(0).random((400, 400))}
print("ready", flush=True)
for turn in range(10_000):
    records.write_record(Path(sys.argv[1]), record(facts={"turn": turn % 2}), big)
"""


def test_a_kill_at_any_moment_leaves_a_whole_record(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for _ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(Path(__file__).parent)],
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        while not (tmp_path / "record.json").exists():
            time.sleep(0.01)
        time.sleep(float(generator.uniform(0.0, 0.15)))
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        stored = records.read_record(tmp_path)
        assert records.read_arrays(tmp_path, stored.predictions)["noise"].shape == (400, 400)
