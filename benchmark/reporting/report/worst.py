"""The test samples that a record gets most wrong, from its per-sample arrays; ids only.

Which rule holds follows from the arrays that a family of metrics keeps (docs/architecture.md,
Scores), not from a task's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Arrays = Mapping[str, np.ndarray]
SHOWN = 10


@dataclass(frozen=True)
class Worst:
    """Chosen samples.

    Attributes:
        rule: How they were chosen, one sentence.
        rows: Positions in the arrays, the worst first; one may stand twice (two classes).
        columns: Title to values, one for each row.
        why: Why there is none, where there is none.
    """

    rule: str = ""
    rows: tuple[int, ...] = ()
    columns: Mapping[str, tuple[float | str, ...]] | None = None
    why: str = ""


def worst_samples(arrays: Arrays, classes: tuple[str, ...] = (), shown: int = SHOWN) -> Worst:
    """The worst samples of one record.

    Args:
        arrays: Its per-sample arrays over the test split.
        classes: Names of the columns of `scores`, for classification.
        shown: At most so many.
    """
    if not len(arrays.get("ids", ())):
        return Worst(why="no per-sample values stand beside this record")
    for needed, rule in _RULES:
        if all(name in arrays for name in needed):
            return rule(arrays, classes, shown)
    return Worst(why="this family of metrics has no score of one sample here")


def _segmentation(arrays: Arrays, _: tuple[str, ...], shown: int) -> Worst:
    dice = _whole(arrays["dice_nonempty"])
    rows = _lowest(dice, arrays, shown)
    if not len(rows):
        return Worst(why="no test image has a target")
    return Worst(
        "Lowest Dice of the test images with a target; ties in the order of the ids.",
        rows,
        _take(arrays, rows, {"Dice": dice, "target, share of the image": "target_fraction"}),
    )


def _detection(arrays: Arrays, _: tuple[str, ...], shown: int) -> Worst:
    truths, recall = _whole(arrays["truth_boxes"]), _whole(arrays["recall_50"])
    missed = np.where(truths > 0, truths * (1 - np.nan_to_num(recall)), np.nan)
    rows = _lowest(np.where(missed > 1e-9, -missed, np.nan), arrays, shown)
    if not len(rows):
        return Worst(why="no true box is missed at IoU 0.50")
    return Worst(
        "Most true boxes missed at IoU 0.50, whatever the score; ties in the order of the ids.",
        rows,
        _take(
            arrays,
            rows,
            {"boxes missed": missed, "true boxes": truths, "detections": "detections"},
        ),
    )


def _grounding(arrays: Arrays, _: tuple[str, ...], shown: int) -> Worst:
    cnr = _whole(arrays["cnr"])
    rows = _lowest(cnr, arrays, shown)
    if not len(rows):
        return Worst(why="no pair has a CNR")
    named: dict[str, str | np.ndarray] = {"CNR": cnr, "category": "category"}
    named |= {
        title: name
        for title, name in (
            ("IoU", "iou"),
            ("pointing game", "pointing_game"),
            ("lesion, share of the image", "lesion_fraction"),
        )
        if name in arrays
    }
    return Worst(
        "Lowest CNR of the test pairs; ties in the order of the ids.",
        rows,
        _take(arrays, rows, named),
    )


def _classification(arrays: Arrays, classes: tuple[str, ...], shown: int) -> Worst:
    truth, scores = np.asarray(arrays["truth"]), np.asarray(arrays["scores"], dtype=np.float64)
    wrong, distance = wrong_share(truth, scores)
    ids = np.repeat(np.asarray(arrays["ids"]), scores.shape[1])
    order = np.lexsort((ids, -distance.ravel(), -wrong.ravel()))
    chosen = [int(place) for place in order if wrong.ravel()[place] > 0][:shown]
    if not chosen:
        return Worst(why="no test case stands on the wrong side of a case of the other kind")
    rows, columns = np.unravel_index(chosen, wrong.shape)
    names = np.array([classes[c] if c < len(classes) else f"class {c + 1}" for c in columns])
    return Worst(
        "Most confident errors: cases that outrank the largest share of the cases with the "
        "opposite label of their class (a negative above positives, a positive below negatives); "
        "of equal shares the one further from the class's mean score, in its standard deviations.",
        tuple(int(row) for row in rows),
        {
            "class": tuple(str(name) for name in names),
            "truth": tuple(
                "positive" if truth[r, c] == 1 else "negative" for r, c in zip(rows, columns)
            ),
            "score": tuple(float(scores[r, c]) for r, c in zip(rows, columns)),
            "on the wrong side of": tuple(float(wrong[r, c]) for r, c in zip(rows, columns)),
        },
    )


def wrong_share(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How wrong each case of each class is, by rank.

    Args:
        truth: (n, k) 0, 1, or NaN for unknown.
        scores: (n, k).

    Returns:
        The share of cases with the opposite label that stand on the wrong side of it (a tie is
        not wrong; 0 where the label is unknown), and its score's distance from the mean in
        standard deviations, towards the wrong side. Both (n, k).
    """
    wrong, distance = np.zeros(scores.shape), np.zeros(scores.shape)
    for column in range(scores.shape[1]):
        label, score = truth[:, column], scores[:, column]
        known = np.isfinite(score)
        positive, negative = known & (label == 1), known & (label == 0)
        if not positive.any() or not negative.any():
            continue
        ups, downs = np.sort(score[positive]), np.sort(score[negative])
        above = np.searchsorted(ups, score[negative], side="left") / len(ups)
        below = 1 - np.searchsorted(downs, score[positive], side="right") / len(downs)
        wrong[negative, column], wrong[positive, column] = above, below
        both = positive | negative
        spread = float(score[both].std()) or 1.0
        away = (score - score[both].mean()) / spread
        distance[negative, column], distance[positive, column] = away[negative], -away[positive]
    return wrong, distance


def _whole(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=np.float64)


def _lowest(values: np.ndarray, arrays: Arrays, shown: int) -> tuple[int, ...]:
    """Positions of the lowest finite values; of equal ones the first id comes first."""
    order = np.lexsort((np.asarray(arrays["ids"]), values))
    return tuple(int(row) for row in order if np.isfinite(values[row]))[:shown]


def _take(
    arrays: Arrays, rows: tuple[int, ...], named: Mapping[str, str | np.ndarray]
) -> dict[str, tuple[float | str, ...]]:
    found: dict[str, tuple[float | str, ...]] = {}
    for title, source in named.items():
        values = np.asarray(arrays[source] if isinstance(source, str) else source)
        taken = values[list(rows)]
        is_text = taken.dtype.kind in "US"
        found[title] = tuple(str(item) if is_text else float(item) for item in taken)
    return found


Rule = Callable[[Arrays, tuple[str, ...], int], Worst]
_RULES: tuple[tuple[tuple[str, ...], Rule], ...] = (
    (("dice_nonempty", "target_fraction"), _segmentation),
    (("recall_50", "truth_boxes", "detections"), _detection),
    (("cnr", "category"), _grounding),
    (("truth", "scores"), _classification),
)
