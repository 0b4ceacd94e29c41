"""Names of outside encoders in folders and in tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.outside_names import folder_name, short_name


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("timm:resnet50@/somewhere/me/resnet50.pth", "timm:resnet50@resnet50.pth"),
        ("hf:../models/minilm", "hf:minilm"),
        ("/somewhere/me/mine.py:build", "mine.py:build"),
        ("package.module:build", "package.module:build"),
        ("open_clip:ViT-B-32@~/a b/c.pt", "open_clip:ViT-B-32@c.pt"),
        ("maco+weighting=none", "maco+weighting=none"),
        ("hf:/somewhere/al@work/models/minilm/", "hf:minilm"),
        ("hf:.", "hf:folder"),
        ("timm:resnet50@/somewhere/a:b@c/w.pth", "timm:resnet50@w.pth"),
        (r"timm:resnet50@C:\Users\me\w.pth", "timm:resnet50@w.pth"),
        ("/somewhere/al@work/a:b/mine.py:build", "mine.py:build"),
    ],
)
def test_a_table_shows_no_folders(name, short):
    assert short_name(name) == short


@given(st.lists(st.from_regex(r"[a-z.]{1,8}", fullmatch=True), min_size=1), st.booleans())
def test_whatever_the_folders_are(folders, absolute):
    place = ("/" if absolute else "") + "/".join(folders)
    assert short_name(f"{place}/mine.py:build") == "mine.py:build"
    assert short_name(f"timm:x@{place}/w.pth") == "timm:x@w.pth"


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_folder_is_one_component_and_tells_names_apart(first, second):
    folders = [folder_name(f"{name}:build") for name in (first, second)]
    for folder in folders:
        assert "/" not in folder and "\\" not in folder and not folder.startswith(".")
        assert len(folder) < 80
    assert (folders[0] == folders[1]) == (first == second)
