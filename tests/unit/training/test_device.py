from __future__ import annotations

import pytest
import torch

from benchmark.errors import UsageError
from benchmark.training import device


def test_auto_is_float32_on_a_cpu() -> None:
    precision = device.choose_precision("auto", "cpu")
    assert precision.name == "float32"
    assert not precision.scaler().is_enabled()
    with precision.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_bfloat16_runs_the_forward_pass_in_it() -> None:
    with device.choose_precision("bfloat16", "cpu").autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16


def test_float16_needs_a_gpu() -> None:
    with pytest.raises(UsageError, match="GPU"):
        device.choose_precision("float16", "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_named() -> None:
    assert device.choose_device() == torch.device("cpu")
    with pytest.raises(UsageError, match="cuda"):
        device.choose_device("cuda")


def test_the_random_state_is_put_back() -> None:
    before = torch.random.get_rng_state()
    with device.private_random_state("cpu"):
        torch.manual_seed(1)
        torch.rand(3)
    assert torch.equal(before, torch.random.get_rng_state())


def test_memory_is_in_mib() -> None:
    assert 10 < device.peak_memory_mib("cpu") < 1e6


def test_threads_are_set_and_told() -> None:
    before = torch.get_num_threads()
    try:
        assert device.set_threads(1) == 1
        assert device.set_threads(0) == 1
    finally:
        device.set_threads(before)
