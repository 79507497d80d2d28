"""From one twin to the other: the same network, the same numbers, on Values or on Tensors."""

from typing import Any

import numpy as np

from .. import engine
from ..engine import Value
from .activations import GELU, LeakyReLU, ReLU, Sigmoid, Softplus, Tanh
from .containers import Sequential
from .layers import Linear
from .module import Module
from .neuron import ACTIVATIONS, MLP, Layer

_MODULES: dict[str, type[Module]] = {
    "tanh": Tanh,
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "leaky_relu": LeakyReLU,
    "gelu": GELU,
    "softplus": Softplus,
}
_NAMES = {kind: name for name, kind in _MODULES.items()}


def to_tensor(mlp: MLP) -> Sequential:
    """An MLP of Values as a Sequential of Tensors, in float64, which holds a float exactly."""
    layers: list[Any] = []
    for position, layer in enumerate(mlp.layers):
        layers.append(_tensor_layer(layer, f"layers[{position}]"))
        activation = layer.activation
        if any(neuron.activation != activation for neuron in layer.neurons):
            raise TypeError(
                f"layers[{position}] mixes activations, which a layer of Tensors cannot; give all "
                "its neurons one"
            )
        if activation in _MODULES:
            layers.append(_MODULES[str(activation)]())
        elif activation != "linear":
            layers.append(getattr(engine, activation) if activation in ACTIVATIONS else activation)
    return Sequential(layers)


def _tensor_layer(layer: Layer, name: str) -> Linear:
    weights = np.array([[w.data for w in neuron.w] for neuron in layer.neurons]).T
    nin, nout = weights.shape
    biases = [neuron.b for neuron in layer.neurons]
    absent = all(b.constant and b.data == 0.0 for b in biases)
    linear = Linear(nin, nout, not absent, init="zeros", dtype=np.float64)
    linear.weight.data = weights
    linear.weight.constant = _frozen([w for neuron in layer.neurons for w in neuron.w], name)
    if linear.bias is not None:
        linear.bias.data = np.array([b.data for b in biases])
        linear.bias.constant = _frozen(biases, name)
    return linear


def _frozen(values: list[Value], name: str) -> bool:
    flags = {value.constant for value in values}
    if len(flags) > 1:
        raise ValueError(
            f"{name} is frozen in part, which a layer of Tensors cannot be; set `constant` alike"
        )
    return flags.pop()


def to_scalar(sequential: Sequential) -> MLP:
    """A Sequential of Linear layers, each with or without an activation after it, as an MLP."""
    layers: list[Layer] = []
    for position, module in enumerate(sequential):
        if isinstance(module, Linear):
            layers.append(_scalar_layer(module))
        elif layers and layers[-1].activation == "linear":
            activation = _scalar_activation(module, position)
            for neuron in layers[-1].neurons:
                neuron.activation = activation
        else:
            raise _no_twin(module, position)
    if not layers:
        raise ValueError("to_scalar() needs at least one Linear layer")
    mlp = MLP(1, [1])
    mlp.layers = layers
    return mlp


def _scalar_layer(linear: Linear) -> Layer:
    nin, nout = linear.weight.shape
    layer = Layer(nin, nout, activation="linear", rng=0)
    for j, neuron in enumerate(layer.neurons):
        for weight, number in zip(neuron.w, linear.weight._data[:, j], strict=True):
            weight.data, weight.constant = number, linear.weight.constant
        neuron.b.data = 0.0 if linear.bias is None else linear.bias._data[j]
        neuron.b.constant = linear.bias is None or linear.bias.constant
    return layer


def _scalar_activation(module: Any, position: int) -> Any:
    """The name of a module's activation, or the module itself where it has settings of its own."""
    own_settings = (isinstance(module, LeakyReLU) and module.alpha != 0.01) or (
        isinstance(module, GELU) and module.approximate != "none"
    )
    if type(module) in _NAMES:
        return module if own_settings else _NAMES[type(module)]
    if isinstance(module, Module) or not callable(module):
        raise _no_twin(module, position)
    name = getattr(module, "__name__", "")
    known = name in ACTIVATIONS and module is getattr(engine, name, None)
    return name if known else module


def _no_twin(module: Any, position: int) -> TypeError:
    return TypeError(
        f"Sequential[{position}] {module!r} has no twin on Values; to_scalar() takes Linear "
        "layers, each followed by one activation at most"
    )
