"""Each conformance check on an encoder that breaks just what it checks, and on a sound one."""

from __future__ import annotations

import json
import textwrap

import pytest
import torch
from torch import nn

from benchmark.checks.subject import Subject
from benchmark.checks.suite import CHECKS, run_checks
from benchmark.cli import main
from benchmark.specs import BaselineSpec, ImageProfile

baseline = pytest.importorskip("baselines.outside.representation")
preprocessing = pytest.importorskip("baselines.outside.preprocessing")

SIDE = 32


class Sound(nn.Module):
    """Small towers without a fault."""

    def __init__(self) -> None:
        super().__init__()
        self.image = nn.Sequential(nn.Conv2d(1, 16, 8, stride=8), nn.GELU())
        self.text = nn.EmbeddingBag(256, 16)
        self.layers = 2

    def patch_embedding(self, images):
        return self.image(images)

    patch_features = patch_embedding

    def pooled_features(self, images):
        return self.image(images).mean(dim=(2, 3))

    def image_embedding(self, images):
        return self.pooled_features(images)

    def text_embedding(self, texts):
        return torch.cat([self.text(torch.tensor([[0, *text.encode()]])) for text in texts])

    def feature_maps(self, images, taps):
        last = self.image(images)
        return [last, last, last, last]

    def layer_of(self, parameter):
        return 1


class Drawn(Sound):
    """Weights from the global generator, which the subject below does not seed."""


class NotANumber(Sound):
    def pooled_features(self, images):
        return super().pooled_features(images) / (images.amax(dim=(1, 2, 3))[:, None] > -1.9)


class Blind(Sound):
    def pooled_features(self, images):
        return super().pooled_features(images * 0)


class Dropping(Sound):
    def pooled_features(self, images):
        return nn.functional.dropout(super().pooled_features(images), 0.5)


class Sociable(Sound):
    def pooled_features(self, images):
        found = super().pooled_features(images)
        return found - found.mean(dim=0)


class Transposed(Sound):
    def patch_embedding(self, images):
        return self.image(images).transpose(2, 3)


class WrongWidth(Sound):
    def text_embedding(self, texts):
        return super().text_embedding(texts)[:, :8]


class Deaf(Sound):
    def text_embedding(self, texts):
        return super().text_embedding(["same"] * len(texts))


class Padding(Sound):
    def text_embedding(self, texts):
        longest = max(len(text.encode()) for text in texts)
        return super().text_embedding([text.ljust(longest) for text in texts])


class ShortSighted(Sound):
    def text_embedding(self, texts):
        if any(len(text) > 1000 for text in texts):
            raise IndexError("index out of range")
        return super().text_embedding(texts)


class Cold(Sound):
    temperature = -1.0


class NoGradient(Sound):
    @torch.no_grad()
    def pooled_features(self, images):
        return super().pooled_features(images)


class Shared(Sound):
    """Its copies keep the same parameters, so training a copy trains the model."""

    def __deepcopy__(self, memo):
        return self


class OddMaps(Sound):
    def feature_maps(self, images, taps):
        last = self.image(images)
        # Right at the first size, wrong at any other.
        return [last if images.shape[-1] == SIDE else last[..., :-1]] * 4


class Uncounted(Sound):
    def layer_of(self, parameter):
        return 2


class Unsaved(Sound):
    """What it computes depends on a number that no state dict holds."""

    made = 0

    def __init__(self):
        super().__init__()
        Unsaved.made += 1
        self.factor = float(Unsaved.made)

    def patch_embedding(self, images):
        return super().patch_embedding(images) * self.factor

    patch_features = patch_embedding


class ThreeDimensions(Sound):
    def image_embedding(self, images):
        return self.pooled_features(images)[:, :, None]


def subject_of(kind: type[nn.Module], seeded: bool = True) -> Subject:
    spec = BaselineSpec(
        name="x",
        version=1,
        title="x",
        kind="method",
        source="a test",
        capabilities=("image_features", "fine_tune", "zero_shot", "grounding", "text_features"),
        image_profile=ImageProfile(mean=0.0, std=1.0),
        outside=True,
    )

    def make():
        if not seeded:
            encoder = kind()
        else:
            with torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(0)
                encoder = kind()
        pixels = preprocessing.Preprocessing(SIDE, (0.5,), (0.25,))
        return baseline.OutsideRepresentation(encoder, pixels, {})

    return Subject(spec, make)


def failed(subject: Subject) -> dict[str, str]:
    return {f.check: f.reason for f in run_checks(subject) if f.outcome == "failed"}


def test_a_sound_encoder_passes_every_check():
    assert [(f.check, f.reason) for f in run_checks(subject_of(Sound)) if f.outcome != "ok"] == []


BROKEN = {
    "weights_are_all_of_it": (Unsaved, "after loading"),
    "image_shapes_fit": (ThreeDimensions, "not (3, any)"),
    "image_features_are_finite": (NotANumber, "NaN or infinity"),
    "images_are_read": (Blind, "pooled_features of two different images are equal"),
    "image_features_repeat": (Dropping, "two passes"),
    "batch_mates_do_not_matter": (Sociable, "in a batch and alone"),
    "patches_lie_where_they_were_seen": (Transposed, "upper right quarter of the image"),
    "text_shapes_fit": (WrongWidth, "not (4, 16)"),
    "texts_are_read": (Deaf, "equal vectors"),
    "text_batch_mates_do_not_matter": (Padding, "in a batch and alone"),
    "odd_texts_are_taken": (ShortSighted, "IndexError: index out of range"),
    "temperature_is_positive": (Cold, "-1.0"),
    "trunk_shapes_fit": (Sociable, "the trunk's output"),
    "gradients_reach_the_trunk": (NoGradient, "no gradient flows"),
    "maps_fit": (OddMaps, "map 0 of a 64-pixel image"),
    "layers_are_counted": (Uncounted, "layer 2 of 2"),
}


@pytest.mark.parametrize("check", BROKEN)
def test_a_broken_encoder_fails_its_check(check):
    kind, reason = BROKEN[check]
    found = failed(subject_of(kind))
    assert reason in found[check]


def test_draws_from_the_global_generator_are_found():
    found = failed(subject_of(Drawn, seeded=False))
    assert "differ in" in found["two_builds_are_equal"]
    assert "global generator" in found["global_state_is_left_alone"]


def test_a_trunk_that_shares_its_parameters_is_found():
    found = failed(subject_of(Shared))
    assert "changed the baseline's own" in found["gradients_reach_the_trunk"]


def test_every_check_has_an_encoder_that_fails_it():
    tested = {*BROKEN, "two_builds_are_equal", "global_state_is_left_alone"}
    assert tested == {check.__name__ for check in CHECKS}


TEXTS_ALONE = """
    import torch
    from torch import nn

    class Letters(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.EmbeddingBag(256, 8)

        def text_embedding(self, texts):
            return torch.cat([self.table(torch.tensor([[0, *t.encode()]])) for t in texts])

    def build():
        return Letters()
"""


def test_the_command_tells_what_an_encoder_of_texts_can_do(tmp_path, capsys):
    path = tmp_path / "letters.py"
    path.write_text(textwrap.dedent(TEXTS_ALONE), encoding="utf-8")
    assert main(["check-baseline", f"{path}:build"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  ok       Different texts have different vectors" in lines
    assert any(line.startswith("  skipped  Different images") for line in lines)
    assert "tasks it can run: none" in lines
    assert main(["check-baseline", f"{path}:build", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["capabilities"] == ["text_features"]
    assert "rsna_zero_shot" in told["tasks_without"]["zero_shot"]


def test_a_failed_check_is_the_exit_code(tmp_path, capsys):
    path = tmp_path / "deaf.py"
    text = textwrap.dedent(TEXTS_ALONE).replace("*t.encode()", "*t[:0].encode()")
    path.write_text(text, encoding="utf-8")
    assert main(["check-baseline", f"{path}:build"]) == 1
    assert "  FAILED   Different texts have different vectors: " in capsys.readouterr().out


def test_the_command_refuses_sentinels_and_a_second_file(tmp_path, capsys):
    assert main(["check-baseline", "oracle"]) == 2
    assert "sentinel" in capsys.readouterr().err
    path = tmp_path / "letters.py"
    path.write_text(textwrap.dedent(TEXTS_ALONE), encoding="utf-8")
    assert main(["check-baseline", f"{path}:build", "--weights", "x.pth"]) == 2
    assert "leave out --weights" in capsys.readouterr().err
