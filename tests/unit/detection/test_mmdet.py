"""Everything that imports mmdet, in one file: it takes up to a minute to import.

Operators against torchvision and plain loops, both detectors on both kinds of encoders, one
training step twice.
"""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
import types
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor

from benchmark.detection import mmcv_operators
from benchmark.detection.detector import Detector, build_detector, parameter_counts
from benchmark.errors import UsageError
from benchmark.recipes.detect import DetectRecipe
from benchmark.training.layer_decay import adamw_by_layer
from benchmark.training.loop import TrainPlan, train
from benchmark.training.schedules import WarmupCosine
from tests.encoders import encoder

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 64
ENCODERS = ("mae", "random_init_resnet50")
SMALL = DetectRecipe(
    source="test",
    image_size=SIDE,
    pyramid_scales=(2.0, 1.0, 0.5),
    anchor_cells=4,
    pyramid_width=16,
    head_width=32,
    head_convolutions=1,
    proposals=30,
    sampled_boxes=16,
)


def test_nothing_imports_mmdet_before_a_detector_is_built(checkout: Path) -> None:
    code = (
        "import sys\n"
        "from benchmark.protocols import detect\n"
        "from benchmark.detection import detector, mmcv_operators, pyramid\n"
        "from benchmark.metrics import detection\n"
        "import tasks.rsna_detection, tasks.object_cxr_detection, baselines.box_prior\n"
        "assert not {'mmdet', 'mmcv', 'mmengine'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=checkout, check=True)


def test_metrics_tasks_and_sentinels_import_no_torch(checkout: Path) -> None:
    code = (
        "import sys\n"
        "from benchmark.metrics import detection\n"
        "import tasks.rsna_detection, tasks.object_cxr_detection\n"
        "import baselines.box_prior, baselines.oracle, baselines.chance\n"
        "assert 'torch' not in set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=checkout, check=True)


def test_a_compiled_mmcv_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = types.ModuleType(mmcv_operators.EXTENSION)
    monkeypatch.setitem(sys.modules, mmcv_operators.EXTENSION, compiled)
    assert mmcv_operators.install() == "mmcv"
    assert sys.modules[mmcv_operators.EXTENSION] is compiled


def test_any_other_operator_raises_an_error_that_names_it() -> None:
    operators = mmcv_operators.TorchvisionOperators()
    assert hasattr(operators, "modulated_deform_conv_forward")
    with pytest.raises(UsageError, match="modulated_deform_conv_forward"):
        operators.modulated_deform_conv_forward(1, key=2)
    assert not hasattr(operators, "__path__")


def random_boxes(count: int, seed: int, side: float = 60.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    low = torch.rand(count, 2, generator=generator) * side
    return torch.cat([low, low + 2 + torch.rand(count, 2, generator=generator) * 20], dim=1)


def plain_nms(boxes: Tensor, scores: Tensor, threshold: float, offset: int) -> list[int]:
    """One box after the other, the highest score first."""
    kept: list[int] = []
    for index in scores.argsort(descending=True).tolist():
        x1, y1, x2, y2 = boxes[index].tolist()
        for other in kept:
            a1, b1, a2, b2 = boxes[other].tolist()
            wide = max(0.0, min(x2, a2) - max(x1, a1) + offset)
            high = max(0.0, min(y2, b2) - max(y1, b1) + offset)
            area = (x2 - x1 + offset) * (y2 - y1 + offset)
            other_area = (a2 - a1 + offset) * (b2 - b1 + offset)
            if wide * high / (area + other_area - wide * high) > threshold:
                break
        else:
            kept.append(index)
    return kept


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_suppression_of_mmcv_is_that_of_torchvision_and_of_plain_loops(
    seed: int, offset: int
) -> None:
    mmcv_operators.install()
    from mmcv.ops import batched_nms, nms

    boxes = random_boxes(60, seed)
    scores = torch.rand(60, generator=torch.Generator().manual_seed(seed + 10))
    found, kept = nms(boxes, scores, iou_threshold=0.4, offset=offset)
    assert kept.tolist() == plain_nms(boxes, scores, 0.4, offset)
    assert torch.equal(found, torch.cat([boxes[kept], scores[kept, None]], dim=1))
    if offset:
        return
    assert torch.equal(kept, torchvision.ops.nms(boxes, scores, 0.4))
    groups = torch.arange(60) % 3
    _, kept = batched_nms(boxes, scores, groups, {"type": "nms", "iou_threshold": 0.4})
    expected = torchvision.ops.batched_nms(boxes, scores, groups, 0.4)
    assert torch.equal(kept, expected)


def plain_roi_align(
    features: np.ndarray, roi: np.ndarray, cells: int, scale: float, points: int, aligned: bool
) -> np.ndarray:
    """Average of bilinear samples of one region of one image, (C, cells, cells)."""
    shift = 0.5 if aligned else 0.0
    x1, y1, x2, y2 = roi * scale - shift
    wide, high = (x2 - x1) / cells, (y2 - y1) / cells
    if not aligned:
        wide, high = max(x2 - x1, 1.0) / cells, max(y2 - y1, 1.0) / cells
    result = np.zeros((features.shape[0], cells, cells))
    for row in range(cells):
        for column in range(cells):
            for i in range(points):
                for j in range(points):
                    y = y1 + high * (row + (i + 0.5) / points)
                    x = x1 + wide * (column + (j + 0.5) / points)
                    result[:, row, column] += bilinear(features, y, x) / points**2
    return result


def bilinear(features: np.ndarray, y: float, x: float) -> np.ndarray:
    rows, columns = features.shape[1:]
    if y < -1 or y > rows or x < -1 or x > columns:
        return np.zeros(len(features))
    y, x = min(max(y, 0.0), rows - 1), min(max(x, 0.0), columns - 1)
    low_y, low_x = math.floor(y), math.floor(x)
    high_y, high_x = min(low_y + 1, rows - 1), min(low_x + 1, columns - 1)
    part_y, part_x = y - low_y, x - low_x
    return (
        features[:, low_y, low_x] * (1 - part_y) * (1 - part_x)
        + features[:, low_y, high_x] * (1 - part_y) * part_x
        + features[:, high_y, low_x] * part_y * (1 - part_x)
        + features[:, high_y, high_x] * part_y * part_x
    )


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("points", [0, 2])
def test_roi_align_of_mmcv_is_that_of_torchvision_forward_and_backward(
    points: int, aligned: bool
) -> None:
    mmcv_operators.install()
    from mmcv.ops import RoIAlign

    generator = torch.Generator().manual_seed(4)
    first = torch.randn(2, 5, 16, 18, generator=generator, requires_grad=True)
    second = first.detach().clone().requires_grad_(True)
    rois = torch.cat([torch.tensor([[0.0], [1], [1], [0]]), random_boxes(4, 3, 40)], dim=1)
    ours = RoIAlign(7, spatial_scale=0.25, sampling_ratio=points, aligned=aligned)(first, rois)
    theirs = torchvision.ops.roi_align(second, rois, 7, 0.25, points, aligned)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
    weights = torch.randn(ours.shape, generator=generator)
    (ours * weights).sum().backward()
    (theirs * weights).sum().backward()
    assert first.grad is not None and second.grad is not None
    torch.testing.assert_close(first.grad, second.grad, rtol=0, atol=1e-5)
    assert first.grad.abs().sum() > 0
    if points:
        for index, roi in enumerate(rois):
            image = first.detach()[int(roi[0])].double().numpy()
            plain = plain_roi_align(image, roi[1:].double().numpy(), 7, 0.25, points, aligned)
            np.testing.assert_allclose(ours[index].detach().numpy(), plain, atol=1e-4)


def test_maximum_pooling_is_refused_by_name() -> None:
    mmcv_operators.install()
    if mmcv_operators.install() == "mmcv":
        pytest.skip("a compiled mmcv is installed")
    from mmcv.ops import RoIAlign

    with pytest.raises(UsageError, match="maximum"):
        RoIAlign(3, pool_mode="max")(torch.zeros(1, 1, 8, 8), torch.tensor([[0.0, 0, 0, 4, 4]]))


def detector_of(name: str, recipe: DetectRecipe, classes: int = 2, seed: int = 7) -> Detector:
    trunk = encoder(name).dense_trunk((12,), 0.0, recipe.window, recipe.global_blocks)
    return build_detector(trunk, recipe, classes, SIDE, seed)


def batch(count: int = 4) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Images with bright rectangles; the last one has none."""
    images = torch.randn(count, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * 0.3
    boxes, labels = [], []
    for index in range(count):
        x, y = 6 + 5 * index, 30 - 4 * index
        box = torch.tensor([[x, y, x + 20, y + 24]], dtype=torch.float32)
        boxes.append(box if index < count - 1 else box[:0])
        labels.append(torch.tensor([index % 2] * len(boxes[-1]), dtype=torch.long))
        if index < count - 1:
            images[index, 0, y : y + 24, x : x + 20] += 2.0
    return images, boxes, labels


@pytest.mark.parametrize("kind", ["vitdet", "yolov3"])
@pytest.mark.parametrize("name", ENCODERS)
def test_losses_reach_every_part_and_boxes_come_out(name: str, kind: str) -> None:
    recipe = dataclasses.replace(SMALL, detector=kind, score_threshold=0.0)
    before = torch.random.get_rng_state()
    detector = detector_of(name, recipe).train()
    assert torch.equal(before, torch.random.get_rng_state())
    losses = detector.losses(*batch())
    assert float(losses["total"].detach()) == pytest.approx(
        sum(float(value.detach()) for key, value in losses.items() if key != "total"), rel=1e-5
    )
    losses["total"].backward()  # type: ignore[no-untyped-call]
    silent = [key for key, item in detector.named_parameters() if item.grad is None]
    assert not [key for key in silent if "norm" not in key and "pos_embed" not in key]
    found = detector.eval().predict(batch()[0])
    assert len(found) == 4
    for one in found:
        assert 0 < len(one.scores) <= recipe.boxes_per_image
        assert (one.scores[:-1] >= one.scores[1:]).all()
        assert (one.boxes >= -1e-3).all() and (one.boxes <= SIDE + 1e-3).all()
        assert set(one.labels.tolist()) <= {0, 1}


@pytest.mark.parametrize("kind", ["vitdet", "yolov3"])
def test_a_batch_without_any_box_can_be_learnt_from(kind: str) -> None:
    detector = detector_of("mae", dataclasses.replace(SMALL, detector=kind)).train()
    empty = [torch.zeros(0, 4)] * 2, [torch.zeros(0, dtype=torch.long)] * 2
    losses = detector.losses(batch()[0][:2], *empty)
    assert torch.isfinite(losses["total"])
    assert losses["total"] > 0
    losses["total"].backward()  # type: ignore[no-untyped-call]
    grown = [item.grad.abs().sum() for item in detector.heads.parameters() if item.grad is not None]
    assert max(grown) > 0


@pytest.mark.parametrize("kind", ["vitdet", "yolov3"])
def test_boxes_do_not_depend_on_batch_mates(kind: str) -> None:
    recipe = dataclasses.replace(SMALL, detector=kind, score_threshold=0.0)
    detector = detector_of("mae", recipe).eval()
    images = batch()[0]
    together = detector.predict(images)
    for index in range(len(images)):
        alone = detector.predict(images[index : index + 1])[0]
        count = min(5, len(alone.scores))
        torch.testing.assert_close(
            alone.scores[:count], together[index].scores[:count], rtol=0, atol=1e-5
        )


def trained(folder: Path | None = None, steps: int = 3, name: str = "mae") -> Detector:
    recipe = dataclasses.replace(SMALL, layer_decay=0.7, weight_decay=0.05, window=2)
    detector = detector_of(name, recipe)
    plan = TrainPlan(steps=steps, rate=WarmupCosine(1e-3, 3), seed_axes=("test",), identity="x")
    optimizer = adamw_by_layer(
        detector, weight_decay=recipe.weight_decay, layer_decay=recipe.layer_decay
    )
    images, boxes, labels = batch()
    train(
        detector, lambda *_: detector.losses(images, boxes, labels), optimizer, plan, folder=folder
    )
    return detector


def test_a_training_step_is_deterministic_and_can_be_resumed(tmp_path: Path) -> None:
    first = trained().state_dict()
    torch.rand(7)
    second = trained().state_dict()
    trained(tmp_path, steps=1)
    resumed = trained(tmp_path).state_dict()
    start = detector_of("mae", dataclasses.replace(SMALL, window=2)).state_dict()
    for key, value in first.items():
        assert torch.equal(value, second[key]), key
        assert torch.equal(value, resumed[key]), key
    moved = [key for key, value in first.items() if not torch.equal(value, start[key])]
    assert any(key.startswith("trunk.blocks") for key in moved)
    assert any(key.startswith("heads.rpn_head") for key in moved)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_frozen_encoder_stays_as_it_is(name: str) -> None:
    recipe = dataclasses.replace(SMALL, detector="yolov3", freeze_encoder=True)
    detector = detector_of(name, recipe).train()
    before = {key: item.clone() for key, item in detector.trunk.state_dict().items()}
    optimizer = adamw_by_layer(detector, weight_decay=0.1, layer_decay=1.0)
    for group in optimizer.param_groups:
        group["lr"] = 0.1
    detector.losses(*batch())["total"].backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    # Running statistics of a ResNet among them.
    assert all(torch.equal(before[key], item) for key, item in detector.trunk.state_dict().items())
    counts = parameter_counts(detector)
    assert 0 < counts["trained_parameters"] < counts["parameters"]


def test_maps_have_the_strides_that_heads_expect() -> None:
    for name, kind in ((name, kind) for name in ENCODERS for kind in ("vitdet", "yolov3")):
        detector = detector_of(name, dataclasses.replace(SMALL, detector=kind))
        with torch.inference_mode():
            maps = detector._maps(torch.zeros(1, 1, SIDE, SIDE))
        sides = [one.shape[-1] for one in maps]
        assert sides == [math.ceil(SIDE / stride) for stride in detector.strides]


def test_sizes_that_do_not_fit_are_refused() -> None:
    trunk = encoder("mae").dense_trunk((12,))
    with pytest.raises(UsageError, match="powers of two"):
        build_detector(trunk, dataclasses.replace(SMALL, pyramid_scales=(3.0, 1.0)), 1, SIDE, 0)
    with pytest.raises(UsageError, match="enlarged"):
        build_detector(trunk, dataclasses.replace(SMALL, pyramid_scales=(16.0, 8.0)), 1, SIDE, 0)
    with pytest.raises(UsageError, match="coarsest stride"):
        build_detector(trunk, dataclasses.replace(SMALL, detector="yolov3"), 1, 72, 0)
