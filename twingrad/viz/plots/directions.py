"""Directions in the space of a model's weights, along which a map of its loss is drawn.

Weights of different layers differ in size, and a relu network computes the same with one layer
doubled and the next halved; directions are hence measured by the weights they change.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ...engine import ShapeError, Value
from ...nn.module import Module
from ...nn.monitor import Monitor

Array = npt.NDArray[Any]


def weights_of(parameters: list[Any]) -> Array:
    """All numbers of the parameters, as one vector."""
    return np.concatenate([np.ravel(parameter.data) for parameter in parameters], dtype=float)


def filters_of(model: Any, parameters: list[Any]) -> list[Array]:
    """Where, in the vector of all weights, those into each unit lie."""
    if not isinstance(model, Module):
        return [np.arange(len(weights_of(parameters)))]  # without names, all are one
    lists: dict[str, list[Array]] = {}
    names = {parameter: name for name, parameter in model.named_parameters()}
    filters, start = [], 0
    for parameter in parameters:
        shape = np.shape(parameter.data)
        indices = start + np.arange(np.prod(shape, dtype=int)).reshape(shape)
        start += indices.size
        holder, _, last = names[parameter].rpartition(".")
        if isinstance(parameter, Value) and last.isdecimal():
            lists.setdefault(holder, []).append(indices.ravel())
        elif len(shape) == 2:
            filters += list(indices.T)
        elif len(shape) > 2:
            filters += list(indices.reshape(shape[0], -1))
    return filters + [np.concatenate(places) for places in lists.values()]


def random_direction(weights: Array, filters: list[Array], rng: np.random.Generator) -> Array:
    """A direction of which each filter has the norm that it has in the weights."""
    drawn, direction = rng.standard_normal(weights.shape), np.zeros_like(weights)
    for places in filters:
        size = np.linalg.norm(weights[places]) / np.linalg.norm(drawn[places])
        direction[places] = size * drawn[places]
    if not np.isfinite(direction).all() or not direction.any():
        raise ValueError(
            "the weights into the units are all 0, nan or infinite, or there are none besides "
            "one-dimensional parameters: they give random directions no length"
        )
    return direction


def snapshots_of(path: Any, parameters: list[Any]) -> Array:
    """The weights on a path, (snapshots, numbers), from a monitor or an array."""
    snapshots = np.asarray(path.path if isinstance(path, Monitor) else path)
    size = sum(np.size(parameter.data) for parameter in parameters)
    if snapshots.dtype.kind not in "iuf":
        raise TypeError(f"path is an nn.Monitor or an array of snapshots, not {path!r}")
    if snapshots.ndim != 2 or snapshots.shape[1] != size or len(snapshots) < 3:
        raise ShapeError(
            f"path is (snapshots, {size}) for this model, three snapshots or more, not "
            f"{snapshots.shape}"
        )
    if not np.isfinite(snapshots).all():
        first = int(np.argmin(np.isfinite(snapshots).all(axis=1)))
        raise ValueError(
            f"the path holds NaN or infinite weights from snapshot {first} on; give the part "
            f"before, monitor.path[:{first}]"
        )
    return snapshots.astype(float)


def principal_directions(snapshots: Array) -> tuple[Array, Array]:
    """The first two principal components, (2, numbers), and their shares of the variance."""
    moved = snapshots - snapshots.mean(axis=0)
    if not moved.any():
        raise ValueError("all snapshots of the path are the same: there is no way to draw")
    _, singular, components = np.linalg.svd(moved, full_matrices=False)
    directions = np.zeros((2, snapshots.shape[1]))
    directions[: len(components)] = components[:2]  # a model may have one number only
    start = directions @ (snapshots[0] - snapshots[-1])
    directions[start > 0.0] *= -1.0  # the path runs to the right, and up
    shares = np.append(singular, 0.0) ** 2 / np.sum(singular**2)
    return directions, shares[:2]
