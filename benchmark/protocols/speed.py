"""How long a forward pass takes, and how much memory; both depend on the machine."""

from __future__ import annotations

import platform
import statistics
import time
from typing import TYPE_CHECKING, Any

import torch

from benchmark.training.device import choose_precision, peak_memory_mib, reset_peak_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmark.interfaces import Progress
    from benchmark.recipes import Precision

MEMORY_ON_GPU = "most allocated on the GPU during the passes, weights included"
MEMORY_ON_CPU = "largest resident size of the process so far, libraries and earlier work included"


def time_passes(
    call: Callable[[], object],
    *,
    images: int,
    warmup: int,
    repetitions: int,
    precision: Precision,
    device: str,
    progress: Progress,
) -> dict[str, Any]:
    """Time a forward pass of one batch, repeated, without gradients.

    Args:
        call: Runs the pass.
        images: In the batch.
        warmup: Passes before the timed ones, which choose kernels and fill caches.
        repetitions: Timed passes, at least one.
        precision: Of the passes.
        device: Where they run; the clock waits for it.
        progress: Told how far it is.

    Returns:
        For a record's `timing`: `inference_images_per_second` (images over the median time), the
        seconds of each pass, batch, precision, threads and device, and
        `inference_peak_memory_mib` with what it is a peak of.
    """
    chosen = choose_precision(precision, device)
    seconds = []
    reset_peak_memory(device)
    with torch.inference_mode(), chosen.autocast():
        for number in range(warmup + repetitions):
            started = _clock(device)
            call()
            took = _clock(device) - started
            if number >= warmup:
                seconds.append(took)
            progress("timing forward passes", number + 1, warmup + repetitions)
    on_gpu = torch.device(device).type == "cuda"
    return {
        "inference_images_per_second": images / statistics.median(seconds),
        "inference_seconds_per_batch": seconds,
        "inference_batch": images,
        "inference_precision": chosen.name,
        "inference_threads": torch.get_num_threads(),
        "inference_device": torch.cuda.get_device_name(device) if on_gpu else _processor(),
        "inference_peak_memory_mib": peak_memory_mib(device),
        "inference_peak_memory_of": MEMORY_ON_GPU if on_gpu else MEMORY_ON_CPU,
    }


def _clock(device: str) -> float:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _processor() -> str:
    return platform.processor() or platform.machine()
