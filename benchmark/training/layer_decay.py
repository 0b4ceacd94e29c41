"""AdamW with a rate that shrinks from layer to layer of the encoder (BEiT, MAE, ViTDet)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

if TYPE_CHECKING:
    from benchmark.interfaces import DenseTrunk

RATE_SCALE = "rate_scale"
"""Key of a parameter group: factor on the rate that the training loop sets."""

_TRUNK = "trunk."


def adamw_by_layer(
    model: nn.Module,
    *,
    weight_decay: float,
    layer_decay: float,
    betas: tuple[float, float] = (0.9, 0.999),
) -> torch.optim.AdamW:
    """AdamW over all that learns in a model with an encoder `trunk` and parts above it.

    The training loop gives every group the rate of the step; a hook before each step multiplies
    it by the group's factor.

    Args:
        model: Its attribute `trunk` is a `DenseTrunk`, which names the layer of a parameter.
        weight_decay: Of all but biases and 0- or 1-D parameters.
        layer_decay: A parameter of layer i of L has the rate times `layer_decay ** (L - i)`, the
            parts above the trunk the rate itself. 1 gives every layer the same.
        betas: Of Adam.
    """
    groups = layer_groups(model, weight_decay, layer_decay)
    optimizer = torch.optim.AdamW(groups, lr=0.0, betas=betas)
    optimizer.register_step_pre_hook(_scale_rates)
    return optimizer


def layer_groups(model: nn.Module, weight_decay: float, layer_decay: float) -> list[dict[str, Any]]:
    """Trainable parameters by factor on the rate and by weight decay; arguments as above."""
    trunk = cast("DenseTrunk", model.trunk)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        scale = 1.0
        if name.startswith(_TRUNK):
            scale = layer_decay ** (trunk.layers - trunk.layer_of(name.removeprefix(_TRUNK)))
        free = parameter.ndim <= 1 or name.endswith(".bias")
        groups.setdefault((scale, 0.0 if free else weight_decay), []).append(parameter)
    return [
        {"params": groups[scale, weight], "weight_decay": weight, RATE_SCALE: scale}
        for scale, weight in sorted(groups)
    ]


def _scale_rates(optimizer: torch.optim.Optimizer, *_: Any) -> None:
    for group in optimizer.param_groups:
        group["lr"] *= group[RATE_SCALE]
