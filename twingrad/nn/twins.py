"""From one twin to the other: the same network, the same numbers, on Values or on Tensors."""

from typing import Any

import numpy as np

from ..engine import Value
from .layers import GELU, LeakyReLU, Linear, ReLU, Sequential, Sigmoid, Softplus, Tanh
from .module import Module
from .neuron import MLP, Layer

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
    for layer in mlp.layers:
        weights = np.array([[w.data for w in neuron.w] for neuron in layer.neurons]).T
        nin, nout = weights.shape
        bias = not all(neuron.b.constant and neuron.b.data == 0.0 for neuron in layer.neurons)
        linear = Linear(nin, nout, bias, init="zeros", dtype=np.float64)
        linear.weight.data = weights
        if linear.bias is not None:
            linear.bias.data = np.array([neuron.b.data for neuron in layer.neurons])
        layers.append(linear)
        activation = layer.activation
        if activation in _MODULES:
            layers.append(_MODULES[str(activation)]())
        elif activation != "linear":
            layers.append(layer.neurons[0]._activate)
    return Sequential(layers)


def to_scalar(sequential: Sequential) -> MLP:
    """A Sequential of Linear layers, each with or without an activation after it, as an MLP."""
    layers: list[Layer] = []
    for position, module in enumerate(sequential):
        if isinstance(module, Linear):
            layers.append(_scalar_layer(module))
        elif layers and layers[-1].activation == "linear":
            for neuron in layers[-1].neurons:
                neuron.activation, neuron._activate = _scalar_activation(module, position)
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
        neuron.w = [Value(w) for w in linear.weight.data[:, j]]
        neuron.b = Value(0.0 if linear.bias is None else linear.bias.data[j])
        neuron.b.constant = linear.bias is None
    return layer


def _scalar_activation(module: Any, position: int) -> Any:
    if isinstance(module, LeakyReLU):
        alpha = module.alpha
        return ("leaky_relu" if alpha == 0.01 else module), module
    if isinstance(module, GELU):
        return ("gelu" if module.approximate == "none" else module), module
    if type(module) in _NAMES:
        return _NAMES[type(module)], module
    if isinstance(module, Module) or not callable(module):
        raise _no_twin(module, position)
    return module, module


def _no_twin(module: Any, position: int) -> TypeError:
    return TypeError(
        f"Sequential[{position}] {module!r} has no twin on Values; to_scalar() takes Linear "
        "layers, each followed by one activation at most"
    )
