"""What can be learned from samples at all, by rules without a network: neighbours, kernels, a line.

A model that does worse on its samples than these do on samples they have not seen could do better;
where neither neighbours nor a line do better than chance, there may be nothing to learn.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

NEIGHBOURS = 5
_AT_MOST = 800
_COLUMNS = 4096
"""Of wider samples so many columns are looked at: neighbours are near in a part of them, too."""
_SOLVED = 500
"""So many samples at most have a matrix of theirs inverted."""
_SHUFFLES = 100


class Reach(NamedTuple):
    """`score` of the best rule, 0 that of a constant and 1 perfect; how far from chance `relation`
    is, in standard deviations of shuffled labels; None where there are too few samples."""

    score: float | None
    relation: float | None


def reach(X: npt.NDArray[np.floating], codes: Array) -> Reach:
    """What rules make of samples X, (samples, features), and their targets as codes.

    codes: (samples, n), one-hot rows for classes, standardised ranks or numbers else. The score is
    of what is said of each sample by the others, its five nearest or kernel ridge regression, the
    larger of them (Rasmussen & Williams 2006, "Gaussian Processes for Machine Learning", equation
    5.12, of leaving one out); the relation is the larger of two z values against
    shuffled targets: agreement of neighbours, and out-of-fold fit of a ridge regression. Schilling
    1986, "Multivariate Two-Sample Tests Based on Nearest Neighbors", JASA 81.
    """
    if len(X) < 20:
        return Reach(None, None)
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(X))[:_AT_MOST]
    kept = np.sort(np.random.default_rng(0).permutation(X.shape[1])[:_COLUMNS])
    rows, codes = np.asarray(X[np.ix_(chosen, kept)], np.float64), codes[chosen]
    centred = codes - codes.mean(axis=0)
    spread = rows.std(axis=0)
    scaled = (rows - rows.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    orders = [rng.permutation(len(rows)) for _ in range(_SHUFFLES)]
    scores, relations = [], []
    for points in (rows, scaled):
        near = _nearest(points)
        scores.append(_score(codes, codes[near].mean(axis=1)))

        def agreement(targets: Array, near: npt.NDArray[np.intp] = near) -> float:
            return float((targets[:, None, :] * targets[near]).sum())

        relations.append(_deviation(agreement, centred, orders))
    scores.append(_of_kernels(scaled[:_SOLVED], codes[:_SOLVED]))
    hat = _out_of_fold(scaled)
    relations.append(_deviation(lambda t: float(((hat @ t) * t).sum()), centred, orders))
    return Reach(max(scores), max(relations) if len(rows) >= 60 else None)


def _of_kernels(points: Array, codes: Array) -> float:
    """The best score of Gaussian kernels of a few widths, each sample said by all others."""
    distances = _distances(points)
    usual = float(np.median(distances)) or 1.0
    mean, scores = codes.mean(axis=0), [0.0]
    for width in (0.05, 0.25, 1.0):
        kernel = np.exp(-0.5 * distances / (width * usual))
        for noise in (1e-2, 0.3):
            inverse = np.linalg.inv(kernel + noise * np.eye(len(kernel)))
            left_out = codes - inverse @ (codes - mean) / np.diag(inverse)[:, None]
            scores.append(_score(codes, left_out))
    return max(scores)


def _distances(points: Array) -> Array:
    squares = (points**2).sum(axis=1)
    found: Array = squares[:, None] + squares[None, :] - 2.0 * points @ points.T
    return np.maximum(found, 0.0, out=found)


def _nearest(points: Array) -> npt.NDArray[np.intp]:
    distances = _distances(points)
    np.fill_diagonal(distances, np.inf)
    return np.argpartition(distances, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]


def _score(codes: Array, said: Array) -> float:
    if codes.shape[1] > 1:
        right = float(np.mean(codes.argmax(axis=1) == said.argmax(axis=1)))
        most = float(codes.mean(axis=0).max())
        return (right - most) / (1.0 - most) if most < 1.0 else 0.0
    spread = float(((codes - codes.mean(axis=0)) ** 2).sum())
    return 1.0 - float(((codes - said) ** 2).sum()) / spread if spread else 0.0


def _deviation(statistic: object, targets: Array, orders: list[npt.NDArray[np.int64]]) -> float:
    """How many standard deviations a statistic of the targets is from that of shuffled ones."""
    ask = statistic
    seen = np.array([ask(targets[order]) for order in orders])  # type: ignore[operator]
    spread = float(seen.std())
    return abs(float(ask(targets)) - float(seen.mean())) / spread if spread else 0.0  # type: ignore[operator]


def _out_of_fold(X: Array) -> Array:
    """The matrix that takes targets to what a ridge regression on the other half says of each."""
    half = np.arange(len(X)) % 2 == 0
    hat = np.zeros((len(X), len(X)))
    for fold in (half, ~half):
        kernel = X[~fold] @ X[~fold].T
        weight = 0.1 * np.trace(kernel) / len(kernel) + 1e-9
        solved = np.linalg.solve(kernel + weight * np.eye(len(kernel)), np.eye(len(kernel)))
        hat[np.ix_(fold, ~fold)] = X[fold] @ X[~fold].T @ solved
    return hat
