"""The sandbox that all commands of the documentation share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmark.cli import main
from tests.docs.sandbox_run import FEW_BASELINES
from tests.docs.stand_ins import CASES, SIDE, Sandbox

TASKS = "rsna_zero_shot,nih_zero_shot,ms_cxr_grounding,rsna_classification"
"""Of the run that every command finds in `results`."""


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The phantom in official layouts, and one small run in `results`."""
    made = Sandbox(tmp_path_factory.mktemp("docs"))
    drawn = ["--cases", CASES, "--size", SIDE, "--prevalence", "enriched"]
    assert main(["phantom", str(made.data), *drawn]) == 0
    (made.root / "data" / "mimic-cxr-jpg").symlink_to(made.data / "mimic-cxr-jpg")
    (made.root / "maco-bench.toml").write_text(made.settings())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.root)
        names = ["--tasks", TASKS, "--baselines", f"{FEW_BASELINES},mae_hr_clip"]
        assert main(["run-all", "--suite", "maco", *names, "--labels", "1,10"]) == 0
        yield made
