"""Names of a cell resolved to a recipe: what a user may not replace."""

from __future__ import annotations

import pytest

from benchmark import registry
from benchmark.cells import resolve
from benchmark.errors import UsageError
from benchmark.settings import Settings


@pytest.mark.parametrize("task", ["rsna_zero_shot", "ms_cxr_grounding", "rsna_grounding"])
def test_a_size_that_changes_nothing_is_refused(task):
    protocol = registry.load_task(task).protocol
    settings = Settings(profile="toy", recipes={protocol: {"image_size": 64}})
    variant = next(iter(registry.load_task(task).variants))
    with pytest.raises(UsageError, match="reads a model at its own size"):
        resolve(task, variant, "maco", settings)
    resolve(task, variant, "maco", Settings(profile="toy", recipes={protocol: {"batch_size": 8}}))
