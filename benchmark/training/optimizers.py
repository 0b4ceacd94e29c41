"""Optimisers, with no weight decay where it makes no sense."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import nn


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Trainable parameters in two groups: biases and 0- or 1-D parameters are not decayed."""
    decayed, free = [], []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if parameter.ndim <= 1 or name.endswith(".bias"):
            free.append(parameter)
        else:
            decayed.append(parameter)
    groups = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def make_optimizer(
    model: nn.Module,
    kind: Literal["adamw", "sgd"],
    *,
    weight_decay: float,
    betas: tuple[float, float] = (0.9, 0.999),
    momentum: float = 0.9,
) -> torch.optim.Optimizer:
    """AdamW or SGD; the rate is set by the loop before every step."""
    groups = parameter_groups(model, weight_decay)
    if kind == "adamw":
        return torch.optim.AdamW(groups, lr=0.0, betas=betas)
    return torch.optim.SGD(groups, lr=0.0, momentum=momentum)
