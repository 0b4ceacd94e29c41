"""The commands: what they print, and their exit codes."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.settings import Settings


@pytest.fixture
def options(fake_settings: Callable[..., Settings]) -> list[str]:
    """Command-line options that lead to the fake data."""
    settings = fake_settings()
    return [
        "--suite", "fake", "--profile", "fake", "--corpus", "fake_source", "--device", "cpu",
        "--data-root", str(settings.data_root), "--results", str(settings.results),
        "--cache-dir", str(settings.cache_dir),
    ]  # fmt: skip


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "tasks", "--json"]) == 0
    assert "nih_zero_shot" in [item["name"] for item in json.loads(capsys.readouterr().out)]
    assert main(["list", "baselines", "--json"]) == 0
    found = {item["name"]: item for item in json.loads(capsys.readouterr().out)}
    assert found["mrm"]["capabilities"] == ["image_features", "fine_tune"]
    assert found["mrm"]["without"]
    assert found["g2d"]["encoders"] == {"image": "resnet50", "text": "BERT, 12 layers of 768"}
    assert found["maco"]["encoders"]["image"] == "ViT, 12 layers of 768, patch 16"
    assert all(item["source"] for item in found.values())
    assert "reports" in found["medklip"]["extra_annotation"]
    assert main(["list", "profiles"]) == 0
    assert "toy" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [[], ["lists"], ["list", "models"], ["run", "x"], ["plan", "--x"]])
def test_usage_errors_exit_with_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--baselines", "fake_methd"], "fake_method"),
        (["--tasks", "fake_tusk"], "fake_task"),
        (["--tasks", "fake_task@mian"], "main"),
        (["--set", "fake_method.ratoi=1"], "ratio"),
        (["--set", "fake_method.ratio=half"], "float"),
        (["--set", "ratio"], "form"),
        (["--recipe", "fake_score.batchsize=3"], "batch_size"),
        (["--set", "fake_methd.ratio=1"], "fake_method"),
        (["--recipe", "fake_skore.batch_size=3"], "fake_score"),
        (["--source", "fake_source.flavor=b"], "flavour"),
        (["--source", "fake_sorce.flavour=b"], "fake_source"),
        (["--corpus", "fake_sorce"], "fake_source"),
        (["--profile", "tiy"], "toy"),
        (["--only", "none"], "no cell"),
    ],
)
def test_mistakes_are_one_sentence_with_a_near_name(
    options: list[str], capsys: pytest.CaptureFixture[str], change: list[str], said: str
) -> None:
    code = main(["plan", *options, *change])
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert said in captured.err
    assert "Traceback" not in captured.err


def test_plan_and_dry_run_show_the_same(
    options: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["plan", *options, "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert main(["run-all", *options, "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == planned
    assert planned["counts"] == {"to_run": 4, "waiting": 4, "not_applicable": 2}
    assert not (tmp_path / "results").exists()
    assert main(["plan", *options]) == 0
    assert "10 cells: 4 to_run, 4 waiting, 2 not_applicable" in capsys.readouterr().out


def test_missing_data_exit_with_3(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    missing = [*options, "--data-root", "nowhere"]
    assert main(["plan", *missing]) == 3
    assert "Make it with" in capsys.readouterr().out
    assert main(["run", "fake_task", "--baseline", "fake_method", *missing]) == 3


def test_run_then_failure_then_success(
    options: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    flag = tmp_path / "data" / "flags" / "raise"
    flag.write_text("fake_task")
    command = ["run", "fake_task", "--baseline", "fake_method", "--labels", "10", *options]
    assert main(command) == 1
    assert "ValueError: the fake fails" in capsys.readouterr().out
    flag.unlink()
    assert main([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["counts"] == {"done": 2}
    assert [record["cell"]["kind"] for record in answer["records"]] == ["pretrain", "evaluate"]
    assert main(command) == 0
    assert "fake_task@main/fake_method/10-p0s0h0  score 0." in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    [
        ["run", "fake_task", "--baseline", "fake_method", "--labels", "10"],
        ["run-all", "--tasks", "fake_task", "--baselines", "fake_method", "--labels", "10"],
        ["plan"],
    ],
)
def test_the_profile_and_the_data_are_said_once_before_the_cells(
    options: list[str], capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    # The fake suite has no layout, so the tables of `run-all` end with 2.
    assert main([*command, *options]) == (2 if command[0] == "run-all" else 0)
    said = capsys.readouterr()
    text = said.err if command[0] == "run-all" else said.out
    assert text.startswith("profile fake\ndata fake_source-")
    assert (said.out + said.err).count("profile fake\n") == 1


def test_results_that_cannot_be_written_are_noticed_first(
    options: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    command = ["run", "fake_task", "--baseline", "fake_method", *options]
    assert main([*command, "--results", str(blocked / "results")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert not (tmp_path / "data" / "flags" / "log.txt").exists()


def test_a_log_without_its_package_is_noticed_first(
    options: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = ["run", "fake_task", "--baseline", "fake_method", *options]
    assert main([*command, "--dry-run", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    real = importlib.util.find_spec

    def absent(name: str, package: str | None = None) -> object:
        return None if name == "tensorboard" else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", absent)
    assert main([*command, "--log", "tensorboard"]) == 2
    assert "pip install -e '.[log]'" in capsys.readouterr().err
    assert not (tmp_path / "data" / "flags" / "log.txt").exists()
    # The log is in no key.
    assert main([*command, "--log", "tensorboard", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == planned


def test_phantom_refuses_a_folder_that_is_not_empty(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "something").touch()
    assert main(["phantom", str(tmp_path), "--cases", "4", "--size", "32"]) == 2
    assert "not empty" in capsys.readouterr().err


def test_encode_needs_weights_and_images(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = ["--out", str(tmp_path / "f.npz"), "--results", str(tmp_path / "results")]
    missing = ["encode", "--baseline", "maco", "--images", str(tmp_path / "none"), *out]
    assert main(missing) == 3
    (tmp_path / "a.png").touch()
    command = ["encode", "--baseline", "maco", "--images", str(tmp_path), "--device", "cpu", *out]
    assert main(command) == 3
    assert "No finished pre-training of `maco`" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["run", "rsna_zero_shot", "--baseline", "maco"],
        ["check-baseline", "random_init"],
        ["encode", "--baseline", "maco", "--out", "f.npz", "--images", __file__],
    ],
)
def test_weights_that_are_not_there_are_a_mistake_with_a_remedy(
    command: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*command, "--weights", str(tmp_path / "none.pth")]) == 2
    said = capsys.readouterr().err
    assert "none.pth" in said and "docs/evaluate_your_checkpoint.md" in said
