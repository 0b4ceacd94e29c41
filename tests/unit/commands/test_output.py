"""Which data and which size of work a call says it uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from benchmark.commands.output import data_lines
from benchmark.plan import make_plan
from benchmark.settings import Settings

REAL, DRAWN = "rsna_pneumonia-0a1b2c3d", "nih_cxr14-phantom-v3-0a1b2c3d"


def test_each_data_set_has_one_line_and_a_phantom_says_so(
    fake_settings: Callable[..., Settings],
) -> None:
    plan = make_plan(fake_settings())
    ids = [REAL, DRAWN, "", *[REAL] * len(plan.cells)]
    cells = tuple(
        replace(item, cell=replace(item.cell, data_id=data_id))
        for item, data_id in zip(plan.cells, ids)
    )
    assert data_lines(replace(plan, cells=cells)) == [
        "profile fake",
        f"data {REAL}",
        f"data {DRAWN} (phantom: drawn, not real)",
    ]
