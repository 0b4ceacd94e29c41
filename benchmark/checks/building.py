"""Two builds are alike, and building leaves no trace."""

from __future__ import annotations

import torch

from benchmark.checks.subject import CheckFailed, Subject, expect_equal


def two_builds_are_equal(subject: Subject) -> None:
    """Two builds have equal tensors."""
    first, second = (subject.make().state_dict() for _ in range(2))
    if set(first) != set(second):
        raise CheckFailed("two builds have tensors of different names")
    other = [name for name in first if not torch.equal(first[name], second[name])]
    if other:
        raise CheckFailed(f"two builds differ in {len(other)} tensors, such as `{other[0]}`")


def global_state_is_left_alone(subject: Subject) -> None:
    """Building leaves torch's global generator, default type and gradient mode as they were."""
    torch.manual_seed(99)
    before = torch.random.get_rng_state(), torch.get_default_dtype(), torch.is_grad_enabled()
    subject.make()
    after = torch.random.get_rng_state(), torch.get_default_dtype(), torch.is_grad_enabled()
    if not torch.equal(before[0], after[0]):
        raise CheckFailed("building draws from torch's global generator")
    if before[1:] != after[1:]:
        raise CheckFailed(f"building leaves torch in another mode: {before[1:]} became {after[1:]}")


def weights_are_all_of_it(subject: Subject) -> None:
    """A build that takes over the state dict of another gives the same features."""
    subject.needs("image_features")
    other = subject.make().eval()
    with torch.no_grad():
        for value in other.state_dict().values():
            if value.is_floating_point():
                value.zero_()
    other.load_state_dict(subject.model.state_dict(), strict=True)
    images = subject.noise(2)
    with torch.inference_mode():
        expect_equal(
            "features after loading the state dict",
            subject.model.patch_features(images, projected=False),
            other.patch_features(images, projected=False),
        )
