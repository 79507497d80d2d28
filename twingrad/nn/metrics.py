"""Metrics: how good outputs are, as a plain number for people to read.

A metric is any function of (outputs, targets), plain arrays, that gives a float; the few known
by name are here. scikit-learn's metrics serve as they are, once outputs are made labels.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import ShapeError
from .losses import binary_cross_entropy_with_logits

Array = npt.NDArray[Any]
Metric = Callable[[Array, Array], float]


def accuracy_cut_at(cut: float | None = None) -> Metric:
    """The share of right labels.

    Outputs of several columns stand for the largest one. A single output stands for the upper
    label where it is above `cut`, which is by default midway between the targets: 0 for -1 and
    1, 0.5 for 0 and 1.
    """

    def accuracy(outputs: Array, targets: Array) -> float:
        if outputs.ndim == 2 and outputs.shape[1] > 1:
            labels = targets.argmax(axis=1) if targets.ndim == 2 else targets
            return float(np.mean(outputs.argmax(axis=1) == labels))
        midway = 0.0 if (targets < 0).any() else 0.5
        above = outputs.ravel() > (midway if cut is None else cut)
        return float(np.mean(above == (targets.ravel() > midway)))

    return accuracy


def mse(outputs: Array, targets: Array) -> float:
    """The mean squared error, over all elements."""
    return float(np.mean(_error(outputs, targets) ** 2))


def mae(outputs: Array, targets: Array) -> float:
    """The mean absolute error, over all elements."""
    return float(np.mean(np.abs(_error(outputs, targets))))


def _error(outputs: Array, targets: Array) -> Array:
    if outputs.shape != targets.shape:
        raise ShapeError(
            f"outputs of shape {outputs.shape} cannot be compared with targets of shape "
            f"{targets.shape}; they must be equal"
        )
    return np.asarray(outputs - targets)


def named_metric(name: str, loss: Any) -> Metric:
    """The metric of a name, for outputs trained with a loss: logits are cut at 0."""
    logits = loss is binary_cross_entropy_with_logits
    metrics = {"accuracy": accuracy_cut_at(0.0 if logits else None), "mse": mse, "mae": mae}
    if name not in metrics:
        raise ValueError(
            f"a metric is one of {', '.join(metrics)}, or a function of (outputs, targets), not "
            f"{name!r}"
        )
    return metrics[name]


def resolved(metrics: Any, loss: Any) -> dict[str, Metric]:
    """Metrics by name, from names and functions."""
    given = [metrics] if isinstance(metrics, str) or callable(metrics) else list(metrics)
    found: dict[str, Metric] = {}
    for metric in given:
        if callable(metric):
            found[getattr(metric, "__name__", type(metric).__name__)] = metric
        else:
            found[metric] = named_metric(metric, loss)
    return found
