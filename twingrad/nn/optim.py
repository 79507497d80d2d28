"""Optimizers: each turns gradients into updates and does nothing else.

The same classes serve both twins: a rule of update is arithmetic, and takes a float or an array.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from ..engine import Node, Value
from ..engine import functions as fn
from .module import Module


class Optimizer:
    """What all optimizers share: the parameters, the learning rate, the state of each parameter.

    A subclass names its `settings` and its `state_names`, and defines `update`.
    """

    settings: ClassVar[tuple[str, ...]] = ()
    state_names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, parameters: Iterable[Any], lr: float) -> None:
        self.parameters = _checked(parameters)
        self.lr = lr
        self.steps = [0 for _ in self.parameters]
        self.state: list[dict[str, Any]] = [
            {name: _zero(parameter) for name in self.state_names} for parameter in self.parameters
        ]

    @property
    def lr(self) -> float:
        """The learning rate; assign to it to change it."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self._lr = _at_least_zero("lr", lr)

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        for i, parameter in enumerate(self.parameters):
            grad = parameter._grad  # None where none has come, which `.grad` of a Value hides
            if grad is None or parameter.constant:
                continue
            plain = grad.data if isinstance(grad, Node) else grad
            self.steps[i] += 1
            parameter.data = self.update(parameter.data, plain, self.state[i], self.steps[i])

    def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
        """The new value of a parameter x, a float or an array; `step` counts from 1."""
        raise TypeError(f"{type(self).__name__} has no update()")

    def zero_grad(self) -> None:
        """Reset the gradient of every parameter."""
        for parameter in self.parameters:
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """The learning rate, the step counts and a copy of the state of each parameter."""
        return {
            "lr": self.lr,
            "steps": list(self.steps),
            "state": [{k: np.array(v) for k, v in entry.items()} for entry in self.state],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave, if it fits these parameters: all of it or nothing."""
        entries = state["state"]
        shapes = [{k: np.shape(v) for k, v in entry.items()} for entry in self.state]
        came = [{k: np.shape(v) for k, v in entry.items()} for entry in entries]
        if shapes != came or len(state["steps"]) != len(self.steps):
            raise ValueError(
                f"the state does not fit this {type(self).__name__}: it holds {came}, but the "
                f"parameters need {shapes}"
            )
        steps = [int(count) for count in state["steps"]]
        found = [
            {k: _like(v, parameter) for k, v in entry.items()}
            for entry, parameter in zip(entries, self.parameters, strict=True)
        ]
        self.lr = state["lr"]
        self.steps, self.state = steps, found

    def __repr__(self) -> str:
        settings = "".join(f", {name}={getattr(self, name)!r}" for name in self.settings)
        return f"{type(self).__name__}({len(self.parameters)} parameters, lr={self.lr:g}{settings})"


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
        self.momentum = _below_one("momentum", momentum)
        self.weight_decay = _at_least_zero("weight_decay", weight_decay)
        self.nesterov = bool(nesterov)
        if nesterov and not momentum:
            raise ValueError("nesterov looks ahead along the velocity: it needs momentum above 0")
        super().__init__(parameters, lr)

    def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
        """One step of descent."""
        if self.weight_decay:
            grad = grad + self.weight_decay * x
        if not self.momentum:
            return x - self.lr * grad
        state["velocity"] = velocity = self.momentum * state["velocity"] + grad
        return x - self.lr * (grad + self.momentum * velocity if self.nesterov else velocity)


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
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise ValueError(f"betas are two numbers, such as (0.9, 0.999), not {betas!r}")
        self.betas = (_below_one("betas[0]", betas[0]), _below_one("betas[1]", betas[1]))
        self.eps = _at_least_zero("eps", eps)
        self.weight_decay = _at_least_zero("weight_decay", weight_decay)
        super().__init__(parameters, lr)

    def update(self, x: Any, grad: Any, state: dict[str, Any], step: int) -> Any:
        """One step of Algorithm 1."""
        beta1, beta2 = self.betas
        if self.weight_decay:
            grad = grad + self.weight_decay * x
        state["m"] = m = beta1 * state["m"] + (1.0 - beta1) * grad
        state["v"] = v = beta2 * state["v"] + (1.0 - beta2) * (grad * grad)
        unbiased = fn.sqrt(v / (1.0 - beta2**step))
        return x - (self.lr / (1.0 - beta1**step)) * fn.divide(m, unbiased + self.eps)


def _checked(parameters: Iterable[Any]) -> list[Any]:
    if isinstance(parameters, Module):
        raise TypeError("an optimizer takes parameters: model.parameters(), not the model")
    if isinstance(parameters, Node):
        raise TypeError("an optimizer takes a list of parameters: write [parameter]")
    found = list(parameters)
    if not found:
        raise ValueError("an optimizer needs at least one parameter, but the list is empty")
    for i, parameter in enumerate(found):
        if not isinstance(parameter, Node) or parameter.parents:
            raise TypeError(
                f"parameter {i} is {parameter!r}; only Values and Tensors that you made "
                "yourself, and not results of operations, can be optimized"
            )
    if len(set(found)) != len(found):
        raise ValueError("a parameter came twice; it would be updated twice in a step")
    return found


def _zero(parameter: Any) -> Any:
    return 0.0 if isinstance(parameter, Value) else np.zeros_like(parameter.data)


def _like(numbers: Any, parameter: Any) -> Any:
    if isinstance(parameter, Value):
        return float(numbers)
    return np.array(numbers, dtype=parameter.dtype)


def _at_least_zero(name: str, number: Any) -> float:
    if not isinstance(number, int | float | np.number) or not 0.0 <= number < float("inf"):
        raise ValueError(f"{name} is a number from 0 on, not {number!r}")
    return float(number)


def _below_one(name: str, number: Any) -> float:
    if not isinstance(number, int | float | np.number) or not 0.0 <= number < 1.0:
        raise ValueError(f"{name} is a number from 0 up to but not including 1, not {number!r}")
    return float(number)
