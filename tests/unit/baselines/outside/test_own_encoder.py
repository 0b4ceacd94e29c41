"""An encoder that a function of the user's returns."""

from __future__ import annotations

import textwrap

import pytest
import torch

from baselines.outside import find
from benchmark.errors import MissingDataError, NotApplicable, UsageError
from benchmark.interfaces import BuildContext
from benchmark.registry import load_baseline
from benchmark.specs import Cell, Seeds

ANY = BuildContext(size={}, options={}, image_size=0)
HEAD = """
import torch
from torch import nn

class Encoder(nn.Module):
    preprocessing = {"image_size": 16, "mean": [0.5], "std": [0.25]}

    def __init__(self):
        super().__init__()
        self.image = nn.Conv2d(1, 6, 4, stride=4)
        self.text = nn.EmbeddingBag(256, 6)
"""
MEMBERS = {
    "pooled_features": "def pooled_features(self, images): return self.image(images).mean((2, 3))",
    "image_embedding": "def image_embedding(self, images): return self.image(images).amax((2, 3))",
    "text_embedding": (
        "def text_embedding(self, texts):"
        " return torch.cat([self.text(torch.tensor([[0, *t.encode()]])) for t in texts])"
    ),
    "patch_embedding": "def patch_embedding(self, images): return self.image(images)",
    "patch_features": "def patch_features(self, images): return 2 * self.image(images)",
    "feature_maps": "def feature_maps(self, images, taps): return [self.image(images)] * 4",
}
FUNCTION = "def build():\n    return Encoder()\n"


@pytest.fixture(autouse=True)
def nothing_remembered():
    find.cache_clear()


@pytest.fixture
def write(tmp_path):
    """Writes a module under a name of its own and gives the encoder's name."""
    written = []

    def make(*members, more="", function=FUNCTION, head=HEAD):
        path = tmp_path / f"mine_{len(written)}.py"
        lines = [textwrap.indent(MEMBERS[name], "    ") for name in members]
        text = "\n".join([head, *lines, textwrap.indent(more, "    "), "", function])
        path.write_text(text, encoding="utf-8")
        written.append(path)
        return f"{path}:build"

    return make


ALL = ("pooled_features", "image_embedding", "text_embedding", "patch_embedding")
PROBE = ("image_features", "fine_tune")


@pytest.mark.parametrize(
    ("members", "can"),
    [
        (("pooled_features",), PROBE),
        (("text_embedding",), ("text_features",)),
        (("image_embedding", "text_embedding"), ("text_features", "zero_shot")),
        (("patch_embedding", "text_embedding"), ("text_features", "grounding")),
        (("pooled_features", "text_embedding"), (*PROBE, "text_features")),
        (ALL, (*PROBE, "text_features", "zero_shot", "grounding")),
    ],
)
def test_members_decide_what_it_can_do(members, can, write):
    spec = find(write(*members)).BASELINE
    assert spec.capabilities == can
    lacking = set(ALL) - set(members)
    said = spec.no_capability_reason
    assert all(name in said for name in lacking)
    assert not any(name in said for name in members)


@torch.no_grad()
def test_features_are_the_encoders_on_prepared_pixels(write):
    model = find(write(*ALL, "patch_features", more="temperature = 7.0")).build(ANY)
    images = torch.rand(2, 1, 16, 16)
    prepared = (images - 0.5) / 0.25
    encoder = model.encoder
    assert torch.equal(model.pooled_features(images), encoder.pooled_features(prepared))
    assert torch.equal(model.image_embedding(images), encoder.image_embedding(prepared))
    assert torch.equal(model.text_embedding(["a", "b"]), encoder.text_embedding(["a", "b"]))
    rows = encoder.image(prepared).flatten(2).transpose(1, 2)
    assert torch.equal(model.patch_features(images, projected=True), rows)
    assert torch.equal(model.patch_features(images, projected=False), 2 * rows)
    assert model.grid == (4, 4)
    assert model.feature_dim == 6
    assert model.temperature() == 7.0
    assert model.loaded_from["preprocessing"]["channels"] == 1


def test_temperature_may_be_a_function_or_absent(write):
    assert find(write(*ALL)).build(ANY).temperature() == 1.0
    more = "def temperature(self): return torch.tensor(3.5)"
    assert find(write(*ALL, more=more)).build(ANY).temperature() == 3.5


def test_two_builds_are_equal_and_the_global_generator_stays(write):
    name = write(*ALL)
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    first, second = (find(name).build(ANY).state_dict() for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_the_checksum_follows_weights_preprocessing_and_text(write):
    weights = FUNCTION.replace(
        "return Encoder()",
        "e = Encoder(); e.image.bias.data += float(__import__('os').environ.get('SHIFT', 0))\n"
        "    return e",
    )
    name = write(*ALL, function=weights)
    sums = {find(name).checksum()}
    find.cache_clear()
    assert {find(name).checksum()} == sums
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHIFT", "0.5")
        find.cache_clear()
        sums.add(find(name).checksum())
    sums.add(find(write(*ALL, head=HEAD.replace("0.25", "0.3"), function=weights)).checksum())
    sums.add(find(write(*ALL, function=weights + "# a remark\n")).checksum())
    assert len(sums) == 4


def test_training_a_copy_leaves_the_encoder_alone(write):
    more = "def without_texts(self): self.text = None"
    model = find(write(*ALL, more=more)).build(ANY)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    trunk = model.classification_trunk(0.0)
    assert not any(name.startswith("encoder.text") for name, _ in trunk.named_parameters())
    trunk(torch.rand(2, 1, 16, 16)).sum().backward()
    torch.optim.SGD(trunk.parameters(), lr=1.0).step()
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert model.text_embedding(["x"]).shape == (1, 6)


def test_dense_tasks_need_maps(write):
    with pytest.raises(NotApplicable, match="feature_maps"):
        find(write(*ALL)).build(ANY).dense_trunk((3, 5, 7, 11))
    trunk = find(write(*ALL, "feature_maps")).build(ANY).dense_trunk((3, 5, 7, 11))
    assert (trunk.channels, trunk.strides, trunk.layers) == ((6,) * 4, (4,) * 4, 1)
    assert trunk.layer_of("encoder.image.weight") == 0
    three = "def feature_maps(self, images, taps): return [self.image(images)] * 3"
    with pytest.raises(UsageError, match="gave 3 maps"):
        find(write(*ALL, more=three)).build(ANY).dense_trunk((3, 5, 7, 11))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("def pooled_features(self, images): return self.image(images)", "`pooled_features` gave"),
        ("def patch_embedding(self, x): return self.image(x)[0]", "`patch_embedding` gave"),
    ],
)
def test_features_of_another_shape_are_named(more, said, write):
    with pytest.raises(UsageError, match=said):
        find(write(*ALL, more=more)).build(ANY)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"function": "build = 3\n"}, "no function `build`"),
        ({"function": "def other(): pass\n"}, "no function `build`"),
        ({"function": "def build(): return 'x'\n"}, "returned a str, not a torch.nn.Module"),
        ({"head": HEAD.replace("preprocessing =", "other =")}, "has no `preprocessing`"),
    ],
)
def test_what_the_function_must_return_is_said(arguments, said, write):
    with pytest.raises(UsageError) as caught:
        find(write(*ALL, **arguments))
    assert said in str(caught.value)


def test_an_encoder_without_a_known_member_is_refused(write):
    with pytest.raises(UsageError, match=r"docs/outside_encoders\.md"):
        find(write())


def test_a_field_of_the_preprocessing_that_is_not_known_is_named(write):
    name = write(*ALL, head=HEAD.replace('"std"', '"size": 3, "std"'))
    with pytest.raises(UsageError, match="called `size`"):
        find(name).build(ANY)


def test_an_error_of_the_users_code_is_shown_as_it_is(write):
    with pytest.raises(ZeroDivisionError):
        find(write(*ALL, function="def build(): return 1 / 0\n"))
    with pytest.raises(ModuleNotFoundError, match="nosuchpackage"):
        find(write(*ALL, head="import nosuchpackage\n" + HEAD))


def test_a_module_is_found_by_name_in_the_current_folder(write, tmp_path, monkeypatch):
    by_file = find(write(*ALL))
    monkeypatch.chdir(tmp_path)
    by_name = find("mine_0:build")
    assert by_name.checksum() == by_file.checksum()
    with pytest.raises(MissingDataError, match="no module `nosuchmodule`") as caught:
        find("nosuchmodule:build")
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(MissingDataError, match=r"no file `none\.py`"):
        find("none.py:build")
    with pytest.raises(UsageError, match="not of the form"):
        find("mine_0:")


def test_it_takes_a_baselines_place_in_a_cell(write):
    name = write(*ALL)
    spec = load_baseline(name)
    assert spec.outside and spec.base == name and not spec.needs_weights
    cell = Cell("evaluate", "t", "v", name, "toy", "d", "file:0", Seeds(), key="0123456789")
    assert cell.folder.count("/") == 4
