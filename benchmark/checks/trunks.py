"""The copies of an image encoder that are trained: for classification, and with maps."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from benchmark.checks.subject import (
    CheckFailed,
    CheckSkipped,
    Subject,
    expect_equal,
    expect_finite,
    expect_shape,
)
from benchmark.errors import NotApplicable

_TAPS = (3, 5, 7, 11)
_SIDES = (1, 2)


def trunk_shapes_fit(subject: Subject) -> None:
    """The trunk of fine-tuning gives finite vectors that depend on the image alone."""
    subject.needs("fine_tune")
    images = subject.noise(3)
    trunk = subject.model.classification_trunk(0.0).eval()
    with torch.inference_mode():
        found, alone = trunk(images), trunk(images[1:2])
    expect_shape("the trunk's output", found, (3, subject.model.feature_dim))
    expect_finite("the trunk's output", found)
    expect_equal("the trunk's output of an image in a batch and alone", found[1:2], alone)
    if torch.equal(found[0], found[1]):
        raise CheckFailed("the trunk's output of two different images is equal")


def gradients_reach_the_trunk(subject: Subject) -> None:
    """Fine-tuning moves the trunk's parameters and leaves the baseline itself as it is."""
    subject.needs("fine_tune")
    model = subject.model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trunk = model.classification_trunk(0.0).train()
    found = trunk(subject.noise(4))
    if not found.requires_grad:
        raise CheckFailed("no gradient flows back from the trunk's output; is there a no_grad?")
    _train_once(trunk, found.square().mean())
    after = model.state_dict()
    moved = [name for name in before if not torch.equal(before[name], after[name])]
    if moved:
        raise CheckFailed(f"training the trunk changed the baseline's own `{moved[0]}`")


def _train_once(trunk: nn.Module, loss: Any) -> None:
    optimizer = torch.optim.SGD(trunk.parameters(), lr=0.01)
    loss.backward()
    known = [parameter.grad for parameter in trunk.parameters() if parameter.grad is not None]
    if not known or not any(bool(grad.any()) for grad in known):
        raise CheckFailed("no parameter of the trunk gets a gradient")
    for grad in known:
        expect_finite("a gradient", grad)
    optimizer.step()


def maps_fit(subject: Subject) -> None:
    """The dense trunk gives finite maps with the channels and strides it states, at two sizes."""
    subject.needs("fine_tune")
    try:
        trunk: Any = subject.model.dense_trunk(_TAPS).eval()
    except NotApplicable as error:
        raise CheckSkipped(error.problem) from error
    unit = math.lcm(*trunk.strides)
    for factor in _SIDES:
        side = math.ceil(subject.model.image_size / unit) * unit * factor
        images = subject.normalised(torch.rand(1, 1, side, side))
        with torch.inference_mode():
            maps = trunk(images)
        for place, (one, channels, stride) in enumerate(
            zip(maps, trunk.channels, trunk.strides, strict=True)
        ):
            cells = side // stride
            expect_shape(f"map {place} of a {side}-pixel image", one, (1, channels, cells, cells))
            expect_finite(f"map {place}", one)


def layers_are_counted(subject: Subject) -> None:
    """Every parameter of the dense trunk belongs to one of the layers that it states."""
    subject.needs("fine_tune")
    try:
        trunk: Any = subject.model.dense_trunk(_TAPS)
    except NotApplicable as error:
        raise CheckSkipped(error.problem) from error
    for name, _ in trunk.named_parameters():
        layer = trunk.layer_of(name)
        if not 0 <= layer < max(trunk.layers, 1):
            raise CheckFailed(f"`{name}` is said to be of layer {layer} of {trunk.layers}")
