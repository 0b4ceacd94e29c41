"""docs/statistics.md: its numbers are those of the code."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.stats import norm

from benchmark import registry
from benchmark.metrics import few_cases
from benchmark.reporting.comparison import REPLICATES
from benchmark.reporting.join import read_join
from benchmark.reporting.remarks import ABLATION_SEEDS
from benchmark.statistics import bootstrap, chance, difference, multiplicity
from benchmark.statistics.delong import delong_interval

PAGE = (registry.CHECKOUT / "docs" / "statistics.md").read_text(encoding="utf-8")
JOIN = registry.CHECKOUT / "leaderboards" / "published" / "join.toml"
FLAT = " ".join(PAGE.split())


def rows_below(header: str) -> list[list[str]]:
    """Cells of the table whose header line begins so."""
    block = PAGE[PAGE.index(header) :].split("\n\n")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()[2:]
    ]


def half_width(positives: int, negatives: int, auc: float) -> float:
    """Of DeLong's interval, in points, for normal scores at their quantiles."""
    ups, downs = (norm.ppf((np.arange(count) + 0.5) / count) for count in (positives, negatives))
    shift = np.sqrt(2) * norm.ppf(auc)
    truth = np.repeat([1.0, 0.0], [positives, negatives])
    found = delong_interval(truth, np.concatenate([ups + shift, downs]), np.arange(len(truth)))
    assert found.bounds is not None
    return 50 * (found.bounds[1] - found.bounds[0])


@pytest.mark.parametrize("row", rows_below("| test set |"), ids=lambda row: row[0])
def test_half_widths(row: list[str]) -> None:
    positives, negatives = (int(cell.replace(",", "")) for cell in row[1:3])
    for auc, text in zip((0.70, 0.80, 0.85, 0.90, 0.95), row[3:], strict=True):
        assert f"{half_width(positives, negatives, auc):.1f}" == text


def test_margins_are_those_of_the_join_file() -> None:
    margins = read_join(JOIN).margins
    told = {name: float(text) for name, text in rows_below("| metric of the papers |")}
    assert told == dict(margins)


def test_constants() -> None:
    assert bootstrap.LEVEL == 0.95 and bootstrap.SMALLEST_DEFINED_SHARE == 0.5
    assert few_cases.FEWEST_FOR_PERCENTILES == difference.FEWEST_FOR_VERDICT == 30
    assert FLAT.count("fewer than 30 patients") == 3
    assert bootstrap.FEWEST_FOR_INTERVAL == 10 and "With fewer than 10 patients on a side" in FLAT
    replicates = {
        name: registry.load_profile(name).bootstrap_replicates for name in ("demo", "paper", "toy")
    }
    assert replicates == {"demo": 1000, "paper": 1000, "toy": 200}
    assert "draw 1,000 resamples, `toy` 200; comparisons draw 2,000" in FLAT
    assert REPLICATES == 2000
    assert difference.DETECTABLE_STANDARD_ERRORS == 1.96
    assert f"the difference / {difference.SETTLING_STANDARD_ERRORS:.2f}." in FLAT
    share = difference.SETTLING_STANDARD_ERRORS / difference.DETECTABLE_STANDARD_ERRORS
    assert f"takes {share:.2f} times as much" in FLAT
    assert multiplicity.FAMILY_LEVEL == 0.05 and "corrected p is 5 % or more" in FLAT
    assert chance.FAMILY_LEVEL == 0.001 and chance.SMALLEST_LIMIT == 4 and chance.EXACT == 1e-9
    assert f"at least {ABLATION_SEEDS} pre-training seeds a row" in FLAT


def test_modules_in_the_page_exist() -> None:
    package = registry.CHECKOUT / "benchmark"
    for name in re.findall(r"`((?:[\w/]+/)?\w+\.py)`", PAGE):
        path = registry.CHECKOUT / name if "/" in name else package / "statistics" / name
        assert path.is_file(), name
