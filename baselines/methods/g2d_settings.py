"""What G2D's options may be, and what they mean in the three sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from baselines.objectives.dense_alignment import DENSE_FORMS, DIRECTIONS
from baselines.objectives.pseudo_mask import AREAS, COMPARISONS, THRESHOLDS, MaskRule
from benchmark.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAPER_WIDTH = 128
CHOICES: Mapping[str, Sequence[str]] = {
    "decoder_loss": ("none", "reconstruction", "pseudo_mask"),
    "threshold": THRESHOLDS,
    "comparison": COMPARISONS,
    "quantile_over": AREAS,
    "dense_loss": DENSE_FORMS,
    "contrast": DIRECTIONS,
    "head_width": ("fixed", "shared"),
    "text_statistics": ("padded", "pieces"),
}
NUMBERS: Mapping[str, Sequence[int]] = {"heads": (1, 2, 3, 4), "projector_width": (128, 256, 512)}


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, all of them known.

    Raises:
        UsageError: A value is not on offer, or two of them do not go together.
    """
    for name, known in {**CHOICES, **NUMBERS}.items():
        if options[name] not in known:
            raise unknown_name(
                f"value of option `{name}`", str(options[name]), [str(item) for item in known]
            )
    if options["warmup_steps"] < 0 or options["temperature"] <= 0:
        raise UsageError("`warmup_steps` must be 0 or more, `temperature` more than 0.")
    return dict(options)


def mask_rule(options: Mapping[str, Any]) -> MaskRule:
    """How pseudo masks are made."""
    return MaskRule(
        aggregation=bool(options["aggregation"]),
        threshold=str(options["threshold"]),
        comparison=str(options["comparison"]),
        quantile_over=str(options["quantile_over"]),
        body_mask=bool(options["body_mask"]),
        smoothing=bool(options["smoothing"]),
    )


def projector_width(size: Mapping[str, Any], options: Mapping[str, Any]) -> int:
    """Channels of both projections: the option at the paper's size, in proportion elsewhere."""
    return int(size["projector_width"]) * int(options["projector_width"]) // PAPER_WIDTH


def head_width(size: Mapping[str, Any], options: Mapping[str, Any]) -> int:
    """Channels of a head: of fixed width, or a share of the projector's width.

    Raises:
        UsageError: The heads do not divide the width.
    """
    if options["head_width"] == "fixed":
        return int(size["head_width"])
    width, heads = projector_width(size, options), int(options["heads"])
    if width % heads:
        raise UsageError(
            f"{heads} heads do not share a width of {width} evenly.",
            remedy="Set `head_width` to `fixed`, or `heads` to 1, 2 or 4.",
        )
    return width // heads
