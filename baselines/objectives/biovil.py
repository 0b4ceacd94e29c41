"""What the BioViL package does with its vectors: its heads, and maps laid over whole images.

Boecking et al., ECCV 2022; microsoft/hi-ml, hi-ml-multimodal. Names below the heads are those of
the official weight files. Smoothing, cosines and prompt scores are the engine's own
(`benchmark.metrics.grounding_maps`, `benchmark.protocols.ground`, `benchmark.protocols.zero_shot`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmark.errors import UsageError, unknown_name

INTERPOLATIONS = ("nearest", "bilinear")


class PatchProjector(nn.Module):
    """Maps (B, C, rows, columns) to (B, out, rows, columns), each cell by itself in eval mode.

    Args:
        width: Channels of the ResNet's last map.
        out: Channels of the shared space, also between the two convolutions.
    """

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.Conv2d(width, out, 1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(inplace=True),
            nn.Conv2d(out, out, 1),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Projected maps."""
        projected: Tensor = self.model(maps)
        return projected


class ClsProjection(nn.Module):
    """CLS states (T, width) to (T, out): Linear, GELU, LayerNorm, Linear.

    Args:
        width: Of the states.
        out: Of the shared space, also between the two layers.
    """

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.dense_to_hidden = nn.Linear(width, out)
        self.LayerNorm = nn.LayerNorm(out, eps=1e-12)
        self.dense_to_output = nn.Linear(out, out)

    def forward(self, states: Tensor) -> Tensor:
        """Projected states."""
        hidden = nn.functional.gelu(self.dense_to_hidden(states))
        projected: Tensor = self.dense_to_output(self.LayerNorm(hidden))
        return projected


def prompt_of(text: str) -> str:
    """A text without the stops at its end, which would change its CLS vector."""
    return text.strip().rstrip(".!?").rstrip()


def map_in_image(
    values: Tensor,
    height: int,
    width: int,
    resize: int | None,
    crop: int | None,
    interpolation: str = "nearest",
) -> Tensor:
    """A patch map in the pixels of the image that the model's centre crop was cut from.

    Args:
        values: (rows, columns), smoothed or not.
        height: Of the image.
        width: Likewise.
        resize: Length that the image's short side was brought to before the cut, or None.
        crop: Side of the square that was cut out then, or None where the map shows all.
        interpolation: `nearest` or `bilinear`, between the cells.

    Returns:
        (height, width); NaN in what the model did not see. Of an odd margin the smaller part is
        above and left.
    """
    if interpolation not in INTERPOLATIONS:
        raise unknown_name("interpolation", interpolation, INTERPOLATIONS)
    rows, columns = height, width
    if crop is not None:
        rows = columns = crop if resize is None else int(crop * min(height, width) / resize)
    if not (0 < rows <= height and 0 < columns <= width):
        raise UsageError(f"A crop of {rows} x {columns} px does not lie in {height} x {width} px.")
    align = None if interpolation == "nearest" else False
    seen = nn.functional.interpolate(
        values[None, None], size=(rows, columns), mode=interpolation, align_corners=align
    )
    whole = torch.full((height, width), float("nan"), dtype=values.dtype, device=values.device)
    top, left = (height - rows) // 2, (width - columns) // 2
    whole[top : top + rows, left : left + columns] = seen[0, 0]
    return whole
