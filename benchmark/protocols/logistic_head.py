"""A linear head on stored features as logistic regression, solved to convergence."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from benchmark.protocols.classifier import inverse_frequencies, positive_weights
from benchmark.protocols.linear_head import Head, Table

if TYPE_CHECKING:
    from benchmark.recipes import LinearProbeRecipe

MOST_ITERATIONS = 2000
"""Whether the solver converged before is stored."""

ABSENT_LOGIT = -30.0
"""Of a class that has no training image."""


def solve_head(table: Table, recipe: LinearProbeRecipe, penalty: float) -> Head:
    """Logistic regression by L-BFGS with an L2 penalty on the weights, not on the bias.

    One for each class on its known labels; one for all where an image has one class. A class
    without both kinds of training labels gets a constant.
    """
    started = time.perf_counter()
    solve = _solve_classes if recipe.target == "multi_label" else _solve_one_of_many
    weight, bias, iterations = solve(table, recipe.weighted_loss, penalty)
    head = Head(weight.astype(np.float32), bias.astype(np.float32), step=iterations)
    auc = None
    if len(table.chosen_by.rows):
        scores = head.scores(table.selection_features, recipe.target)
        auc = table.chosen_by.mean_auc(scores)
    return replace(
        head,
        auc=auc,
        facts={"iterations": iterations, "converged": iterations < MOST_ITERATIONS},
        seconds=time.perf_counter() - started,
    )


def _solve_classes(
    table: Table, weighted: bool, penalty: float
) -> tuple[np.ndarray, np.ndarray, int]:
    classes, width = table.truth.shape[1], table.features.shape[1]
    weight, bias, most = np.zeros((classes, width)), np.zeros(classes), 0
    factors = positive_weights(table.truth)
    for column in range(classes):
        known = ~np.isnan(table.truth[:, column])
        labels = table.truth[known, column]
        if len(np.unique(labels)) < 2:
            bias[column] = np.log((labels.sum() + 0.5) / ((1 - labels).sum() + 0.5))
            continue
        importance = np.where(labels == 1, factors[column], 1.0) if weighted else None
        solved = _fit(table.features[known], labels, importance, penalty)
        weight[column], bias[column] = solved.coef_[0], solved.intercept_[0]
        most = max(most, int(solved.n_iter_.max()))
    return weight, bias, most


def _solve_one_of_many(
    table: Table, weighted: bool, penalty: float
) -> tuple[np.ndarray, np.ndarray, int]:
    usable = (table.truth == 1).sum(axis=1) == 1
    labels = (table.truth[usable] == 1).argmax(axis=1)
    present = np.unique(labels)
    weight = np.zeros((table.truth.shape[1], table.features.shape[1]))
    bias = np.full(len(weight), ABSENT_LOGIT)
    if len(present) < 2:
        bias[present] = 0.0
        return weight, bias, 0
    importance = inverse_frequencies(table.truth[usable])[labels] if weighted else None
    solved = _fit(table.features[usable], labels, importance, penalty)
    if len(present) == 2:
        # Two classes have one logit, the difference of theirs.
        weight[present] = np.stack([-solved.coef_[0], solved.coef_[0]]) / 2
        bias[present] = np.array([-solved.intercept_[0], solved.intercept_[0]]) / 2
    else:
        weight[present], bias[present] = solved.coef_, solved.intercept_
    return weight, bias, int(solved.n_iter_.max())


def _fit(
    features: np.ndarray, labels: np.ndarray, importance: np.ndarray | None, penalty: float
) -> LogisticRegression:
    solver = LogisticRegression(C=1.0 / penalty, max_iter=MOST_ITERATIONS)
    with warnings.catch_warnings():
        # Whether it converged is stored.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return solver.fit(features.astype(np.float64), labels, sample_weight=importance)
