"""AdamW with a rate that shrinks from layer to layer of the encoder (BEiT, MAE, ViTDet)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch

if TYPE_CHECKING:
    from benchmark.detection.detector import Detector
    from benchmark.interfaces import DenseTrunk

SCALE = "rate_scale"
"""Key of a parameter group: factor on the rate that the training loop sets."""

_TRUNK = "trunk."


def make_optimizer(detector: Detector, weight_decay: float, decay: float) -> torch.optim.AdamW:
    """AdamW over everything that learns.

    A parameter of layer i of an encoder of L layers has the rate times `decay` to the power of
    L - i, neck and heads have the rate itself. Biases and parameters of one dimension are not
    decayed towards zero.

    Args:
        detector: Whose encoder names its layers.
        weight_decay: Of the other parameters.
        decay: 1 gives every layer the same rate.
    """
    trunk = cast("DenseTrunk", detector.trunk)
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in detector.named_parameters():
        if not parameter.requires_grad:
            continue
        scale = 1.0
        if name.startswith(_TRUNK):
            scale = decay ** (trunk.layers - trunk.layer_of(name.removeprefix(_TRUNK)))
        free = parameter.ndim <= 1 or name.endswith(".bias")
        groups.setdefault((scale, 0.0 if free else weight_decay), []).append(parameter)
    optimizer = torch.optim.AdamW(
        [
            {"params": members, "weight_decay": weight, SCALE: scale}
            for (scale, weight), members in groups.items()
        ],
        lr=0.0,
        betas=(0.9, 0.999),
    )
    optimizer.register_step_pre_hook(_scale_rates)
    return optimizer


def _scale_rates(optimizer: torch.optim.Optimizer, *_: Any) -> None:
    # The training loop sets the same rate on every group before each step.
    for group in optimizer.param_groups:
        group["lr"] = group["lr"] * group[SCALE]
