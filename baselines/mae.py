"""MAE: masked autoencoder on images alone; the first step of MaCo's ablation.

He et al., CVPR 2022. By default mask ratio (0.5), decoder, positions and plain pixel targets equal
`maco`, so that the steps of the ablation differ by one thing. `settings=official` takes MAE's own:
mask ratio 0.75, standardised targets, MAE's position frequencies, and at the paper's size its
decoder (width 512, 8 blocks, 16 heads).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from baselines.encoders.settings import PAPER_RECIPE, SIZES, image_options
from benchmark.errors import unknown_name
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmark.interfaces import BuildContext, Representation

OFFICIAL_SETTINGS = {"mask_ratio": 0.75, "norm_pix_loss": True, "positions": "mae"}
OFFICIAL_DECODER = {"decoder_width": 512, "decoder_depth": 8, "decoder_heads": 16}

BASELINE = BaselineSpec(
    name="mae",
    version=1,
    title="MAE",
    kind="method",
    source="MaCo, Nature Communications 15:7620 (2024), Table 7",
    capabilities=("image_features", "fine_tune"),
    options=image_options(high_resolution=False, settings="ablation"),
    sizes=SIZES,
    pretraining=PAPER_RECIPE,
    house="house_vit",
    uses_text=False,
    no_capability_reason="image-only: there is no text tower",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.image_text import build_model

    options, size = dict(context.options), context.size
    settings = options.pop("settings", "ablation")
    if settings == "official":
        options |= OFFICIAL_SETTINGS
        if size["width"] == SIZES["paper"]["width"]:
            size = {**size, **OFFICIAL_DECODER}
    elif settings != "ablation":
        raise unknown_name("value of option `settings`", str(settings), ("ablation", "official"))
    return build_model(replace(context, options=options, size=size))


def load(
    path: Path,
    options: Mapping[str, Any] | None = None,
    tokenizer_json: str | None = None,
    trusted: bool = False,
) -> Representation:
    """Weights in our own form or in the official one; see `baselines.checkpoints.released`."""
    from baselines.checkpoints.released import load as load_weights

    given = BASELINE.options if options is None else options
    return load_weights(BASELINE.name, build, path, given, tokenizer_json, trusted)
