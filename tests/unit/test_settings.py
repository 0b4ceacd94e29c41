"""Settings: command line over file over defaults, typed and with helpful errors."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import UsageError
from benchmark.settings import Settings, make_settings, replaced_options, typed


def write(folder: Path, text: str) -> Path:
    path = folder / "maco-bench.toml"
    path.write_text(text)
    return path


def test_defaults_draw_the_phantom() -> None:
    assert Settings().uses_phantom
    assert not Settings(data_root=Path("x")).uses_phantom
    assert not Settings(data_roots={"nih_cxr14": Path("x")}).uses_phantom


def test_the_command_line_wins_and_tables_merge(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        profile = "paper"
        jobs = 4
        log = "tensorboard"
        results = "out"
        pretrain_seeds = [0, 1]
        [data_roots]
        nih_cxr14 = "nih"
        ms_cxr = "/abs/ms"
        [options.maco]
        weighting = "official"
        mask_ratio = 0.5
        """,
    )
    settings = make_settings(
        {
            "profile": "toy",
            "suite": None,
            "data_roots": {"nih_cxr14": "other"},
            "options": {"maco": {"mask_ratio": "0.75"}},
        },
        path,
    )
    assert (settings.profile, settings.jobs, settings.suite) == ("toy", 4, "maco")
    assert settings.log == "tensorboard"
    assert make_settings({"log": "none"}, path).log == Settings().log == "none"
    assert settings.results == tmp_path / "out"
    assert settings.data_roots == {"nih_cxr14": Path("other"), "ms_cxr": Path("/abs/ms")}
    assert settings.options == {"maco": {"weighting": "official", "mask_ratio": "0.75"}}
    assert settings.pretrain_seeds == (0, 1)
    assert pickle.loads(pickle.dumps(settings)) == settings


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("profil = 'toy'", "profile"),
        ("jobs = 'two'", "must be a int"),
        ("jobs = 0", "at least 1"),
        ("executor = 'slurm'", "executor"),
        ("jobs = ", "not valid TOML"),
        ("refresh = 1", "must be a bool"),
        ("log = 'tensorbord'", "`tensorboard`"),
    ],
)
def test_mistakes_in_the_file(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        make_settings({}, write(tmp_path, text))


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        make_settings({}, tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("value", "default", "expected"),
    [
        ("0.25", 0.5, 0.25),
        ("1", 0.5, 1.0),
        ("3", 1, 3),
        ("true", False, True),
        ("official", "paper", "official"),
        ("12", "paper", "12"),
        ("[0.9, 0.99]", (0.9, 0.95), (0.9, 0.99)),
        ([0.9, 0.99], (0.9, 0.95), (0.9, 0.99)),
        ("null", None, None),
        ("3", None, 3),
        ("word", None, "word"),
        ({"1": 5}, {"1": 2, "10": 3}, {"1": 5}),
    ],
)
def test_values_take_the_type_of_the_default(
    value: object, default: object, expected: object
) -> None:
    found = typed("x", value, default)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "default"),
    [("half", 0.5), ("1.5", 1), ("yes", False), ("1", False), (1, "paper"), ("true", 1)],
)
def test_values_of_another_type_are_refused(value: object, default: object) -> None:
    with pytest.raises(UsageError, match="must be a"):
        typed("x", value, default)


@given(st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_survive_the_command_line(value: object) -> None:
    import json

    assert typed("x", json.dumps(value), value) == value


def test_unknown_options_get_near_names() -> None:
    settings = Settings(options={"maco": {"weightin": "official"}})
    with pytest.raises(UsageError, match="`weighting`"):
        replaced_options("maco", {"weighting": "paper"}, settings)
