"""C2L on a ResNet: a student and a moving average of it, two views, mixed images, a queue."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from baselines.encoders.resnet import ResNetEncoder
from baselines.methods.choices import check_choices
from baselines.objectives.contrast import gathered
from baselines.objectives.distortions import holes
from baselines.objectives.queue_contrast import (
    mixed,
    mixing,
    noise_contrast,
    queue_logits,
    softmax_contrast,
)
from benchmark.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.interfaces import PretrainBatch

TERMS = ("plain", "mixed_images", "mixed_features")
_CHOICES = {"criterion": ("softmax", "nce")}


class C2L(ResNetEncoder):
    """Student, teacher and queue; the teacher and the queue are part of the stored weights.

    Args:
        size: See `ResNetEncoder`; `projection` and `queue`.
        options: `criterion`, `temperature`, `momentum`, `holes`, `hole_share`.
        image_size: Side of the input in pixels.

    Attributes:
        earlier_batches: Buffers that hold vectors of earlier batches.
    """

    earlier_batches: tuple[str, ...] = ("queue", "position")
    queue: Tensor
    position: Tensor
    mean_exponential: Tensor
    # None: the teacher takes no gradient at all and is not asked for one.
    without_gradient: tuple[str, ...] = ()

    def __init__(
        self, size: Mapping[str, Any], options: Mapping[str, Any], image_size: int
    ) -> None:
        super().__init__(size, image_size)
        check_choices(options, _CHOICES)
        self.criterion = str(options["criterion"])
        self.divisor = float(options["temperature"])
        self.momentum = float(options["momentum"])
        self.holes, self.hole_share = int(options["holes"]), float(options["hole_share"])
        if self.divisor <= 0 or not 0 <= self.momentum <= 1:
            raise UsageError("C2L needs a temperature above 0 and a momentum from 0 to 1.")
        self.projection = nn.Linear(self.feature_dim, size["projection"])
        self.teacher = nn.ModuleDict(
            {
                "backbone": copy.deepcopy(self.backbone),
                "projection": copy.deepcopy(self.projection),
            }
        ).requires_grad_(False)
        queue = nn.functional.normalize(torch.randn(size["queue"], size["projection"]))
        self.register_buffer("queue", queue)
        self.register_buffer("position", torch.zeros((), dtype=torch.int64))
        # For `nce` alone; 0 until the first batch sets it.
        self.register_buffer("mean_exponential", torch.zeros(()))

    def after_start(self, names: Sequence[str]) -> None:
        """The teacher begins as the student."""
        self._move_teacher(0.0)

    @torch.no_grad()
    def _move_teacher(self, momentum: float) -> None:
        student = nn.ModuleDict({"backbone": self.backbone, "projection": self.projection})
        pairs = zip(self.teacher.parameters(), student.parameters(), strict=True)
        for slow, fast in pairs:
            slow.mul_(momentum).add_(fast.detach(), alpha=1 - momentum)
        if momentum == 0.0:
            for old, new in zip(self.teacher.buffers(), student.buffers(), strict=True):
                old.copy_(new)

    def student_vectors(self, images: Tensor) -> Tensor:
        """(B, projection), not normalised."""
        vectors: Tensor = self.projection(self.last_map(images).mean(dim=(2, 3)))
        return vectors

    @torch.no_grad()
    def teacher_vectors(self, images: Tensor) -> Tensor:
        """(B, projection), not normalised and without gradient."""
        backbone: Any = self.teacher["backbone"]
        last = backbone.forward_features(images.expand(-1, self.channels, -1, -1))
        vectors: Tensor = self.teacher["projection"](last.mean(dim=(2, 3)))
        return vectors

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Mean of three contrasts: of plain views, of mixed images, with mixed vectors.

        In training mode the teacher first takes its step after the last update of the student.

        Raises:
            UsageError: The batch has one view alone.
        """
        if batch.second_images is None:
            raise UsageError(
                "C2L compares two augmentations of each image, and the batch has one.",
                remedy="Set `image_views = 2` in the pre-training recipe.",
            )
        if self.training:
            self._move_teacher(self.momentum)
        first, second = (
            self._with_holes(view, generator) for view in (batch.images, batch.second_images)
        )
        order, share = mixing(len(first), generator)
        order, share = order.to(first.device), share.to(first.device)
        student, teacher = self.student_vectors(first), self.teacher_vectors(second)
        student_mixed = self.student_vectors(mixed(first, order, share))
        teacher_mixed = self.teacher_vectors(mixed(second, order, share))
        pairs = (
            (student, teacher),
            (student_mixed, teacher_mixed),
            (student_mixed, mixed(teacher, order, share)),
        )
        with torch.autocast(first.device.type, enabled=False):
            parts = {name: self._contrast(*pair) for name, pair in zip(TERMS, pairs, strict=True)}
        return {"total": torch.stack(list(parts.values())).mean(), **parts}

    def _with_holes(self, images: Tensor, generator: torch.Generator) -> Tensor:
        sides = (images.shape[-2], images.shape[-1])
        blank = holes(len(images), sides, self.holes, self.hole_share, generator)
        return images.masked_fill(blank.to(images.device), 0.0)

    def _contrast(self, student: Tensor, teacher: Tensor) -> Tensor:
        """One of the three terms; its teacher vectors then enter the queue, as in the code."""
        # A copy, since the queue is overwritten before the backward pass.
        logits = queue_logits(student, teacher, self.queue.clone(), self.divisor)
        if self.criterion == "softmax":
            loss = softmax_contrast(logits)
        else:
            if self.training:
                began = torch.exp(logits.detach()).mean()
                self.mean_exponential.copy_(
                    torch.where(self.mean_exponential == 0, began, self.mean_exponential)
                )
            loss = noise_contrast(logits, self.mean_exponential.clone())
        if self.training:
            self._enqueue(gathered(teacher.detach()))
        return loss

    @torch.no_grad()
    def _enqueue(self, vectors: Tensor) -> None:
        newest = nn.functional.normalize(vectors.float())[-len(self.queue) :]
        places = self.position + torch.arange(len(newest), device=self.queue.device)
        self.queue.index_copy_(0, places % len(self.queue), newest)
        self.position.copy_((self.position + len(newest)) % len(self.queue))
