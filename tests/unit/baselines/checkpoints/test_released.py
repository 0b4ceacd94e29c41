"""Released weights: companions, renames, what is dropped, and what a wrong file is told."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from baselines.checkpoints import recognition
from baselines.checkpoints.form import Companion, Fields, Form
from baselines.checkpoints.loading import load_checkpoint
from baselines.checkpoints.released import load_content, rename
from benchmark.errors import BadDataError, MissingDataError

TEXTS = Companion(("folder/texts.bin", "texts.bin"), "its text tower", "a page (MIT)", "texts/")
FORM = Form(
    title="Linear",
    baselines=("line",),
    source="a page",
    marks=(r"^net\.layer\.weight$",),
    absent=(r"^head\.",),
    companions=(TEXTS,),
    dropped=(r"^old\.",),
    renames=((r"^net\.layer\.", "first."), (r"^texts/(\w+)", r"second.\1")),
    initial=(r"^third\.",),
    fields=lambda shape: Fields({"width": shape["first.weight"][1]}, 8, {"mode": "file"}),
)


class Two(nn.Module):
    def __init__(self, context):
        super().__init__()
        self.context = context
        width = context.size["width"]
        self.first, self.second, self.third = (nn.Linear(width, 2) for _ in range(3))


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setattr(recognition, "all_forms", lambda: (FORM, OTHER))


OTHER = Form("Other", ("other",), "there", (r"^other\.",), fields=lambda shape: Fields({}, 1))


def written(folder, **extra):
    state = {"net.layer.weight": torch.ones(2, 3), "net.layer.bias": torch.zeros(2)}
    state |= {"old.thing": torch.ones(1), "stray": torch.ones(1), **extra}
    torch.save({"state_dict": {f"module.{name}": value for name, value in state.items()}},
               folder / "w.pth")  # fmt: skip
    return folder / "w.pth"


def companion(folder):
    state = {"weight": torch.full((2, 3), 5.0), "bias": torch.full((2,), 6.0)}
    folder.mkdir(exist_ok=True)
    torch.save(state, folder / "texts.bin")


def load(path, hints=None):
    options = {"mode": "user", "kept": 1}
    return load_content("line", Two, load_checkpoint(path), path, options, None, hints)


@pytest.mark.parametrize("place", ["", "folder"])
def test_tensors_of_file_and_companion_land(tmp_path, known, place):
    companion(tmp_path / place)
    found = load(written(tmp_path))
    assert found.model.first.weight.eq(1).all()
    assert found.model.second.weight.eq(5).all() and found.model.second.bias.eq(6).all()
    assert found.unused == ("old.thing", "stray")
    assert found.model.context.options == {"mode": "file", "kept": 1}
    assert found.model.loaded_from == {
        "form": "Linear",
        "tensors": 6,
        "unused": ["old.thing", "stray"],
    }
    assert not found.model.training


def test_an_absent_companion_is_named_with_all_its_places(tmp_path, known):
    with pytest.raises(MissingDataError) as caught:
        load(written(tmp_path))
    for part in ("its text tower", "folder/texts.bin", "a page (MIT)", str(tmp_path)):
        assert part in str(caught.value)


def test_a_wrong_file_is_told_what_it_looks_like(tmp_path, known):
    torch.save({"other.weight": torch.ones(1)}, tmp_path / "w.pth")
    with pytest.raises(BadDataError, match=r"like Other.*--baseline other.*Linear \(a page\)\.$"):
        load(tmp_path / "w.pth")
    torch.save({"unknown": torch.ones(1)}, tmp_path / "w.pth")
    with pytest.raises(
        BadDataError, match=r"1 tensors \(unknown \.\.\.\) are of no known form"
    ) as caught:
        load(tmp_path / "w.pth")
    for part in ("timm:NAME@FILE", "FILE.py:FUNCTION", "docs/outside_encoders.md"):
        assert part in caught.value.remedy
    torch.save({"epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(BadDataError, match=r"no tensors by name \(its entries: epoch\)"):
        load(tmp_path / "w.pth")
    path = written(tmp_path, **{"head.weight": torch.ones(1)})
    with pytest.raises(BadDataError, match="of no known form"):
        load(path)


def test_sections_are_joined_and_all_needed():
    form = Form("S", ("s",), "", (r"^one/a$", r"^two/b$"), lambda shape: Fields({}, 1),
                sections=("one", "two"))  # fmt: skip
    content = {"one": {"module.a": torch.ones(1)}, "two": {"b": torch.ones(1)}}
    assert set(recognition.section_tensors(content, form)) == {"one/a", "two/b"}
    assert recognition.has_form(content, form)
    assert not recognition.has_form({"one": content["one"], "two": {}}, form)


def test_two_tensors_may_not_claim_one_place():
    form = SimpleNamespace(renames=((r"^b$", "a"),))
    with pytest.raises(BadDataError, match="stand for `a`"):
        rename({"a": torch.ones(1), "b": torch.ones(1)}, form)


def test_the_clinical_vocabulary_is_read_in_lower_case(tmp_path):
    from tokenizers import Tokenizer

    from baselines.checkpoints.formats.gloria import clinical_tokenizer

    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "The", "the", "lung"]))
    tokens = Tokenizer.from_str(clinical_tokenizer(path)).encode("The Lung").tokens
    assert tokens == ["[CLS]", "the", "lung", "[SEP]"]
