"""Metrics: how good outputs are, as a plain number for people to read.

A metric is any function of (outputs, targets), plain arrays, that gives a float; the few known
by name are here. scikit-learn's metrics serve as they are, once outputs are made labels.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import ShapeError
from .losses import binary_cross_entropy_with_logits

Array = npt.NDArray[Any]
Metric = Callable[[Array, Array], float]

RESERVED = ("loss", "learning_rate", "seconds", "metrics", "interrupted", "rng")
"""What a history has besides metrics."""


def accuracy_cut_at(cut: float = 0.5, between: float = 0.5) -> Metric:
    """The metric that gives the share of right labels.

    Outputs of several columns stand for the largest one. A single output stands for the upper
    label where it is above `cut`, as a target does where it is above `between`: 0.5 and 0.5 for
    labels 0 and 1, 0.0 and 0.0 for -1 and 1, 0.0 and 0.5 for logits of labels 0 and 1.
    """

    def accuracy(outputs: Array, targets: Array) -> float:
        if outputs.ndim == 2 and outputs.shape[1] > 1:
            one_hot = targets.ndim == 2 and targets.shape[1] > 1
            labels = targets.argmax(axis=1) if one_hot else targets.ravel()
            return float(np.mean(_alike(outputs.argmax(axis=1), labels)))
        return float(np.mean(_alike(outputs.ravel() > cut, targets.ravel() > between)))

    return accuracy


def _alike(said: Array, labels: Array) -> Array:
    if said.shape != labels.shape:
        raise ShapeError(f"{len(said)} outputs cannot be compared with {len(labels)} targets")
    return np.asarray(said == labels)


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


def named_metric(name: str, loss: Any, targets: Array) -> Metric:
    """The metric of a name, for outputs trained with a loss on targets.

    Accuracy cuts single outputs midway between targets of -1 and 1, or of 0 and 1; and at 0 if
    the loss is `binary_cross_entropy_with_logits` itself, whose outputs are logits.
    """
    between = 0.0 if targets.size and targets.min() < 0 else 0.5
    cut = 0.0 if loss is binary_cross_entropy_with_logits else between
    metrics = {"accuracy": accuracy_cut_at(cut, between), "mse": mse, "mae": mae}
    if name not in metrics:
        raise ValueError(
            f"a metric is one of {', '.join(metrics)}, or a function of (outputs, targets), not "
            f"{name!r}"
        )
    return metrics[name]


def resolved(metrics: Any, loss: Any, targets: Array) -> dict[str, Metric]:
    """Metrics by name, from names and functions."""
    if not isinstance(metrics, str | Iterable) and not callable(metrics):
        raise TypeError(f"metrics are names or functions in a list, not {metrics!r}")
    given = [metrics] if isinstance(metrics, str) or callable(metrics) else list(metrics)
    found: dict[str, Metric] = {}
    for metric in given:
        name = (
            metric
            if isinstance(metric, str)
            else getattr(metric, "__name__", type(metric).__name__)
        )
        if name in RESERVED or name.startswith("val_"):
            raise ValueError(
                f"a metric cannot be called {name!r}, which the history has already; give the "
                "function another name"
            )
        if name in found:
            raise ValueError(f"two metrics are called {name!r}; give each a name of its own")
        found[name] = metric if callable(metric) else named_metric(metric, loss, targets)
    return found


def measured(metrics: dict[str, Metric], outputs: Array, targets: Array) -> dict[str, float]:
    """Each metric's number."""
    found = {}
    for name, metric in metrics.items():
        number = metric(outputs, targets)
        if np.ndim(number) or not isinstance(number, int | float | np.number | np.ndarray):
            raise TypeError(f"the metric {name!r} must give one number, but {number!r} came")
        found[name] = float(number)
    return found
