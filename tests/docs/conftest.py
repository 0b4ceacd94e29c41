"""The sandbox that all commands of the documentation share."""

from __future__ import annotations

import pytest

from benchmark.cli import main
from tests.docs.sandbox_run import FEW_BASELINES
from tests.docs.stand_ins import CASES, SIDE, Sandbox

TASKS = "rsna_zero_shot,nih_zero_shot,ms_cxr_grounding,rsna_classification"
"""Of the run that every command finds in `results`."""


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """The phantom in official layouts, and no record."""
    made = Sandbox(tmp_path_factory.mktemp("docs"))
    size = ["--cases", CASES, "--size", SIDE, "--prevalence", "enriched"]
    assert main(["phantom", str(made.data), *size]) == 0
    (made.root / "data" / "mimic-cxr-jpg").symlink_to(made.data / "mimic-cxr-jpg")
    (made.root / "maco-bench.toml").write_text(made.settings())
    return made


@pytest.fixture(scope="session")
def sandbox(drawn: Sandbox) -> Sandbox:
    """The same with one small run in `results`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(drawn.root)
        names = ["--tasks", TASKS, "--baselines", f"{FEW_BASELINES},mae_hr_clip"]
        assert main(["run-all", "--suite", "maco", *names, "--labels", "1,10"]) == 0
    return drawn
