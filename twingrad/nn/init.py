"""How weights begin: random numbers whose spread keeps a signal's size from layer to layer.

Each takes a shape, a source of randomness `rng` (a seed or a numpy Generator) and a dtype. A
shape of two is (fan_in, fan_out); longer ones are (out, in, *kernel), as in PyTorch.
"""

from collections.abc import Callable
from math import prod, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Shape = tuple[int, ...]
Rng = int | np.random.Generator | None


def xavier_uniform(
    shape: Shape, *, gain: float = 1.0, rng: Rng = None, dtype: Any = np.float32
) -> Array:
    """Uniform of variance gain² 2/(fan_in + fan_out): for tanh and sigmoid.

    Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural
    networks", equation 16.
    """
    return _uniform_of_variance(gain**2 * 2.0 / sum(_fans(shape)), shape, rng, dtype)


def xavier_normal(
    shape: Shape, *, gain: float = 1.0, rng: Rng = None, dtype: Any = np.float32
) -> Array:
    """Normal of variance gain² 2/(fan_in + fan_out); the normal form of Glorot & Bengio 2010."""
    return _normal_of_variance(gain**2 * 2.0 / sum(_fans(shape)), shape, rng, dtype)


def he_uniform(
    shape: Shape, *, gain: float = sqrt(2.0), rng: Rng = None, dtype: Any = np.float32
) -> Array:
    """Uniform of variance gain²/fan_in, the gain √2 making up for the half that relu drops.

    He, Zhang, Ren & Sun 2015, arXiv:1502.01852, equation 10; there normal.
    """
    return _uniform_of_variance(gain**2 / _fans(shape)[0], shape, rng, dtype)


def he_normal(
    shape: Shape, *, gain: float = sqrt(2.0), rng: Rng = None, dtype: Any = np.float32
) -> Array:
    """Normal of variance gain²/fan_in, gain √2: He et al. 2015, arXiv:1502.01852, equation 10."""
    return _normal_of_variance(gain**2 / _fans(shape)[0], shape, rng, dtype)


def lecun_uniform(
    shape: Shape, *, gain: float = 1.0, rng: Rng = None, dtype: Any = np.float32
) -> Array:
    """Uniform of variance gain²/fan_in.

    LeCun, Bottou, Orr & Müller 1998, "Efficient BackProp", equation 16.
    """
    return _uniform_of_variance(gain**2 / _fans(shape)[0], shape, rng, dtype)


def lecun_normal(
    shape: Shape, *, gain: float = 1.0, rng: Rng = None, dtype: Any = np.float32
) -> Array:
    """Normal of variance gain²/fan_in: LeCun et al. 1998, "Efficient BackProp", equation 16."""
    return _normal_of_variance(gain**2 / _fans(shape)[0], shape, rng, dtype)


def orthogonal(
    shape: Shape, *, gain: float = 1.0, rng: Rng = None, dtype: Any = np.float32
) -> Array:
    """Rows or columns, whichever are fewer, orthogonal and of length gain.

    Saxe, McClelland & Ganguli 2014, arXiv:1312.6120. Drawn uniformly over all such matrices:
    the QR factors of a normal matrix, the signs of R's diagonal made positive.
    """
    if len(shape) < 2:
        raise ValueError(f"orthogonal needs a shape of two or more, not {shape}")
    rows, columns = shape[0], prod(shape[1:])
    drawn = _generator(rng).normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(drawn)
    q *= np.where(np.diag(r) < 0.0, -1.0, 1.0)
    matrix = q if rows >= columns else q.T
    return np.asarray(gain * matrix.reshape(shape), dtype=dtype)


def uniform(
    shape: Shape, *, low: float = -1.0, high: float = 1.0, rng: Rng = None, dtype: Any = np.float32
) -> Array:
    """Uniform between low and high."""
    return _generator(rng).uniform(low, high, shape).astype(dtype)


def zeros(shape: Shape, *, rng: Rng = None, dtype: Any = np.float32) -> Array:
    """Zeros: for biases. Weights all alike would stay alike."""
    return np.zeros(shape, dtype=dtype)


BY_NAME: dict[str, Callable[..., Array]] = {
    "he": he_uniform,
    "xavier": xavier_uniform,
    "lecun": lecun_uniform,
    "xavier_uniform": xavier_uniform,
    "xavier_normal": xavier_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "lecun_uniform": lecun_uniform,
    "lecun_normal": lecun_normal,
    "orthogonal": orthogonal,
    "uniform": uniform,
    "zeros": zeros,
}
"""What a layer's `init=` may be called."""


def by_name(init: str | Callable[..., Array]) -> Callable[..., Array]:
    """The initialiser of a name, or the one given."""
    if callable(init):
        return init
    if init not in BY_NAME:
        raise ValueError(f"init is one of {', '.join(BY_NAME)}, or a function, not {init!r}")
    return BY_NAME[init]


def _fans(shape: Shape) -> tuple[int, int]:
    if len(shape) < 2:
        raise ValueError(f"fan_in and fan_out need a shape of two or more, not {shape}")
    if len(shape) == 2:
        return shape[0], shape[1]
    kernel = prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def _uniform_of_variance(variance: float, shape: Shape, rng: Rng, dtype: Any) -> Array:
    limit = sqrt(3.0 * variance)
    return uniform(shape, low=-limit, high=limit, rng=rng, dtype=dtype)


def _normal_of_variance(variance: float, shape: Shape, rng: Rng, dtype: Any) -> Array:
    return _generator(rng).normal(0.0, sqrt(variance), shape).astype(dtype)


def _generator(rng: Rng) -> np.random.Generator:
    return np.random.default_rng(rng)
