"""Our own files of weights belong to the method that made them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.errors import UsageError
from benchmark.own_weights import require_file, require_maker

PATH = Path("weights.pt")


@pytest.mark.parametrize(
    ("maker", "baseline"),
    [("maco", "maco"), ("maco+weighting=v1", "maco"), ("g2d", "g2d+at=25"), ("", "random_init")],
)
def test_its_own_method_and_files_without_a_name_pass(maker, baseline):
    content = {"baseline": maker} if maker else {}
    require_maker(content, baseline, PATH)


@pytest.mark.parametrize("baseline", ["random_init", "maco_v1", "mae_hr_clip"])
def test_another_method_is_refused_by_name(baseline):
    with pytest.raises(UsageError, match=r"weights of `maco`.*--baseline maco"):
        require_maker({"baseline": "maco"}, baseline, PATH)


def test_a_file_that_is_not_there_is_refused_with_a_remedy(tmp_path):
    with pytest.raises(UsageError) as caught:
        require_file(tmp_path / "none.pth")
    for part in (str(tmp_path / "none.pth"), "--weights", "docs/evaluate_your_checkpoint.md"):
        assert part in str(caught.value)
    (tmp_path / "some.pth").touch()
    require_file(tmp_path / "some.pth")
