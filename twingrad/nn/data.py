"""Data to learn on: XOR, the two moons, the handwritten digits, MNIST, and a split for testing.

The only module that imports scikit-learn, and only when its data is asked for.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from .mnist import mnist as mnist
from .optional import optional

Array = npt.NDArray[Any]


def xor() -> tuple[Array, Array]:
    """The four points of exclusive or: X of shape (4, 2), y of shape (4,), zeros and ones."""
    return np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0.0, 1, 1, 0])


def moons(
    n: int = 100, *, noise: float = 0.1, rng: int | np.random.Generator | None = None
) -> tuple[Array, Array]:
    """Two interleaved half circles: X of shape (n, 2), y of shape (n,), -1.0 or 1.0.

    scikit-learn's `make_moons`, the labels as micrograd's demo takes them.
    """
    seed = int(rng) if isinstance(rng, int | np.integer) else _drawn_seed(rng)
    X, y = _sklearn("datasets").make_moons(n_samples=n, noise=noise, random_state=seed)
    return X, 2.0 * y - 1.0


def digits() -> tuple[Array, Array]:
    """1,797 handwritten digits: X of shape (1797, 64), 8×8 images scaled to [0, 1]; y, 0 to 9.

    They come with scikit-learn. Alpaydin & Kaynak 1998, UCI Machine Learning Repository.
    """
    X, y = _sklearn("datasets").load_digits(return_X_y=True)
    return X / 16.0, y


def train_test_split(
    X: Any,
    y: Any,
    test_size: float = 0.2,
    *,
    stratify: bool = False,
    rng: int | np.random.Generator | None = None,
) -> tuple[Array, Array, Array, Array]:
    """X_train, X_test, y_train, y_test, shuffled; `stratify` keeps the classes' shares.

    >>> import numpy as np
    >>> from twingrad import nn
    >>> parts = nn.data.train_test_split(np.zeros((10, 2)), np.arange(10), 0.2, rng=0)
    >>> [part.shape for part in parts]
    [(8, 2), (2, 2), (8,), (2,)]
    """
    seed = _drawn_seed(rng)
    parts = _sklearn("model_selection").train_test_split(
        X, y, test_size=test_size, random_state=seed, stratify=y if stratify else None
    )
    return tuple(np.asarray(part) for part in parts)  # type: ignore[return-value]


def _drawn_seed(rng: int | np.random.Generator | None) -> int:
    return int(np.random.default_rng(rng).integers(2**31))


def _sklearn(module: str) -> Any:
    return optional(f"sklearn.{module}", "scikit-learn", "learn")
