"""Runs every check on a baseline; one that fails does not keep the others from running."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from benchmark.checks import building, images, texts, trunks
from benchmark.checks.subject import CheckFailed, CheckSkipped, Subject
from benchmark.errors import MacoBenchError

CHECKS: tuple[Callable[[Subject], None], ...] = (
    building.two_builds_are_equal,
    building.global_state_is_left_alone,
    building.weights_are_all_of_it,
    images.image_shapes_fit,
    images.image_features_are_finite,
    images.images_are_read,
    images.image_features_repeat,
    images.batch_mates_do_not_matter,
    images.patches_lie_where_they_were_seen,
    texts.text_shapes_fit,
    texts.texts_are_read,
    texts.text_batch_mates_do_not_matter,
    texts.odd_texts_are_taken,
    texts.temperature_is_positive,
    trunks.trunk_shapes_fit,
    trunks.gradients_reach_the_trunk,
    trunks.maps_fit,
    trunks.layers_are_counted,
)


@dataclass(frozen=True)
class Finding:
    """Of one check.

    Attributes:
        check: Name of its function.
        says: What holds where it is `ok`.
        outcome: What came out.
        reason: Why it failed or was skipped.
    """

    check: str
    says: str
    outcome: Literal["ok", "failed", "skipped"]
    reason: str = ""


def run_checks(subject: Subject) -> Iterator[Finding]:
    """One finding per check, in order, as they come."""
    for check in CHECKS:
        yield _run(check, subject)


def _run(check: Callable[[Subject], None], subject: Subject) -> Finding:
    name = check.__name__
    says = (check.__doc__ or "").strip().splitlines()[0].rstrip(".")
    try:
        check(subject)
    except CheckSkipped as reason:
        return Finding(name, says, "skipped", str(reason))
    except (CheckFailed, MacoBenchError) as reason:
        return Finding(name, says, "failed", str(reason))
    except Exception as error:  # whatever a stranger's code raises is a finding
        return Finding(name, says, "failed", f"it raised {type(error).__name__}: {error}")
    return Finding(name, says, "ok")
