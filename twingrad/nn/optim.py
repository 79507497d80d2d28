"""The optimizers: for each a rule of update, its settings and where it comes from.

The same classes serve both twins, because a rule of update is arithmetic: `x -= step` gives a
float another value and changes an array where it is.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..engine import functions as fn
from .optimizer import Optimizer
from .settings import at_least_zero, below_one
from .stretches import elementwise

__all__ = ["SGD", "Adam", "AdamW", "Lion", "Optimizer", "RMSprop"]


class SGD(Optimizer):
    """Stochastic gradient descent: g ← grad + weight_decay·x; v ← momentum·v + g; x ← x - lr·v.

    Polyak 1964 (heavy ball), in the form of Sutskever et al. 2013 with the learning rate outside
    the velocity, as in PyTorch. `nesterov` steps along g + momentum·v.

    >>> from twingrad import Value
    >>> from twingrad.nn import SGD
    >>> x = Value(3.0)
    >>> optimizer = SGD([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 6)
    2.4
    """

    settings = ("momentum", "nesterov", "weight_decay")
    state_names = ("velocity",)

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        self.momentum = below_one("momentum", momentum)
        self.weight_decay = at_least_zero("weight_decay", weight_decay)
        self.nesterov = bool(nesterov)
        if nesterov and not momentum:
            raise ValueError("nesterov looks ahead along the velocity: it needs momentum above 0")
        super().__init__(parameters, lr)

    @elementwise
    def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
        """One step of descent."""
        if self.weight_decay:
            grad = grad + self.weight_decay * x
        if self.momentum:
            velocity = state["velocity"]
            velocity *= self.momentum
            velocity += grad
            state["velocity"] = velocity
            grad = grad + self.momentum * velocity if self.nesterov else velocity
        x -= self.lr * grad
        return x


class Adam(Optimizer):
    """Adam: m and v, running means of g and g²; x ← x - lr · m̂/(√v̂ + eps), both bias-corrected.

    Kingma & Ba 2015, arXiv:1412.6980, Algorithm 1. `weight_decay` adds weight_decay·x to the
    gradient, as PyTorch's Adam does; the paper has none.
    """

    settings = ("betas", "eps", "weight_decay")
    state_names = ("m", "v")

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.betas = _two_below_one(betas)
        self.eps = at_least_zero("eps", eps)
        self.weight_decay = at_least_zero("weight_decay", weight_decay)
        super().__init__(parameters, lr)

    @elementwise
    def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
        """One step of Algorithm 1."""
        if self.weight_decay:
            grad = grad + self.weight_decay * x
        return self._follow(x, grad, state, step)

    def _follow(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
        beta1, beta2 = self.betas
        m, v = state["m"], state["v"]
        m *= beta1
        m += (1.0 - beta1) * grad
        v *= beta2
        square = grad * grad
        square *= 1.0 - beta2
        v += square
        del square  # its memory, still in the cache, serves what comes next
        state["m"], state["v"] = m, v
        # √v̂ is √v/correction: numbers take the correction over, and the arrays one pass less.
        correction = math.sqrt(1.0 - beta2**step)
        spread = fn.sqrt(v)
        spread += self.eps * correction
        change = _over(m, spread)
        change *= self.lr * correction / (1.0 - beta1**step)
        x -= change
        return x


class AdamW(Adam):
    """Adam with decoupled weight decay: x ← x · (1 - lr · weight_decay), then Adam's step.

    Loshchilov & Hutter 2019, arXiv:1711.05101, Algorithm 2. As in PyTorch the decay is scaled by
    lr, where the paper scales it by the schedule alone, and comes first; the step itself depends
    on the gradient only. So weights shrink at one rate, however large their gradients.
    """

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay)

    @elementwise
    def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
        """One step of Algorithm 2."""
        x *= 1.0 - self.lr * self.weight_decay
        return self._follow(x, grad, state, step)


class RMSprop(Optimizer):
    """RMSprop: v ← alpha·v + (1 - alpha)·g²; x ← x - lr · g/(√v + eps).

    Tieleman & Hinton 2012, Lecture 6.5 of "Neural Networks for Machine Learning" (Coursera),
    where alpha is 0.9 and eps absent. Defaults and the place of eps, outside the root, are
    PyTorch's; v starts from 0 and is not corrected for it, so the first steps are longer.
    """

    settings = ("alpha", "eps")
    state_names = ("v",)

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
    ) -> None:
        self.alpha = below_one("alpha", alpha)
        self.eps = at_least_zero("eps", eps)
        super().__init__(parameters, lr)

    @elementwise
    def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
        """One step, as long as the gradient is against its own running size."""
        v = state["v"]
        v *= self.alpha
        v += (1.0 - self.alpha) * (grad * grad)
        state["v"] = v
        spread = fn.sqrt(v)
        spread += self.eps
        change = _over(grad, spread)
        change *= self.lr
        x -= change
        return x


class Lion(Optimizer):
    """Lion: x ← x - lr · (sign(beta1·m + (1 - beta1)·g) + weight_decay·x), m a running mean of g.

    Chen et al. 2023, arXiv:2302.06675, Algorithm 2: the step looks beta1 back, the mean is then
    kept by beta2. Every element moves by lr, or not at all where the sign is that of 0, so lr is
    to be 3 to 10 times smaller than Adam's, and weight_decay as much larger.
    """

    settings = ("betas", "weight_decay")
    state_names = ("m",)

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        self.betas = _two_below_one(betas)
        self.weight_decay = at_least_zero("weight_decay", weight_decay)
        super().__init__(parameters, lr)

    @elementwise
    def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
        """One step of Algorithm 2."""
        beta1, beta2 = self.betas
        m = state["m"]
        direction = np.sign(beta1 * m + (1.0 - beta1) * grad)  # nan where that is nan
        m *= beta2
        m += (1.0 - beta2) * grad
        state["m"] = m
        x *= 1.0 - self.lr * self.weight_decay
        x -= self.lr * direction
        return x


def _over(x: Any, y: Any) -> Any:
    """x / y, put in the place of y where that is an array of the same precision."""
    if isinstance(y, np.ndarray) and y.dtype == x.dtype:
        return np.divide(x, y, out=y)
    return fn.divide(x, y)


def _two_below_one(betas: Any) -> tuple[float, float]:
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise ValueError(f"betas are two numbers, such as (0.9, 0.999), not {betas!r}")
    return below_one("betas[0]", betas[0]), below_one("betas[1]", betas[1])
