"""The plain supervised network of the phantom's acceptance: a small residual network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.seeds import generator_from, seed_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def train_and_score(
    images: NDArray[np.uint8],
    labels: NDArray[np.float32],
    test_images: NDArray[np.uint8],
    epochs: int,
    seed: int,
    side: int = 64,
    width: int = 24,
    log: Callable[[str], None] | None = None,
) -> NDArray[np.float32]:
    """Train with Adam and one-cycle rates on binary cross-entropy, then score the test images.

    Args:
        images: (n, size, size) uint8 training images.
        labels: (n, k) 0 or 1.
        test_images: (m, size, size) uint8.
        epochs: Passes over the training images; the last state is used, nothing is selected.
        seed: Of the initial weights, order and augmentation.
        side: Of the network's input in pixels; a divisor of the images' side.
        width: Channels of the first block.
        log: Called with a line after each epoch.

    Returns:
        (m, k) logits, the mean over the image and its small shifts.
    """
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.random.fork_rng():
        torch.manual_seed(seed_from("acceptance", seed) % 2**31)
        model = _network(labels.shape[1], width).to(device, memory_format=torch.channels_last)
    random = generator_from("acceptance-batches", seed)
    inputs, truth = _prepared(images, side), torch.from_numpy(labels)
    batch = 32
    steps = epochs * (len(inputs) // batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.02)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps)
    loss_of = torch.nn.BCEWithLogitsLoss()
    model.train()
    for epoch in range(epochs):
        total = 0.0
        order = random.permutation(len(inputs))
        for start in range(0, len(order) - batch + 1, batch):
            rows = torch.from_numpy(order[start : start + batch])
            picture = _augmented(inputs[rows], random).to(device)
            with torch.autocast(device.type, torch.bfloat16):
                logits = model(picture.contiguous(memory_format=torch.channels_last))
            loss = loss_of(logits.float(), truth[rows].to(device))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            rates.step()
            total += float(loss.detach())
        if log:
            log(f"epoch {epoch + 1}: loss {total / (len(order) // batch):.4f}")
    return _scores(model, _prepared(test_images, side), device)


def _prepared(images: NDArray[np.uint8], side: int) -> Any:
    """Block means as (n, 1, side, side) float32, each image standardised."""
    import torch

    block = max(1, images.shape[1] // side)
    tensor = torch.from_numpy(images).unsqueeze(1).float().div_(255)
    tensor = torch.nn.functional.avg_pool2d(tensor, block)
    mean, deviation = tensor.mean((2, 3), keepdim=True), tensor.std((2, 3), keepdim=True)
    return (tensor - mean) / (deviation + 1e-3)


def _augmented(pictures: Any, random: np.random.Generator) -> Any:
    """Shifts up to a sixteenth of the side, changes of contrast and brightness, flips."""
    import torch

    reach = pictures.shape[-1] // 16
    down, across = (int(step) for step in random.integers(-reach, reach + 1, 2))
    pictures = torch.roll(pictures, (down, across), (2, 3))
    if random.random() < 0.5:
        pictures = pictures.flip(3)
    gains = torch.from_numpy(random.uniform(0.85, 1.15, (len(pictures), 1, 1, 1))).float()
    return pictures * gains + float(random.normal(0, 0.1))


def _scores(model: Any, inputs: Any, device: Any) -> NDArray[np.float32]:
    import torch

    model.eval()
    with torch.inference_mode():
        parts = [
            (model(part.to(device)) + model(part.flip(3).to(device))).cpu() / 2
            for part in inputs.split(128)
        ]
    scores: NDArray[np.float32] = torch.cat(parts).numpy()
    return scores


def _network(classes: int, width: int) -> Any:
    """Residual network of four stages; the head sees the mean and the maximum of each channel."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, before: int, after: int) -> None:
            super().__init__()
            stride = 1 if before == after else 2
            self.body = nn.Sequential(
                nn.Conv2d(before, after, 3, stride, 1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
                nn.Conv2d(after, after, 3, 1, 1, bias=False),
                nn.BatchNorm2d(after),
            )
            self.skip: nn.Module = nn.Identity()
            if stride == 2:
                self.skip = nn.Conv2d(before, after, 1, stride, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.body(x) + self.skip(x))

    class Head(nn.Module):
        def __init__(self, features: int) -> None:
            super().__init__()
            self.linear = nn.Linear(2 * features, classes)
            self.drop = nn.Dropout(0.2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
            out: torch.Tensor = self.linear(self.drop(pooled))
            return out

    stages = [width, 2 * width, 4 * width, 8 * width]
    layers: list[nn.Module] = [
        nn.Conv2d(1, width, 5, 2, 2, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    ]
    before = width
    for after in stages:
        layers += [Block(before, after), Block(after, after)]
        before = after
    return nn.Sequential(*layers, Head(before))
