"""Sin-cos tables against a loop, and their interpolation."""

import math

import pytest
import torch

from baselines.encoders.positions import positions_for, sincos_table
from benchmark.errors import UsageError


@pytest.mark.parametrize("formula", ["odd", "mae"])
def test_entries_equal_the_formula(formula):
    width, rows, columns = 8, 2, 3
    table = sincos_table(width, (rows, columns), formula)
    assert table.shape == (1, 7, 8)
    assert (table[0, 0] == 0).all()
    half = width // 2
    for row in range(rows):
        for column in range(columns):
            expected = []
            for coordinate in (column, row):
                powers = [i / (half / 2) if formula == "mae" else i / half / 2 for i in range(2)]
                angles = [coordinate / 10000**power for power in powers]
                expected += [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
            entry = table[0, 1 + row * columns + column].tolist()
            assert entry == pytest.approx(expected, abs=1e-6)


def test_other_grids_keep_the_cls_row_and_the_layout():
    table = sincos_table(16, (4, 4), "mae")
    assert positions_for(table, (4, 4), (4, 4)) is table
    larger = positions_for(table, (4, 4), (8, 6))
    assert larger.shape == (1, 49, 16)
    assert torch.equal(larger[:, :1], table[:, :1])
    cells = larger[0, 1:].reshape(8, 6, 16)
    # The first half of the channels encodes the column, so it hardly moves along a column.
    assert cells[:, :, :8].std(dim=0).max() < 0.1 < cells[:, :, :8].std(dim=1).max()


def test_width_must_be_a_multiple_of_four():
    with pytest.raises(UsageError, match="4 divides"):
        sincos_table(6, (2, 2), "mae")
