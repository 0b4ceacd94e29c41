"""The mean of the made-up scores."""

from __future__ import annotations

from typing import Any

from benchmark.interfaces import Metric, Scores


def score(predictions: Any, recipe: Any, seed: int, replicates: int) -> Scores:
    """One metric."""
    value = float(predictions["scores"].mean())
    metric = Metric(value, interval=(0.0, 1.0), best=1.0, n=len(predictions["ids"]))
    return Scores({"score": metric}, {"patients": predictions["patients"]})
