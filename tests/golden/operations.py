"""The operations of PyTorch, and what they are tried on, for make_golden."""

import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody gives it

INF, NAN = math.inf, math.nan
EDGES = [0.0, -0.0, 1.0, -1.0, 1e-300, -1e-300, 800.0, -800.0, INF, -INF, NAN]


def attention(x: Any, query: Any, key: Any, value: Any) -> Any:
    scores = (x @ query) @ (x @ key).transpose(-1, -2) / math.sqrt(key.shape[-1])
    return torch.softmax(scores, -1) @ (x @ value)


def layer_norm(x: Any, scale: Any, shift: Any) -> Any:
    return F.layer_norm(x, x.shape[-1:], scale, shift, eps=1e-5)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "neg": lambda x: -x,
    "abs": abs,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "sin": torch.sin,
    "cos": torch.cos,
    "erf": torch.erf,
    "erfc": torch.erfc,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": lambda x: -F.logsigmoid(-x),  # F.softplus is x itself from 20 on
    "relu": torch.relu,
    "leaky_relu": lambda x, alpha: F.leaky_relu(x, alpha),
    "gelu": lambda x, approximate: F.gelu(x, approximate=approximate),
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "clip": lambda x, low, high: torch.clip(x, low, high),
    "where": lambda x, y, condition: torch.where(torch.tensor(condition), x, y),
    "matmul": torch.matmul,
    "sum": lambda x, axis, keepdims: torch.sum(x, axis, keepdims),
    "mean": lambda x, axis, keepdims: torch.mean(x, axis, keepdims),
    "max": lambda x, axis, keepdims: torch.amax(x, axis, keepdims),
    "min": lambda x, axis, keepdims: torch.amin(x, axis, keepdims),
    "var": lambda x, axis, ddof: torch.var(x, axis, correction=ddof),
    "std": lambda x, axis, ddof: torch.std(x, axis, correction=ddof),
    "logsumexp": lambda x, axis: torch.logsumexp(x, axis),
    "softmax": lambda x, axis: torch.softmax(x, axis),
    "log_softmax": lambda x, axis: torch.log_softmax(x, axis),
    "reshape": lambda x, shape: x.reshape(shape),
    "transpose": lambda x, axes: x.permute(axes),
    "squeeze": lambda x, axis: x.squeeze(axis),
    "expand_dims": lambda x, axis: x.unsqueeze(axis),
    "broadcast_to": lambda x, shape: x.broadcast_to(shape),
    "getitem slice": lambda x: x[1:, ::2],
    "getitem backwards": lambda x: torch.flip(x, (0,))[:, None, -1],
    "getitem repeated": lambda x: x[[0, 2, 0, 0]],
    "getitem pairs": lambda x: x[[0, 1, 1, 0], [1, 0, 0, 1]],
    "getitem mask": lambda x: x[torch.tensor([[True, False], [False, True], [True, True]])],
    "concatenate": lambda x, y, axis: torch.cat([x, y, x], axis),
    "stack": lambda x, y, axis: torch.stack([x, y], axis),
    # Whole programs
    "network": lambda x, v, b, w: torch.tanh(x @ v + b) @ w,
    "layer norm": layer_norm,
    "attention": attention,
    "distances": lambda x, y: ((x[:, None] - y[None]) ** 2).sum(-1).sqrt(),
    "gaussian": lambda x, mean, scale: (
        -0.5 * ((x - mean) / scale.exp()) ** 2 - scale - 0.5 * math.log(2 * math.pi)
    ),
    "rosenbrock": lambda x: (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum(),
}


class Cases:
    """Collects what PyTorch says, one case after the other."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []

    def add(self, operation: str, *inputs: Any, second: bool = True, **static: Any) -> None:
        """Run an operation on arrays, or on numbers drawn for a tuple (a shape)."""
        rng = np.random.default_rng(zlib.crc32(f"{operation} {len(self.found)}".encode()))
        arrays = [drawn(rng, x) if isinstance(x, tuple) else np.array(x, float) for x in inputs]
        xs = [torch.tensor(x, requires_grad=True) for x in arrays]
        if "axis" in static and static["axis"] is None:
            value = OPERATIONS[operation](*xs, **{**static, "axis": tuple(range(xs[0].ndim))})
        else:
            value = OPERATIONS[operation](*xs, **static)
        upstream = drawn(rng, tuple(value.shape))
        weighed = (value * torch.tensor(upstream)).sum()
        if not torch.isfinite(value).all():  # times 0 and summed, infinities would become nan
            gradients = torch.autograd.grad(value, xs, torch.tensor(upstream))
        else:
            gradients = torch.autograd.grad(weighed, xs, create_graph=True)
        case = {"operation": operation, "static": static, "inputs": arrays}
        case |= {"value": value, "upstream": upstream, "gradients": list(gradients)}
        if second:
            along = [drawn(rng, tuple(x.shape)) for x in xs]
            slope = sum((g * torch.tensor(v)).sum() for g, v in zip(gradients, along, strict=True))
            case |= {"along": along, "second": second_derivatives(slope, xs)}
        self.found.append(case)


def drawn(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of three decimals away from 0, which keep the file short."""
    return np.round(rng.uniform(0.2, 2.0, shape) * rng.choice([-1, 1], shape), 3)


def second_derivatives(slope: Any, xs: list[Any]) -> list[Any]:
    if not slope.requires_grad:
        return [torch.zeros_like(x) for x in xs]
    found = torch.autograd.grad(slope, xs, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, xs, strict=True)]


def build_operations() -> list[dict[str, Any]]:
    """Every operation on ordinary numbers, at its kinks, and at the edges of the floats."""
    cases = Cases()
    positive = [[0.3, 0.7, 1.0], [1.9, 2.5, 11.0]]
    for name in ("add", "sub", "mul", "div", "maximum", "minimum"):
        cases.add(name, (2, 3), (2, 3))
        cases.add(name, (2, 1, 3), (4, 1))
    cases.add("pow", positive, (2, 3))
    cases.add("pow", (2, 3), 3.0)
    cases.add("pow", 2.0, (3,))
    smooth = ["neg", "exp", "sin", "cos", "erf", "erfc", "tanh", "sigmoid", "softplus"]
    smooth += ["relu", "abs"]
    for name in (*smooth, "log", "sqrt"):
        cases.add(name, positive if name in ("log", "sqrt") else (2, 3))
    for alpha in (0.01, 0.3):
        cases.add("leaky_relu", (2, 3), alpha=alpha)
    for approximate in ("none", "tanh"):
        cases.add("gelu", (3, 3), approximate=approximate)
    cases.add("clip", (3, 3), low=-0.7, high=0.9)
    cases.add("where", (2, 3), (3,), condition=[[True, False, True], [False, False, True]])
    plain = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4))]
    stacked = [((2, 2, 3), (2, 3, 2)), ((2, 2, 3), (3, 2)), ((3, 2), (2, 2, 3)), ((3,), (2, 3, 2))]
    for shapes in plain + stacked:
        cases.add("matmul", *shapes)
    cases.add("matmul", (2, 1, 2, 3), (3, 3, 1))
    for name in ("sum", "mean", "max", "min"):
        for axis, keepdims in [(None, False), (0, False), (-1, True), ([0, 2], False)]:
            cases.add(name, (2, 3, 2), axis=axis, keepdims=keepdims)
    for name in ("var", "std"):
        for axis, ddof in [(None, 0), (1, 1), ([0, -1], 0)]:
            cases.add(name, (2, 3, 2), axis=axis, ddof=ddof)
    for axis in (None, 0, [0, 1]):
        cases.add("logsumexp", (3, 4), axis=axis)
    for name in ("softmax", "log_softmax"):
        for axis in (0, -1):
            cases.add(name, (3, 4), axis=axis)
    cases.add("reshape", (2, 6), shape=[3, 4])
    cases.add("transpose", (2, 3, 4), axes=[2, 0, 1])
    cases.add("squeeze", (2, 1, 3), axis=1)
    cases.add("expand_dims", (2, 3), axis=1)
    cases.add("broadcast_to", (2, 1), shape=[3, 2, 4])
    for name in ("slice", "backwards", "repeated", "pairs", "mask"):
        cases.add(f"getitem {name}", (3, 2))
    for axis in (0, 1):
        cases.add("concatenate", (2, 3), (2, 3), axis=axis)
        cases.add("stack", (2, 3), (2, 3), axis=axis)
    cases.add("network", (4, 3), (3, 5), (5,), (5, 2))
    cases.add("layer norm", (2, 5), (5,), (5,))
    cases.add("attention", (2, 4, 3), (3, 2), (3, 2), (3, 2))
    cases.add("distances", (3, 2), (4, 2))
    cases.add("gaussian", (4,), (1,), (1,))
    cases.add("rosenbrock", (5,))
    return cases.found + build_kinks() + build_edges()


def build_kinks() -> list[dict[str, Any]]:
    """Where two slopes meet, and ties."""
    cases = Cases()
    corner = [-0.0, 0.0, 1e-300, -1e-300]
    for name in ("relu", "abs"):
        cases.add(name, corner, second=False)
    cases.add("leaky_relu", corner, second=False, alpha=0.2)
    cases.add("clip", [-1.0, 1.0, -1.5, 1.5, 0.0], second=False, low=-1.0, high=1.0)
    for name in ("maximum", "minimum"):
        cases.add(name, [1.0, 2.0, 3.0, 0.0], [1.0, 3.0, 2.0, -0.0], second=False)
    for name in ("max", "min"):
        for axis in (None, 0, 1):
            tied = [[2.0, 2.0, 1.0], [2.0, 1.0, 1.0]]
            cases.add(name, tied, second=False, axis=axis, keepdims=False)
    bases = [0.0, 0.0, 0.0, 0.0, -2.0, -2.0, -2.0, 1.0]
    exponents = [0.0, 2.0, 0.5, -1.0, 3.0, 0.5, 0.0, 800.0]
    cases.add("pow", bases, exponents, second=False)
    for ddof in (0, 1):
        cases.add("var", [1.5, 1.5, 1.5], second=False, axis=None, ddof=ddof)
        cases.add("std", [1.5, 1.5, 1.5], second=False, axis=None, ddof=ddof)
    return cases.found


def build_edges() -> list[dict[str, Any]]:
    """Zeros of both signs, the tiny, the huge, the infinite and nan."""
    cases = Cases()
    cases.add("abs", EDGES[:-1], second=False)  # at nan PyTorch's slope is 0: a matter of taste
    for name in ("neg", "exp", "log", "sqrt", "sin", "cos", "erf", "erfc", "tanh"):
        cases.add(name, EDGES, second=False)
    for name in ("sigmoid", "softplus", "relu"):
        cases.add(name, EDGES, second=False)
    left = [0.0, 0.0, 1.0, INF, INF, -INF, NAN, 1e308]
    right = [0.0, 1.0, 0.0, INF, 0.0, 2.0, 1.0, 1e308]
    for name in ("add", "sub", "mul", "div"):
        cases.add(name, left, right, second=False)
    for name in ("maximum", "minimum"):
        cases.add(name, [INF, -INF, NAN, 1.0], [1.0, 1.0, INF, NAN], second=False)
    for row in ([800.0, -800.0, 0.0], [-INF, 1.0, 2.0], [1e300, -1e300, 1e300], [NAN, 0.0, 1.0]):
        cases.add("softmax", row, second=False, axis=-1)
        cases.add("log_softmax", row, second=False, axis=-1)
        cases.add("logsumexp", row, second=False, axis=0)
    return cases.found
