"""The MNIST step of twingrad and its peers, each with its own layers, losses and optimizer.

autograd and MyGrad have no Adam that updates in place; they are given the one written by hand.
"""

import itertools
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from benchmarks.mnist_data import BATCH, BETA1, BETA2, EPS, LR, WIDTHS, start
from benchmarks.mnist_numpy import Flat
from benchmarks.side import Step


def twingrad_model(weights: Sequence[np.ndarray]) -> tuple[Any, Any]:
    """nn.Sequential with these weights, and its nn.Adam."""
    from twingrad import nn

    widths = [weights[0].shape[0], *(len(bias) for bias in weights[1::2])]
    layers: list[Any] = []
    for into, out in itertools.pairwise(widths):
        layers += [nn.Linear(into, out), nn.ReLU()]
    model = nn.Sequential(layers[:-1])
    for parameter, numbers in zip(model.parameters(), weights, strict=True):
        parameter.data = numbers
    return model, nn.Adam(model.parameters(), LR, (BETA1, BETA2), EPS)


def twingrad_step(widths: Sequence[int] = WIDTHS) -> Step:
    """As a user writes it."""
    from twingrad import nn

    X, y, weights = start(widths)
    model, adam = twingrad_model(weights)

    def step() -> float:
        loss = nn.cross_entropy(model(X), y)
        adam.zero_grad()
        loss.backward()
        adam.step()
        return float(loss.item())

    return step


def torch_model(weights: Sequence[np.ndarray], fused: bool) -> tuple[Any, Any]:
    """torch.nn.Sequential with these weights, and its torch.optim.Adam."""
    import torch

    torch.set_num_threads(1)
    layers: list[Any] = []
    with torch.no_grad():
        for w, b in zip(weights[::2], weights[1::2], strict=True):
            linear = torch.nn.Linear(*w.shape)
            linear.weight.copy_(torch.from_numpy(w.T.copy()))
            linear.bias.copy_(torch.from_numpy(b))
            layers += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    return model, torch.optim.Adam(model.parameters(), LR, (BETA1, BETA2), EPS, fused=fused)


def torch_step(fused: bool) -> Step:
    """With torch.nn; `fused` is its Adam in one kernel."""
    X, y, weights = start()
    return torch_loop(*torch_model(weights, fused), X, y)


def torch_loop(model: Any, adam: Any, X: Any, y: Any) -> Step:
    """A step of any network of PyTorch's."""
    import torch

    inputs, labels = torch.from_numpy(X), torch.from_numpy(y)

    def step() -> float:
        loss = torch.nn.functional.cross_entropy(model(inputs), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()
        return float(loss.item())

    return step


@contextmanager
def seeing_one_core() -> Iterator[None]:
    """What starts here believes that the machine has one core, where the system can say so.

    XLA starts a thread for each core it sees, whatever its flags say, and keeps 1.5 of two busy.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), cores)


def jax_step() -> Step:
    """Forward, backward and Adam in one compiled function, which is given its buffers back."""
    with seeing_one_core():
        import jax

        jax.devices()
    import jax.numpy as jnp

    X, y, weights = start()
    inputs, labels = jnp.asarray(X), jnp.asarray(y)

    def loss_of(parameters: list[Any], X: Any, y: Any) -> Any:
        *hidden, (w, b) = zip(parameters[::2], parameters[1::2], strict=True)
        for v, c in hidden:
            X = jax.nn.relu(X @ v + c)
        return -jnp.take_along_axis(jax.nn.log_softmax(X @ w + b), y[:, None], 1).mean()

    @partial(jax.jit, donate_argnums=0)
    def update(state: Any, X: Any, y: Any) -> Any:
        parameters, ms, vs, taken = state
        loss, grads = jax.value_and_grad(loss_of)(parameters, X, y)
        taken += 1
        ms = [BETA1 * m + (1.0 - BETA1) * g for m, g in zip(ms, grads, strict=True)]
        vs = [BETA2 * v + (1.0 - BETA2) * g * g for v, g in zip(vs, grads, strict=True)]
        rate, correction = LR / (1.0 - BETA1**taken), 1.0 / (1.0 - BETA2**taken)
        parameters = [
            p - rate * m / (jnp.sqrt(correction * v) + EPS)
            for p, m, v in zip(parameters, ms, vs, strict=True)
        ]
        return (parameters, ms, vs, taken), loss

    parameters = [jnp.asarray(w) for w in weights]
    zeros = [[jnp.zeros_like(p) for p in parameters] for _ in range(2)]
    state = (parameters, *zeros, jnp.float32(0.0))

    def step() -> float:
        nonlocal state
        state, loss = update(state, inputs, labels)
        return float(loss)

    return step


def mygrad_step() -> Step:
    """With MyGrad's tensors and its softmax_crossentropy."""
    import mygrad as mg
    from mygrad.nnet.activations import relu
    from mygrad.nnet.losses import softmax_crossentropy

    mg.turn_memory_guarding_off()  # its documentation's own advice where speed counts
    X, y, weights = start()
    flat = Flat(weights)
    numbers, slopes = flat.views(flat.numbers), flat.views(flat.grads)

    def step() -> float:
        tensors = [mg.tensor(array, copy=False) for array in numbers]
        x: Any = X
        for w, b in zip(tensors[:-2:2], tensors[1:-2:2], strict=True):
            x = relu(x @ w + b)
        loss = softmax_crossentropy(x @ tensors[-2] + tensors[-1], y)
        loss.backward()
        for slope, tensor in zip(slopes, tensors, strict=True):
            slope[...] = tensor.grad
        flat.adam()
        return float(loss.item())

    return step


def autograd_step() -> Step:
    """With autograd's value_and_grad."""
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import logsumexp

    X, y, weights = start()
    flat = Flat(weights)
    numbers, slopes = flat.views(flat.numbers), flat.views(flat.grads)
    rows = np.arange(len(y))

    def loss_of(parameters: list[Any]) -> Any:
        x: Any = X
        for w, b in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            x = anp.maximum(anp.dot(x, w) + b, 0.0)
        z = anp.dot(x, parameters[-2]) + parameters[-1]
        return anp.mean(logsumexp(z, axis=1) - z[rows, y])

    value_and_slopes = value_and_grad(loss_of)

    def step() -> float:
        loss, found = value_and_slopes(numbers)
        for slope, array in zip(slopes, found, strict=True):
            slope[...] = array
        flat.adam()
        return float(loss)

    return step


def sklearn_step() -> Step:
    """MLPClassifier.partial_fit on the batch; its first call builds it, and learns nothing.

    Its Adam adds ε before the correction and not after, so that its losses go their own way.
    """
    from sklearn.neural_network import MLPClassifier

    X, y, weights = start()
    model = MLPClassifier(
        WIDTHS[1:-1], alpha=0.0, batch_size=BATCH, learning_rate_init=LR, shuffle=False
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.partial_fit(X, y, classes=np.arange(WIDTHS[-1]))
    for ours, numbers in zip(model.coefs_ + model.intercepts_, weights[::2] + weights[1::2]):  # noqa: B905
        ours[...] = numbers
    del model._optimizer  # partial_fit makes another, without the moments of that first call

    def step() -> float:
        model.partial_fit(X, y)
        return float(model.loss_)

    return step
