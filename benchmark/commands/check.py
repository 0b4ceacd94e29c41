"""`check-baseline`: the conformance checks on a method, or on an encoder of somebody else."""

from __future__ import annotations

import argparse
import collections
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark import registry
from benchmark.commands.output import hint, say
from benchmark.errors import UsageError
from benchmark.own_weights import require_file
from benchmark.packages import require_models
from benchmark.settings import make_settings, replaced_options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmark.checks.suite import Finding
    from benchmark.specs import BaselineSpec

_INITIAL_IMAGE_SIDE = 64
_REPORTS = (
    "The heart is enlarged. Small left effusion.",
    "Lungs are clear. No pneumothorax is seen.",
    "Right upper lobe consolidation.",
)


def add(commands: Any) -> None:
    """Register `check-baseline`."""
    parser = commands.add_parser(
        "check-baseline",
        help="check that an encoder behaves as the benchmark expects",
        description="Exit: 0 every check holds or was skipped, 1 one failed.",
    )
    parser.add_argument(
        "baseline",
        metavar="NAME",
        help="MODULE:FUNCTION, FILE.py:FUNCTION, timm:NAME@FILE, open_clip:ARCH@FILE, hf:FOLDER, "
        "or a method of this benchmark",
    )
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="of a method; default: initial weights"
    )
    parser.add_argument("--trust-weights", action="store_true")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Print one line per check, then what the baseline can run."""
    require_models("`check-baseline`")
    from benchmark.checks.subject import Subject
    from benchmark.checks.suite import run_checks

    spec = registry.load_baseline(arguments.baseline)
    if spec.kind != "method":
        raise UsageError(f"`{arguments.baseline}` is a sentinel; it has no encoder.")
    subject = Subject(spec, _maker(spec, arguments.weights, arguments.trust_weights))
    # A file that is missing or wrong is a user's mistake, not a failed check.
    _ = subject.model
    if not arguments.json:
        say(f"{spec.title}: {', '.join(spec.capabilities)}")
    findings = []
    for finding in run_checks(subject):
        findings.append(finding)
        if not arguments.json:
            say(line_of(finding))
    failed = any(finding.outcome == "failed" for finding in findings)
    if arguments.json:
        say(json.dumps(_described(spec, findings), indent=1))
    else:
        _summarise(spec, findings)
    return 1 if failed else 0


def _maker(spec: BaselineSpec, weights: Path | None, trusted: bool) -> Callable[[], Any]:
    """Builds a baseline with the weights that were asked for."""
    from benchmark.interfaces import BuildContext
    from benchmark.workshop import load_file, load_outside

    if spec.outside:
        if weights is not None:
            raise UsageError(f"`{spec.name}` names its own weights; leave out --weights.")
        return lambda: load_outside(spec.name)
    options = replaced_options(spec.base, spec.options, make_settings({}))
    if weights is not None:
        require_file(weights)
        return lambda: load_file(spec.name, weights, options, trusted)
    hint("initial weights of the toy size are checked; --weights names others")
    context = BuildContext(
        size=spec.sizes["toy"],
        options=options,
        image_size=_INITIAL_IMAGE_SIDE,
        reports=lambda: _REPORTS * 30,
    )
    module = registry.baseline_module(spec.name)
    return lambda: module.build(context)


def line_of(finding: Finding) -> str:
    """`ok`, `FAILED` or `skipped`, what was checked, and the reason."""
    mark = "FAILED" if finding.outcome == "failed" else finding.outcome
    reason = f": {finding.reason}" if finding.reason else ""
    return f"  {mark:<8} {finding.says}{reason}"


def tasks_for(spec: BaselineSpec) -> tuple[list[str], dict[str, list[str]]]:
    """The tasks that a baseline's capabilities allow, and those lacking by missing capability."""
    can: list[str] = []
    lacking: dict[str, list[str]] = {}
    for name in registry.task_names():
        task = registry.load_task(name)
        if task.protocol == "pretrain":
            continue
        if task.needs in spec.capabilities:
            can.append(name)
        else:
            lacking.setdefault(task.needs, []).append(name)
    return can, lacking


def _summarise(spec: BaselineSpec, findings: Sequence[Finding]) -> None:
    counts = collections.Counter(finding.outcome for finding in findings)
    say(", ".join(f"{counts[kind]} {kind}" for kind in ("ok", "failed", "skipped")))
    can, lacking = tasks_for(spec)
    say(f"tasks it can run: {', '.join(can) or 'none'}")
    for capability, names in lacking.items():
        say(f"not without {capability}: {', '.join(names)}")


def _described(spec: BaselineSpec, findings: Sequence[Finding]) -> dict[str, Any]:
    can, lacking = tasks_for(spec)
    return {
        "baseline": spec.name,
        "capabilities": list(spec.capabilities),
        "checks": [asdict(finding) for finding in findings],
        "tasks": can,
        "tasks_without": lacking,
    }
