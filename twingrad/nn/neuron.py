"""Neuron, Layer, MLP: the network that one can see through, made of Values.

A neuron is one node for its weighted sum and one for its activation; a layer is a list of
neurons, a network a list of layers, and nothing is hidden.
"""

from collections.abc import Callable, Sequence
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine import Node, ShapeError, Value
from ..engine.list_rules import dot
from ..engine.value import as_float
from .module import Module
from .settings import whole

if TYPE_CHECKING:
    from .containers import Sequential

Rng = int | np.random.Generator | None
Activation = str | Callable[[Any], Any]


def linear(x: Any) -> Any:
    """x itself: no activation."""
    return x


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "linear": linear,
    **{
        name: methodcaller(name)
        for name in ("tanh", "relu", "sigmoid", "leaky_relu", "gelu", "softplus", "sin")
    },
}


class Neuron(Module):
    """activation(w · x + b), for nin inputs; without `nonlin`, w · x + b.

    The weights `w` are drawn uniformly from [-1, 1], the bias `b` is 0. Called with nin numbers
    or Values it returns a Value; another count is a `ShapeError`.

    >>> from twingrad.nn import Neuron
    >>> neuron = Neuron(2, rng=0)
    >>> neuron([1.0, -1.0])
    Value(data=0.625719391853936, grad=0.0)
    """

    def __init__(
        self, nin: int, activation: Activation = "tanh", nonlin: bool = True, rng: Rng = None
    ) -> None:
        whole("nin", nin, 1)
        if isinstance(activation, bool):  # micrograd's Neuron(nin, nonlin)
            activation, nonlin = "tanh", activation
        drawn = np.random.default_rng(rng).uniform(-1.0, 1.0, nin)
        self.w = [Value(weight, label=f"w{i}") for i, weight in enumerate(drawn)]
        self.b = Value(0.0, label="b")
        self.activation = activation if nonlin else "linear"

    @property
    def activation(self) -> Activation:
        """The name or the function applied to the weighted sum; it may be assigned."""
        return self._activation

    @activation.setter
    def activation(self, activation: Activation) -> None:
        self._activate = _function(activation)
        self._activation = activation

    @property
    def nonlin(self) -> bool:
        """Whether there is an activation, as micrograd calls it."""
        return self.activation != "linear"

    def forward(self, x: Sequence[Any]) -> Any:
        """The activation of the weighted sum of x."""
        return self._respond(_inputs(x, len(self.w), self))

    def _respond(self, x: list[Value]) -> Any:
        return self._activate(self.b._apply(dot, (*x, *self.w, self.b)))

    def __repr__(self) -> str:
        return f"Neuron({len(self.w)}, activation={_name(self.activation)})"


class Layer(Module):
    """nout neurons over the same nin inputs; called, a list of Values, or one Value for nout=1."""

    def __init__(
        self,
        nin: int,
        nout: int,
        activation: Activation = "tanh",
        nonlin: bool = True,
        rng: Rng = None,
    ) -> None:
        whole("nout", nout, 1)
        generator = np.random.default_rng(rng)
        self.neurons = [Neuron(nin, activation, nonlin, generator) for _ in range(nout)]

    @property
    def activation(self) -> Activation:
        """The activation of its neurons."""
        return self.neurons[0].activation

    def forward(self, x: Sequence[Any]) -> Any:
        """The response of each neuron to x."""
        inputs = _inputs(x, len(self.neurons[0].w), self)
        outputs = [neuron._respond(inputs) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        nin, nout = len(self.neurons[0].w), len(self.neurons)
        return f"Layer({nin}, {nout}, activation={_name(self.activation)})"


class MLP(Module):
    """A multilayer perceptron: layers of the widths `nouts`, the last with activation `output`.

    `activation` is that of every hidden layer, or a list with one for each.

    >>> from twingrad.nn import MLP
    >>> model = MLP(3, [4, 4, 1], rng=0)
    >>> len(model.parameters())
    41
    >>> model
    MLP(3, [4, 4, 1], activation='tanh', output='linear')
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: Activation | list[Activation] = "tanh",
        output: Activation = "linear",
        rng: Rng = None,
    ) -> None:
        if isinstance(nouts, int) or not len(nouts):
            raise ValueError(
                f"nouts is the list of layer widths, such as [16, 16, 1], but {nouts!r} came"
            )
        generator = np.random.default_rng(rng)
        widths = [nin, *nouts[:-1]]
        hidden = activation if isinstance(activation, list) else [activation] * (len(nouts) - 1)
        if len(hidden) != len(nouts) - 1:
            raise ValueError(
                f"activation is one for all hidden layers or a list of {len(nouts) - 1}, not "
                f"{activation!r}"
            )
        self.layers = [
            Layer(n, m, kind, rng=generator)
            for n, m, kind in zip(widths, nouts, [*hidden, output], strict=True)
        ]

    def forward(self, x: Sequence[Any]) -> Any:
        """The output of the last layer: a Value, or a list of them."""
        for layer in self.layers:
            x = layer(x)
            if isinstance(x, Node) and layer is not self.layers[-1]:
                x = [x]
        return x

    def to_tensor(self) -> "Sequential":
        """The same network on Tensors, with the same numbers in float64."""
        from .twins import to_tensor

        return to_tensor(self)

    def __repr__(self) -> str:
        nouts = [len(layer.neurons) for layer in self.layers]
        *hidden, output = [_name(layer.activation) for layer in self.layers]
        alike = len(set(hidden)) < 2
        shown = (hidden[0] if hidden else "'tanh'") if alike else f"[{', '.join(hidden)}]"
        nin = len(self.layers[0].neurons[0].w)
        return f"MLP({nin}, {nouts}, activation={shown}, output={output})"


def _inputs(x: Any, nin: int, owner: Module) -> list[Value]:
    """x as Values, plain numbers made constants once and not once for each neuron."""
    if isinstance(x, Value) and nin == 1:
        return [x]
    if not (isinstance(x, list | tuple) or (isinstance(x, np.ndarray) and x.ndim)):
        raise TypeError(f"{owner!r} takes a list of {nin} numbers, but {x!r} came")
    if len(x) != nin:
        raise ShapeError(f"{owner!r} takes {nin} numbers, but {len(x)} came: {x!r}")
    return [
        number if isinstance(number, Value) else Value._make(as_float(number), constant=True)
        for number in x
    ]


def _function(activation: Activation) -> Callable[[Any], Any]:
    if callable(activation):
        return activation
    if activation not in ACTIVATIONS:
        raise ValueError(
            f"activation is one of {', '.join(ACTIVATIONS)}, or a function, not {activation!r}"
        )
    return ACTIVATIONS[activation]


def _name(activation: Activation) -> str:
    if isinstance(activation, str | Module):
        return repr(activation)
    return getattr(activation, "__name__", repr(activation))
