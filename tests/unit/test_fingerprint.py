"""Content keys: equal for equal content, different for any change that can move a number."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark import fingerprint
from benchmark.catalogue import Catalogue
from benchmark.recipes import FineTuneRecipe
from benchmark.settings import Settings

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.text(max_size=4), PLAIN, max_size=5))
def test_keys_do_not_depend_on_order(content: dict[str, object]) -> None:
    backwards = dict(reversed(list(content.items())))
    assert fingerprint.key_of(content) == fingerprint.key_of(backwards)


@given(PLAIN, PLAIN)
def test_equal_keys_mean_equal_content(one: object, two: object) -> None:
    same = fingerprint.canonical_json(one) == fingerprint.canonical_json(two)
    assert same == (fingerprint.key_of(one) == fingerprint.key_of(two))


def test_specs_have_a_plain_form() -> None:
    recipe = FineTuneRecipe(source="x", steps={"1": 2})
    assert fingerprint.plain(recipe)["steps"] == {"1": 2}
    assert fingerprint.plain(recipe)["crop_scale"] == [0.08, 1.0]
    with pytest.raises(TypeError):
        fingerprint.plain(object())
    with pytest.raises(ValueError, match="JSON"):
        fingerprint.canonical_json(float("nan"))


def key(settings: Settings) -> str:
    return Catalogue(settings).key("fake_source")


def change_label(root: Path) -> None:
    path = root / "labels.csv"
    path.write_text(path.read_text().replace("i0.png,0,0", "i0.png,0,1"))


def grow_image(root: Path) -> None:
    with (root / "images" / "i3.png").open("ab") as stream:
        stream.write(b"x")


def rename_image(root: Path) -> None:
    (root / "images" / "i3.png").rename(root / "images" / "other.png")
    path = root / "labels.csv"
    path.write_text(path.read_text().replace("i3.png", "other.png"))


@pytest.mark.parametrize("change", [change_label, grow_image, rename_image])
def test_changed_data_get_another_key(
    fake_settings: Callable[..., Settings], change: Callable[[Path], None]
) -> None:
    settings = fake_settings()
    before = key(settings)
    assert settings.data_root is not None
    change(settings.data_root / "fake-data")
    assert key(fake_settings_again(settings)) != before


def fake_settings_again(settings: Settings) -> Settings:
    from benchmark.data.task_data import forget_manifests

    forget_manifests()
    fingerprint.forget_data_keys()
    return settings


def test_what_does_not_matter_keeps_the_key(
    fake_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = fake_settings()
    before = key(settings)
    assert settings.data_root is not None
    root = settings.data_root / "fake-data"
    (root / "README.txt").write_text("notes")
    os.utime(root / "labels.csv", (0, 0))
    moved = tmp_path / "elsewhere"
    settings.data_root.rename(moved)
    assert key(fake_settings_again(Settings(data_root=moved))) == before


def test_the_phantom_shows_in_the_id(fake_settings: Callable[..., Settings]) -> None:
    from dataclasses import replace

    manifest = Catalogue(fake_settings()).manifest("fake_source")
    short = fingerprint.data_key(manifest)[:8]
    assert fingerprint.data_id(manifest) == f"fake_source-{short}"
    drawn = replace(manifest, phantom={"phantom_version": 3})
    assert fingerprint.data_id(drawn).startswith("fake_source-phantom-v3-")


def test_lists_enter_the_key(fake_settings: Callable[..., Settings]) -> None:
    from dataclasses import replace

    manifest = Catalogue(fake_settings()).manifest("fake_source")
    before = fingerprint.data_key(manifest)
    fingerprint.forget_data_keys()
    frame = pd.DataFrame({"image": ["i0.png"], "split": ["test"]})
    assert fingerprint.data_key(replace(manifest, lists={"maco_lists": frame})) != before
