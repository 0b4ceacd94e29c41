"""Is the phantom fit to be measured on? Shallow shortcuts must fail, supervised learning must not.

The criteria involve no method under test. On the NIH profile, per class: logistic regression on a
16 x 16 thumbnail, an 8 x 8 thumbnail, a 64-bin histogram, and on devices, marker and exposure must
stay near chance; a plain supervised network with all labels must learn most of it, not all.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.phantom.population import draw_study
from benchmark.phantom.render import render_view
from benchmark.phantom.shortcuts import histograms, linear_auc, thumbnails
from benchmark.phantom.truth import NIH_CLASSES
from benchmark.phantom.version import PHANTOM_VERSION

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmark.phantom.prevalence import Prevalence

    Array = NDArray[Any]

SHORTCUT_LIMIT = 0.65
THUMBNAIL_8_LIMIT = 0.60
SUPERVISED_RANGE = (0.80, 0.92)
LEAST_POSITIVES = 40
DEVICES = (
    "pacemaker",
    "sternotomy_wires",
    "port",
    "endotracheal_tube",
    "enteric_tube",
    "central_line",
    "ecg_leads",
)


@dataclass(frozen=True)
class Cases:
    """Rendered cases.

    Attributes:
        images: (n, size, size) uint8.
        labels: (n, 14) 0 or 1, in the order of `NIH_CLASSES`.
        flags: (n, f) devices, markers, projection, exposure, noise and rotation.
    """

    images: NDArray[np.uint8]
    labels: Array
    flags: Array


@dataclass(frozen=True)
class Verdict:
    """AUC per class of each predictor, and how many test cases are positive."""

    auc: Mapping[str, Array]
    positives: NDArray[np.int64]
    train_cases: int
    test_cases: int

    def failures(self) -> list[str]:
        """Criteria that do not hold, in words; empty where the phantom is accepted."""
        found = []
        for name, values in self.auc.items():
            if name == "supervised":
                mean = float(values.mean())
                if not SUPERVISED_RANGE[0] <= mean <= SUPERVISED_RANGE[1]:
                    found.append(f"supervised mean AUC {mean:.3f} is outside {SUPERVISED_RANGE}")
                continue
            limit = THUMBNAIL_8_LIMIT if name == "8x8 thumbnail" else SHORTCUT_LIMIT
            for label, value in zip(NIH_CLASSES, values):
                if value > limit:
                    found.append(f"{name} reaches {value:.3f} on {label}, above {limit:.2f}")
        if self.positives.min() < LEAST_POSITIVES:
            found.append(f"a class has {self.positives.min()} positives, under {LEAST_POSITIVES}")
        return found


def draw_cases(
    seed: int, population: str, cases: int, prevalence: Prevalence, size: int, workers: int
) -> Cases:
    """Render the first `cases` studies of a population of the NIH profile."""
    one = partial(_draw_case, seed, population, prevalence, size)
    if workers == 1:
        drawn = [one(number) for number in range(cases)]
    else:
        with ProcessPoolExecutor(workers) as pool:
            drawn = list(pool.map(one, range(cases), chunksize=50))
    images, labels, flags = zip(*drawn)
    return Cases(np.stack(images), np.stack(labels), np.stack(flags))


def _draw_case(
    seed: int, population: str, prevalence: Prevalence, size: int, number: int
) -> tuple[NDArray[np.uint8], Array, Array]:
    study = draw_study(seed, population, number, prevalence, "nih")
    view = study.views[0]
    pixels = np.round(render_view(study, view, size).pixels * 255).astype(np.uint8)
    labels = np.array([study.has(name) for name in NIH_CLASSES], np.float32)
    flags = [name in view.devices for name in DEVICES]
    flags += [view.marker == "L", view.marker == "R", view.name == "AP"]
    values = [*flags, view.exposure, view.noise, view.rotation_degrees]
    return pixels, labels, np.array(values, np.float32)


def supervised_auc(train: Cases, test: Cases, epochs: int, seed: int, side: int = 64) -> Array:
    """Test AUC per class of a small residual network trained on all labels of `train`.

    Images are averaged down to `side` pixels, the size at which the demo's models see them.
    """
    from sklearn.metrics import roc_auc_score

    from benchmark.phantom.acceptance_network import train_and_score

    scores = train_and_score(train.images, train.labels, test.images, epochs, seed, side)
    columns = range(train.labels.shape[1])
    return np.array([roc_auc_score(test.labels[:, i], scores[:, i]) for i in columns], np.float32)


def accept(
    size: int = 128,
    cases: int = 5000,
    seed: int = 0,
    *,
    test_cases: int = 1200,
    train_prevalence: Prevalence = "enriched",
    epochs: int = 10,
    workers: int = 2,
    supervised: bool = True,
) -> Verdict:
    """Render, train the predictors, score them.

    Args:
        size: Side of the images in pixels.
        cases: Training studies.
        seed: Of the phantom and of the network.
        test_cases: Test studies, always enriched.
        train_prevalence: Of the training studies; enriched gives the shortcuts and the network
            the best chance.
        epochs: Of the network.
        workers: Rendering processes.
        supervised: Whether to train the network, which takes minutes.
    """
    train = draw_cases(seed, "acceptance-train", cases, train_prevalence, size, workers)
    test = draw_cases(seed, "acceptance-test", test_cases, "enriched", size, workers)
    auc: dict[str, Array] = {}
    shortcuts: dict[str, Callable[[Cases], Array]] = {
        "8x8 thumbnail": lambda given: thumbnails(given.images, 8),
        "16x16 thumbnail": lambda given: thumbnails(given.images, 16),
        "histogram": lambda given: histograms(given.images),
        "devices and exposure": lambda given: given.flags,
    }
    for name, features in shortcuts.items():
        auc[name] = linear_auc(features(train), train.labels, features(test), test.labels)
    if supervised:
        auc["supervised"] = supervised_auc(train, test, epochs, seed)
    return Verdict(auc, test.labels.sum(0).astype(np.int64), cases, test_cases)


def as_markdown(verdict: Verdict) -> str:
    """The table of AUCs, one row a class, and the mean."""
    names = list(verdict.auc)
    lines = [
        "| class | positives | " + " | ".join(names) + " |",
        "|---|" + "---:|" * (len(names) + 1),
    ]
    for row, label in enumerate(NIH_CLASSES):
        values = " | ".join(f"{verdict.auc[name][row]:.3f}" for name in names)
        lines.append(f"| {label} | {verdict.positives[row]} | {values} |")
    means = " | ".join(f"{verdict.auc[name].mean():.3f}" for name in names)
    lines.append(f"| **mean** | {verdict.positives.mean():.0f} | {means} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: `python -m benchmark.phantom.acceptance --out FILE`; 1 where not accepted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--test-cases", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--no-network", action="store_true", help="only the shortcuts")
    parser.add_argument("--out", type=Path, help="Markdown file for the table")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    verdict = accept(
        options.size,
        options.cases,
        options.seed,
        test_cases=options.test_cases,
        epochs=options.epochs,
        workers=options.workers,
        supervised=not options.no_network,
    )
    text = (
        f"Phantom version {PHANTOM_VERSION}, {options.size} px, {options.cases} training and "
        f"{options.test_cases} test studies, seed {options.seed}, "
        f"{time.perf_counter() - start:.0f} s.\n\n{as_markdown(verdict)}\n"
    )
    failures = verdict.failures()
    text += "\n".join(f"- not met: {item}" for item in failures) or "All criteria hold."
    sys.stdout.write(text + "\n")
    if options.out:
        options.out.write_text(text + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
