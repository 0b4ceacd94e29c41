"""An image encoder of timm with the members that `representation.py` looks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import timm
from timm.models import group_parameters
from torch import Tensor, nn

from baselines.encoders.dense_vit import block_of
from benchmark.errors import NotApplicable, UsageError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAPS = 4


def make_model(name: str) -> Any:
    """A model of timm without classifier and with initial weights; nothing is downloaded.

    A tag behind a point chooses the preprocessing. Transformers take images of other sizes where
    timm offers that.

    Raises:
        UsageError: timm has no such model, or the model no such tag.
    """
    known = timm.list_models()
    architecture, _, tag = name.partition(".")
    if architecture not in known:
        raise unknown_name("model of timm", architecture, known)
    if tag:
        try:
            timm.get_pretrained_cfg(name)
        except RuntimeError:
            tagged = timm.list_models(f"{architecture}.*", pretrained=True)
            raise unknown_name("model of timm", name, [architecture, *tagged]) from None
    for more in ({"dynamic_img_size": True}, {"strict_img_size": False}, {}):
        try:
            return timm.create_model(name, pretrained=False, num_classes=0, **more)
        except TypeError:
            continue
    raise UsageError(f"timm cannot make `{name}` without a classifier.")


class TimmEncoder(nn.Module):
    """Pooled features, and maps where the model tells its stages.

    Args:
        model: Of timm, without classifier.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        stages = getattr(model, "feature_info", None) or []
        self._reductions = [int(stage["reduction"]) for stage in stages]
        layers = self._layers()
        self._layer_of = {name: layer for layer, names in layers.items() for name in names}
        self.layers = max(layers, default=0) + 1

    def _layers(self) -> dict[int, list[str]]:
        """Names of parameters by layer, as timm groups them for layer-wise rates."""
        matcher = getattr(self.model, "group_matcher", None)
        if matcher is None:
            return {}
        plain = len(set(self._reductions)) == 1
        groups: dict[int, list[str]] = group_parameters(self.model, matcher(coarse=not plain))
        return {place: names for place, (_, names) in enumerate(sorted(groups.items()))}

    def pooled_features(self, images: Tensor) -> Tensor:
        """(B, D), pooled as the model pools."""
        found: Tensor = self.model(images)
        return found

    def patch_features(self, images: Tensor) -> Tensor:
        """(B, D, rows, columns) of the last stage after its norm; a single patch without stages."""
        if not self._reductions:
            return self.pooled_features(images)[:, :, None, None]
        try:
            return self._stages(images, 1, norm=True)[-1]
        except AssertionError:  # Hiera gives its stages without the norm alone
            return self._stages(images, 1)[-1]

    def feature_maps(self, images: Tensor, taps: Sequence[int]) -> list[Tensor]:
        """Of the last four stages; of a plain transformer, after the blocks that are tapped.

        Raises:
            NotApplicable: The model has fewer stages.
        """
        depth = len(self._reductions)
        if depth < _MAPS:
            raise NotApplicable("This model of timm does not give four maps.")
        if len(set(self._reductions)) > 1:
            return self._stages(images, _MAPS)
        blocks = [block_of(tap, depth) - 1 for tap in taps]
        # timm gives a block once; in a shallow model two taps may mean the same.
        once = sorted(set(blocks))
        found = self._stages(images, once)
        return [found[once.index(block)] for block in blocks]

    def _stages(self, images: Tensor, indices: int | list[int], norm: bool = False) -> list[Tensor]:
        found: list[Tensor] = self.model.forward_intermediates(
            images, indices=indices, norm=norm, output_fmt="NCHW", intermediates_only=True
        )
        return found

    def layer_of(self, parameter: str) -> int:
        """Layer by timm's own grouping, from the stem on."""
        return self._layer_of.get(parameter.removeprefix("model."), 0)
