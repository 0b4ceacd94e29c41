"""`check-baseline` finds nothing to blame in any method of the checkout, nor in the template."""

from __future__ import annotations

import pytest

from benchmark import registry
from benchmark.cli import main

METHODS = [
    name for name in registry.baseline_names() if registry.load_baseline(name).kind == "method"
]


@pytest.mark.full
@pytest.mark.parametrize("name", METHODS)
def test_no_check_fails(name, capsys):
    assert main(["check-baseline", name]) == 0, capsys.readouterr().out


def test_the_template_of_the_docs_passes_and_can_run_every_task(checkout, capsys):
    path = checkout / "docs" / "templates" / "own_encoder.py"
    assert main(["check-baseline", f"{path}:build"]) == 0
    out = capsys.readouterr().out
    assert "failed, 2 skipped" in out
    assert "not without" not in out
