"""Ark files at a small size: one of the training code, one as the first paper's is released."""

from __future__ import annotations

import re

import torch

from tests.released.fixture import ReleasedFixture, drawn
from tests.released.maco import linear, norm

PATCH, WIDTH, WINDOW, PROJECTED = 2, 8, 2, 20
DEPTHS, HEADS, LABELS = (2, 1, 3, 2), (1, 2, 4, 8), (14, 3, 1)
CELLS = WINDOW**2


def block_shapes(name, width, heads, windows):
    """Of one block by the names of timm 0.5; `windows` is 0 where they are not shifted."""
    shapes = {
        **norm(f"{name}.norm1", width),
        f"{name}.attn.relative_position_bias_table": ((2 * WINDOW - 1) ** 2, heads),
        f"{name}.attn.relative_position_index": (CELLS, CELLS),
        **linear(f"{name}.attn.qkv", 3 * width, width),
        **linear(f"{name}.attn.proj", width, width),
        **norm(f"{name}.norm2", width),
        **linear(f"{name}.mlp.fc1", 4 * width, width),
        **linear(f"{name}.mlp.fc2", width, 4 * width),
    }
    if windows:
        shapes[f"{name}.attn_mask"] = (windows, CELLS, CELLS)
    return shapes


def tower_shapes(side):
    """Of a transformer that was trained at `side` pixels."""
    shapes = {
        "patch_embed.proj.weight": (WIDTH, 3, PATCH, PATCH),
        "patch_embed.proj.bias": (WIDTH,),
        **norm("patch_embed.norm", WIDTH),
    }
    for stage, (depth, heads) in enumerate(zip(DEPTHS, HEADS, strict=True)):
        width, grid = WIDTH * 2**stage, side // PATCH // 2**stage
        windows = (grid // WINDOW) ** 2 if grid > WINDOW else 0
        for place in range(depth):
            shifted = windows if place % 2 else 0
            shapes |= block_shapes(f"layers.{stage}.blocks.{place}", width, heads, shifted)
        if stage + 1 < len(DEPTHS):
            shapes |= norm(f"layers.{stage}.downsample.norm", 4 * width)
            shapes[f"layers.{stage}.downsample.reduction.weight"] = (2 * width, 4 * width)
    last = WIDTH * 2 ** (len(DEPTHS) - 1)
    return {**shapes, **norm("norm", last), **linear("head", 1000, last)}


def with_heads(shapes, read):
    for index, count in enumerate(LABELS):
        shapes |= linear(f"omni_heads.{index}", count, read)
    return shapes


def two_layers(seed, side=64):
    shapes = tower_shapes(side) | linear("projector.0", PROJECTED, WIDTH * 8)
    return drawn(with_heads(shapes | linear("projector.2", PROJECTED, PROJECTED), PROJECTED), seed)


def one_layer(seed, side=32):
    shapes = tower_shapes(side) | linear("projector", PROJECTED, WIDTH * 8)
    return drawn(with_heads(shapes, PROJECTED), seed)


def by_new_names(tensors):
    """As timm since 0.9 stores them: merging in front of its stage, nothing that is computed."""
    found = {}
    for name, value in tensors.items():
        if "attn_mask" in name or "relative_position_index" in name:
            continue
        parts = name.split(".")
        if "downsample" in parts:
            parts[1] = str(int(parts[1]) + 1)
        found[".".join(parts)] = value
    return found


def wrap(tensors):
    student = {name: value + 1 for name, value in tensors.items()}
    return {
        "epoch": 199,
        "lossMIN": [0.21, 0.33, 0.1],
        "state_dict": {f"module.{name}": value for name, value in student.items()},
        "teacher": {f"module.{name}": value for name, value in tensors.items()},
        "optimizer": {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": []},
        "scheduler": {"base_values": [0.3]},
    }


def lands(tensors):
    found = {}
    for name, value in by_new_names(tensors).items():
        if re.match(r"(patch_embed|layers|norm)\.", name):
            found[f"swin.{name}"] = value
        elif not name.startswith("head."):
            found[name] = value
    return found


FIXTURES = (
    ReleasedFixture("ark", "Ark", two_layers, wrap, lands, name="Ark6_swinLarge768_ep50.pth.tar"),
    ReleasedFixture(
        "ark", "Ark", one_layer, dict, lands, name="ark5_teacher_ep200_swinb_projector1376.pth.tar"
    ),
)
