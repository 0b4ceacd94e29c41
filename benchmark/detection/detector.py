"""An encoder, a neck and mmdet's heads as one module; the only place that calls mmdet."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from benchmark.detection import mmcv_operators
from benchmark.errors import UsageError
from benchmark.training.device import private_random_state, seed_everything

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.interfaces import DenseTrunk
    from benchmark.recipes.detect import DetectRecipe


@dataclass(frozen=True)
class Detections:
    """Boxes found in one image, the highest score first.

    Attributes:
        boxes: (m, 4) x1 y1 x2 y2 in pixels of the input square.
        scores: (m,).
        labels: (m,) index of the class.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor


class Detector(nn.Module):
    """Images (B, 1, S, S) to losses or boxes.

    The encoder and its neck compute in the precision of the call, the heads always in float32:
    neither suppression nor RoIAlign gains from less. A frozen encoder gets no gradient, and its
    normalisation keeps its statistics.

    Attributes:
        operators: Whose non-maximum suppression and RoIAlign are in force.
        neck_name: What makes the pyramid.
        strides: Of the maps that the heads look at.
    """

    def __init__(
        self,
        trunk: nn.Module,
        neck: nn.Module,
        heads: nn.Module,
        *,
        frozen: bool,
        score_threshold: float,
        operators: str,
    ) -> None:
        super().__init__()
        self.trunk, self.neck, self.heads = trunk, neck, heads
        self.frozen, self.score_threshold = frozen, score_threshold
        self.operators = operators
        self.neck_name = str(neck.name)
        self.strides = cast("tuple[int, ...]", neck.strides)
        if frozen:
            trunk.requires_grad_(False)

    def train(self, mode: bool = True) -> Detector:
        """Training mode of everything that learns."""
        super().train(mode)
        if self.frozen:
            self.trunk.eval()
        return self

    def losses(
        self, images: Tensor, boxes: Sequence[Tensor], labels: Sequence[Tensor]
    ) -> dict[str, Tensor]:
        """Losses by name, `total` their sum.

        Args:
            images: (B, 1, S, S), normalised.
            boxes: (n, 4) x1 y1 x2 y2 of each image in pixels of the square; n may be 0.
            labels: (n,) index of the class of each box.
        """
        maps = self._maps(images)
        with torch.autocast(images.device.type, enabled=False):
            found = self.heads.loss(maps, self._samples(images, boxes, labels))  # type: ignore[operator]
        # YOLOv3's are sums over a batch.
        share = 1 / len(images) if hasattr(self.heads, "bbox_head") else 1.0
        parts = {name: share * _summed(value) for name, value in found.items() if "loss" in name}
        return {"total": torch.stack(list(parts.values())).sum(), **parts}

    @torch.no_grad()
    def predict(self, images: Tensor) -> list[Detections]:
        """The boxes found in each image, their number limited by the recipe."""
        maps = self._maps(images)
        with torch.autocast(images.device.type, enabled=False):
            samples = self.heads.predict(maps, self._samples(images), rescale=False)  # type: ignore[operator]
        found = []
        for sample in samples:
            instances = sample.pred_instances
            kept = instances.scores >= self.score_threshold
            order = instances.scores[kept].argsort(descending=True, stable=True)
            found.append(
                Detections(
                    # YOLOv3's may reach beyond the image.
                    instances.bboxes[kept][order].clamp(0, images.shape[-1]),
                    instances.scores[kept][order],
                    instances.labels[kept][order],
                )
            )
        return found

    def _maps(self, images: Tensor) -> list[Tensor]:
        if self.frozen:
            with torch.no_grad():
                features = self.trunk(images)
        else:
            features = self.trunk(images)
        return [one.float() for one in self.neck(features)]

    def _samples(
        self, images: Tensor, boxes: Sequence[Tensor] = (), labels: Sequence[Tensor] = ()
    ) -> list[Any]:
        from mmdet.structures import DetDataSample
        from mmengine.structures import InstanceData

        side = tuple(images.shape[-2:])
        samples = []
        for index in range(len(images)):
            sample = DetDataSample()
            sample.set_metainfo(
                {"img_shape": side, "pad_shape": side, "ori_shape": side, "scale_factor": (1, 1)}
            )
            if boxes:
                sample.gt_instances = InstanceData(
                    bboxes=boxes[index].to(images), labels=labels[index].to(images.device)
                )
            samples.append(sample)
        return samples


def build_detector(
    trunk: DenseTrunk, recipe: DetectRecipe, classes: int, image_size: int, seed: int
) -> Detector:
    """Put a neck and heads with fresh weights on an encoder.

    Args:
        trunk: A `torch.nn.Module`; used itself, not copied.
        recipe: Kind and sizes of the detector.
        classes: How many there are.
        image_size: Side of the input square.
        seed: Of the fresh weights; torch's global state stays as it was.

    Raises:
        UsageError: The input does not fit the coarsest map.
    """
    operators = mmcv_operators.install()
    import mmdet.models  # noqa: F401 (fills the registry)
    from mmdet.registry import MODELS
    from mmengine.config import ConfigDict
    from mmengine.logging import MMLogger

    from benchmark.detection import vitdet, yolov3

    # It would report the initialisation of every single parameter.
    MMLogger.get_current_instance().setLevel(logging.ERROR)
    with private_random_state("cpu"):
        seed_everything(seed, "cpu")
        if recipe.detector == "yolov3":
            neck: Any = yolov3.YoloNeck(trunk, recipe)
            _require_whole_cells(image_size, max(neck.strides))
            config = yolov3.heads(neck.strides, recipe, classes, image_size)
        else:
            neck = vitdet.TwoStageNeck(trunk, recipe)
            config = vitdet.heads(neck.strides, recipe, classes)
        heads = MODELS.build(ConfigDict(config))
        _initialise(neck)
        heads.init_weights()
    return Detector(
        cast(nn.Module, trunk),
        neck,
        heads,
        frozen=recipe.freeze_encoder,
        score_threshold=recipe.score_threshold,
        operators=operators,
    )


def parameter_counts(detector: nn.Module) -> Mapping[str, int]:
    """How many numbers are learnt, and how many there are."""
    sizes = [(item.numel(), item.requires_grad) for item in detector.parameters()]
    return {
        "trained_parameters": sum(size for size, trained in sizes if trained),
        "parameters": sum(size for size, _ in sizes),
    }


def _initialise(neck: nn.Module) -> None:
    """Draw the weights of mmdet's parts; others have drawn theirs when they were made."""
    from mmengine.model import BaseModule

    for module in neck.modules():
        if isinstance(module, BaseModule) and not module.is_init:
            module.init_weights()


def _require_whole_cells(image_size: int, stride: int) -> None:
    if image_size % stride:
        raise UsageError(
            f"YOLOv3 needs an input that its coarsest stride of {stride} px divides; "
            f"`image_size` is {image_size}.",
            remedy=f"Use {max(1, round(image_size / stride)) * stride}.",
        )


def _summed(value: Tensor | Sequence[Tensor]) -> Tensor:
    if isinstance(value, Tensor):
        return value.float().mean()
    return torch.stack([item.float().mean() for item in value]).sum()
