"""Multiply-adds of a forward pass, by module and operation, and the parameters it reads.

The counter is torch's own `torch.utils.flop_counter.FlopCounterMode`. It counts two floating-point
operations a multiply-add; halved they are MACs. It counts matrix products and convolutions, and
nothing else: no norm, softmax, activation, addition, look-up of word vectors or resizing.

Attention is made to run as plain matrix products, since a fused kernel's share is not named the
same on all devices. Gradients stay on, since a linear layer without bias is otherwise computed as
a batched product where its input is a slice, and would pass for attention.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedOperatorException,
)
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
FLOPS_PER_MAC = 2
_NEEDS_VALUES = (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedOperatorException,
)


@dataclass(frozen=True)
class PassCount:
    """What one forward pass costs.

    Attributes:
        macs: By (top-level module of the model, operation); the module is empty for a product
            outside all of them. Operations have torch's names, such as `addmm` or `convolution`.
        parameters: Names of the parameters that the pass reads.
    """

    macs: Mapping[tuple[str, str], int]
    parameters: frozenset[str]


def without_memory(build: Callable[[], nn.Module]) -> nn.Module:
    """A model on the meta device, which has shapes and no values.

    One whose building reads a value (a rate out of a range, say) is built with values.
    """
    try:
        with torch.device("meta"):
            model = build()
        return model.to("meta")
    except (RuntimeError, NotImplementedError):
        return build()


def without_values(
    count: Callable[[nn.Module], T], model: nn.Module, with_values: Callable[[], nn.Module]
) -> T:
    """Apply a count to a model, on shapes alone where that can be done.

    A forward pass that branches on a value, or whose shapes depend on one, is computed for once.

    Args:
        count: Runs forward passes of the model that it is given.
        model: On any device. On the meta device its tensors are replaced by ones that claim to lie
            on the CPU, since some code (mixed precision) does not know the meta device.
        with_values: Gives the same model with values, where they are asked for.
    """
    try:
        with FakeTensorMode(allow_non_fake_inputs=True):
            _leave_meta(model)
            return count(model)
    except _NEEDS_VALUES:
        return count(with_values())


def _leave_meta(model: nn.Module) -> None:
    """Replace tensors on the meta device by empty ones; shared ones stay shared."""
    made: dict[int, Tensor] = {}
    for module in model.modules():
        for owned in (module._parameters, module._buffers):
            for name, value in owned.items():
                if value is None or not value.is_meta:
                    continue
                if id(value) not in made:
                    empty = torch.empty_like(value, device="cpu")
                    learned = isinstance(value, nn.Parameter)
                    made[id(value)] = nn.Parameter(empty) if learned else empty
                owned[name] = made[id(value)]  # type: ignore[assignment]


def count_pass(model: nn.Module, call: Callable[[], object]) -> PassCount:
    """Count what a call computes.

    Args:
        model: In eval mode; its top-level modules are told apart.
        call: Runs the forward pass of the model.
    """
    counter = FlopCounterMode(display=False)
    reads = _ParameterReads(model)
    shell = _Shell(model)
    with sdpa_kernel(SDPBackend.MATH), torch.enable_grad(), counter, reads:
        shell(call)
    counts: Mapping[str, Mapping[Any, int]] = counter.get_flop_counts()
    total = _by_operation(counts.get("Global", {}))
    macs = _by_module({name: _by_operation(found) for name, found in counts.items()})
    for (_, operation), value in macs.items():
        total[operation] -= value
    outside = {("", operation): value for operation, value in total.items() if value}
    return PassCount({**macs, **outside}, frozenset(reads.names))


class _Shell(nn.Module):
    """Gives the counter a call to name modules by, for methods other than `forward`."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, call: Callable[[], object]) -> None:
        call()


_PREFIX = f"{_Shell.__name__}.model."


def _by_operation(flops: Mapping[Any, int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for operation, value in flops.items():
        found[str(operation).removeprefix("aten.")] += value // FLOPS_PER_MAC
    return found


def _by_module(counts: Mapping[str, Counter[str]]) -> dict[tuple[str, str], int]:
    """MACs of the model's top-level modules.

    A module that is called includes what it calls, so only the outermost called ones are added.
    """
    names = {name.removeprefix(_PREFIX) for name in counts if name.startswith(_PREFIX)}
    found: Counter[tuple[str, str]] = Counter()
    for name in names:
        parts = name.split(".")
        if any(".".join(parts[:depth]) in names for depth in range(1, len(parts))):
            continue
        for operation, value in counts[_PREFIX + name].items():
            found[parts[0], operation] += value
    return dict(found)


class _ParameterReads(TorchFunctionMode):
    """Notes which parameters enter a computation; asking for a device or shape is none."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._name_of = {id(value): name for name, value in model.named_parameters()}
        self.names: set[str] = set()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if any(isinstance(item, Tensor) for item in tree_leaves(result)):
            for item in tree_leaves((args, kwargs)):
                if isinstance(item, Tensor) and id(item) in self._name_of:
                    self.names.add(self._name_of[id(item)])
        return result
