"""Every task and baseline file keeps the rules of the registry."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from benchmark import registry

BLOCKED = textwrap.dedent(
    """
    import sys

    class Blocker:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] in {"torch", "torchvision", "timm", "transformers", "mmdet"}:
                raise ImportError("blocked: " + name)

    sys.meta_path.insert(0, Blocker())
    from benchmark import registry
    for name in registry.task_names():
        assert registry.load_task(name).name == name
    for name in registry.baseline_names():
        assert registry.load_baseline(name).name == name
    for name in registry.source_names():
        assert registry.source_module(name).SOURCE.name == name
    """
)


def test_every_task_and_baseline_imports_without_torch(checkout: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", BLOCKED], cwd=checkout, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_importing_the_engine_loads_neither_torch_nor_pandas(checkout: Path) -> None:
    code = "import benchmark, sys; assert not {'torch', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=checkout, check=True)


@pytest.mark.parametrize("name", registry.task_names())
def test_task_spec_is_plain_data_and_sources_are_named(name: str) -> None:
    task = registry.load_task(name)
    json.dumps(dataclasses.asdict(task))
    assert task.variants, "a task offers at least one variant"
    for variant, recipe in task.variants.items():
        assert recipe.source, f"{name}@{variant} names the source of its values"
    if task.dataset:
        assert task.dataset in registry.source_names()


@pytest.mark.parametrize("name", registry.baseline_names())
def test_baseline_spec_is_plain_data(name: str) -> None:
    spec = registry.load_baseline(name)
    json.dumps(dataclasses.asdict(spec))
    assert spec.source
    module = registry.baseline_module(name)
    if spec.kind == "sentinel":
        assert callable(module.predict)
        assert spec.protocols
    else:
        assert callable(module.build)
        assert {"toy", "demo", "paper"} <= set(spec.sizes)
        assert spec.pretraining is not None
