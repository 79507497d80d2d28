"""The table of operations: a row for every rule, and in each row an oracle that knows no rule.

Whoever adds an elementwise operation adds one row here, and every test of operations, of wrong
derivatives and of random graphs takes it up. What a row is stands in `oracles`.
"""

import operator as op
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

import twingrad as tg
from tests.oracles import (
    ANYWHERE_BUT_ONE,
    MIDDLE,
    NONZERO,
    OUTER,
    POSITIVE,
    PROBABILITY,
    REAL,
    Domain,
    Elementwise,
    OnArrays,
    Row,
    mp,
)
from twingrad.engine import array_rules, layer_rules, list_rules, rules, window_rules

# The rows of what both twins do


def row(
    rule: Callable[..., Any],
    call: Callable[..., Any],
    oracle: Callable[..., Any],
    *domains: Domain,
    note: str = "",
) -> Elementwise:
    return Elementwise(rule, call, oracle, note, domains)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


ELEMENTWISE = [
    row(rules.identity, lambda x: tg.apply(rules.identity, x), op.pos, REAL),
    row(rules.add, op.add, op.add, REAL, REAL),
    row(rules.sub, op.sub, op.sub, REAL, REAL),
    row(rules.mul, op.mul, op.mul, REAL, REAL),
    row(rules.divide, op.truediv, op.truediv, REAL, NONZERO),
    row(rules.power, op.pow, mp.power, POSITIVE, REAL),
    row(rules.power, lambda x: x**3, lambda x: x * x * x, REAL, note="to 3"),
    row(rules.power, lambda x: x**-2, lambda x: 1 / (x * x), NONZERO, note="to -2"),
    row(rules.power, lambda x: 2.0**x, lambda x: mp.exp(x * mp.ln2), REAL, note="of 2"),
    row(rules.neg, op.neg, op.neg, REAL),
    row(rules.absolute, abs, abs, NONZERO),
    row(rules.exp, tg.exp, mp.exp, REAL),
    row(rules.log, tg.log, mp.log, POSITIVE),
    row(rules.sqrt, tg.sqrt, mp.sqrt, POSITIVE),
    row(rules.sin, tg.sin, mp.sin, REAL),
    row(rules.cos, tg.cos, mp.cos, REAL),
    row(rules.erf, tg.erf, mp.erf, REAL),
    row(rules.erfc, tg.erfc, mp.erfc, REAL),
    row(rules.tanh, tg.tanh, mp.tanh, REAL),
    row(rules.sigmoid, tg.sigmoid, _sigmoid, REAL),
    row(rules.softplus, tg.softplus, lambda x: mp.log(1 + mp.exp(x)), REAL),
    row(rules.relu, tg.relu, lambda x: max(x, 0), NONZERO),
    row(rules.leaky_relu, tg.leaky_relu, lambda x: max(x, x * mp.mpf(0.01)), NONZERO),
    row(
        rules.leaky_relu,
        lambda x: tg.leaky_relu(x, alpha=0.25),
        lambda x: max(x, x / 4),
        NONZERO,
        note="alpha=0.25",
    ),
    row(rules.gelu, tg.gelu, lambda x: x * mp.ncdf(x), REAL),
    row(
        rules.gelu_tanh,
        lambda x: tg.gelu(x, approximate="tanh"),
        lambda x: x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf(0.044715) * x**3))),
        REAL,
    ),
    row(rules.maximum, tg.maximum, max, OUTER, MIDDLE),
    row(rules.minimum, tg.minimum, min, MIDDLE, OUTER),
    row(
        rules.clip,
        lambda x: tg.clip(x, -1.0, 1.0),
        lambda x: min(max(x, -1), 1),
        ANYWHERE_BUT_ONE,
    ),
    row(
        rules.clip,
        lambda x: tg.clip(x, high=1.0),
        lambda x: min(x, 1),
        (*MIDDLE, *OUTER[1:]),
        note="high",
    ),
    row(rules.where, lambda x, y: tg.where(True, x, y), lambda x, y: x, REAL, REAL),
    row(
        rules.where,
        lambda x, y: tg.where(False, x, y),
        lambda x, y: y,
        REAL,
        REAL,
        note="not",
    ),
    row(
        rules.huber,
        lambda x: tg.apply(rules.huber, x, delta=1.1),
        lambda x: x * x / 2 if abs(x) < 1.1 else mp.mpf(1.1) * (abs(x) - mp.mpf(1.1) / 2),
        ANYWHERE_BUT_ONE,
    ),
    row(rules.weigh, lambda x, w: tg.apply(rules.weigh, x, w), op.mul, REAL, NONZERO),
    row(
        rules.binary_cross_entropy,
        lambda x, target: tg.apply(rules.binary_cross_entropy, x, target),
        lambda x, t: -t * mp.log(_sigmoid(x)) - (1 - t) * mp.log(1 - _sigmoid(x)),
        REAL,
        PROBABILITY,
    ),
    row(
        list_rules.total,
        lambda *x: tg.apply(list_rules.total, *x),
        lambda x, y, z: x + y + z,
        REAL,
        REAL,
        REAL,
    ),
    row(
        list_rules.dot,
        lambda a, b, x, y, bias: tg.dot([a, b], [x, y], bias),
        lambda a, b, x, y, bias: a * x + b * y + bias,
        *[REAL] * 5,
    ),
    row(
        list_rules.logsumexp_of,
        lambda *x: tg.apply(list_rules.logsumexp_of, *x),
        lambda x, y, z: mp.log(mp.exp(x) + mp.exp(y) + mp.exp(z)),
        *[REAL] * 3,
    ),
    row(
        list_rules.cross_entropy_of,
        lambda *operands: tg.apply(list_rules.cross_entropy_of, *operands),
        lambda x, y, s, t: (s + t) * mp.log(mp.exp(x) + mp.exp(y)) - s * x - t * y,
        *[REAL, REAL, PROBABILITY, PROBABILITY],
    ),
    row(
        list_rules.exp_difference,
        lambda x, y: tg.apply(list_rules.exp_difference, x, y),
        lambda x, y: mp.exp(x - y),
        REAL,
        REAL,
    ),
]


# The rows of what arrays alone do


def array(rule: Any, call: Any, oracle: Any, *shapes: tuple[int, ...], note: str = "") -> OnArrays:
    written = " ".join(str(shape).replace(" ", "") for shape in shapes)
    return OnArrays(rule, call, oracle, f"{note} {written}".strip(), shapes)


def same(name: str, oracle: Any, shape: tuple[int, ...], *args: Any, **named: Any) -> OnArrays:
    """A row of what is called as its oracle is: `tg.sum(x, axis=0)` and `np.sum(x, axis=0)`."""
    return array(
        getattr(array_rules, name),
        lambda x: getattr(tg, name)(x, *args, **named),
        lambda x: oracle(x, *args, **named),
        shape,
        note=" ".join([*map(str, args), *[f"{key}={value}" for key, value in named.items()]]),
    )


def joined(name: str, oracle: Any, axis: int, *shapes: tuple[int, ...]) -> OnArrays:
    return array(
        getattr(array_rules, name),
        lambda *xs: getattr(tg, name)(xs, axis=axis),
        lambda *xs: oracle(xs, axis=axis),
        *shapes,
        note=f"axis={axis}",
    )


def taken(index: Any, note: str) -> OnArrays:
    return array(array_rules.getitem, lambda x: x[index], lambda x: x[index], (3, 2), note=note)


def scattered(index: Any, shape: tuple[int, ...], into: tuple[int, ...]) -> OnArrays:
    def oracle(x: np.ndarray) -> np.ndarray:
        result = np.zeros(into, dtype=x.dtype)
        np.add.at(result, index, x)
        return result

    static = {"index": index, "shape": into}
    call = lambda x: tg.apply(array_rules.scatter, x, **static)  # noqa: E731 - one of two
    return array(array_rules.scatter, call, oracle, shape, note=f"at {index}")


def _var(x: Any, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Any:
    deviation = x - x.mean(axis, keepdims=True)
    squares = (deviation * deviation).sum(axis, keepdims=keepdims)
    return squares / (x.size // np.size(squares) - ddof)


def _std(x: Any, **static: Any) -> Any:
    return np.sqrt(_var(x, **static))


def _logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.exp(x).sum(axis, keepdims=keepdims))


def _softmax(x: Any, axis: Any = -1) -> Any:
    return np.exp(x) / np.exp(x).sum(axis, keepdims=True)


def _log_softmax(x: Any, axis: Any = -1) -> Any:
    return np.log(_softmax(x, axis))


def _standardized(x: Any, axis: Any, eps: float) -> Any:
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(_var(x, axis, keepdims=True) + eps)


def _seen(x: Any, kernel: Any, stride: Any, padding: Any, fill: float = 0.0) -> Any:
    """Window by window, as they are defined: an array [channel, i, j, image, row, column]."""
    sides = ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2)
    framed = np.pad(x, sides, constant_values=fill)
    rows = range(0, framed.shape[2] - kernel[0] + 1, stride[0])
    columns = range(0, framed.shape[3] - kernel[1] + 1, stride[1])
    taken = [[framed[:, :, r:, c:][:, :, : kernel[0], : kernel[1]] for c in columns] for r in rows]
    return np.array(taken).transpose(3, 4, 5, 2, 0, 1)


def _folded(x: Any, shape: Any, stride: Any, padding: Any) -> Any:
    framed = np.zeros((*shape[:2], shape[2] + 2 * padding[0], shape[3] + 2 * padding[1]), x.dtype)
    for channel, i, j, image, r, c in np.ndindex(x.shape):
        place = (image, channel, r * stride[0] + i, c * stride[1] + j)
        framed[place] += x[channel, i, j, image, r, c]
    down, across = padding
    return framed[:, :, down : down + shape[2], across : across + shape[3]]


def _conv2d(x: Any, weight: Any, *bias: Any, stride: Any, padding: Any) -> Any:
    seen = _seen(x, weight.shape[2:], stride, padding)
    y = np.einsum("oijk,ijknrc->norc", weight, seen)
    return y + bias[0][:, None, None] if bias else y


def _transposed(y: Any, weight: Any, shape: Any, stride: Any, padding: Any) -> Any:
    laid = np.einsum("norc,oijk->ijknrc", y, weight)
    return _folded(laid, shape, stride, padding)


def looking(name: str, oracle: Any, *shapes: tuple[int, ...], **static: Any) -> OnArrays:
    """A row of what looks at images through a window."""
    return array(
        getattr(window_rules, name),
        lambda *operands: tg.apply(getattr(window_rules, name), *operands, **static),
        lambda *operands: oracle(*operands, **static),
        *shapes,
        note=" ".join(f"{key}={value}" for key, value in static.items()),
    )


WINDOWS: list[dict[str, Any]] = [
    {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)},
    {"kernel": (3, 2), "stride": (1, 2), "padding": (1, 0)},
    {"kernel": (2, 3), "stride": (3, 1), "padding": (0, 2)},
    {"kernel": (1, 1), "stride": (2, 2), "padding": (0, 0)},
]
"""Windows side by side, overlapping, framed, and some that leave rows of the image unseen."""

REDUCTIONS = {
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "var": _var,
    "std": _std,
    "logsumexp": _logsumexp,
}
CURVED = {name: oracle for name, oracle in REDUCTIONS.items() if name != "std"}
"""All but std, which has a kink where the numbers are equal, as a single one is to itself."""

TARGETS = np.array([[1.0, 0.0, 0.0], [0.2, 0.5, 0.3]])
MASK = np.array([[True, False, True], [False, False, True]])

ON_ARRAYS = [
    *[
        array(array_rules.matmul, op.matmul, np.matmul, *shapes)
        for shapes in [
            ((2, 3), (3, 4)),
            ((3,), (3,)),
            ((3,), (3, 4)),
            ((3,), (2, 3, 4)),
            ((2, 3), (3,)),
            ((2, 3), (4, 3, 2)),
            ((2, 2, 3), (3,)),
            ((2, 2, 3), (3, 4)),
            ((2, 2, 3), (2, 3, 2)),
            ((1, 2, 3), (2, 3, 2)),
            ((2, 1, 2, 3), (3, 3, 1)),
            ((2, 2, 1, 3), (2, 1, 3, 2)),
        ]
    ],
    *[
        array(
            layer_rules.linear,
            lambda x, weight, bias: tg.apply(layer_rules.linear, x, weight, bias),
            lambda x, weight, bias: x @ weight + bias,
            *(shape, (3, 2), (2,)),
        )
        for shape in [(4, 3), (3,), (2, 2, 3)]
    ],
    *[
        same(name, oracle, (2, 3, 2), axis=axis, keepdims=keepdims)
        for name, oracle in REDUCTIONS.items()
        for axis, keepdims in product([None, 0, -1, (0, 2), (-2, 0)], [False, True])
    ],
    *[same(name, oracle, (4,)) for name, oracle in REDUCTIONS.items()],
    *[same(name, oracle, ()) for name, oracle in CURVED.items()],
    *[same(name, oracle, (2, 2), axis=()) for name, oracle in CURVED.items()],
    *[same("var", _var, (3, 2), axis=axis, ddof=1) for axis in (None, 0)],
    *[same("std", _std, (3, 2), axis=axis, ddof=1) for axis in (None, 0)],
    *[same("softmax", _softmax, (2, 3, 2), axis=axis) for axis in (-1, 0, None, (0, 1))],
    *[same("log_softmax", _log_softmax, (2, 3, 2), axis=axis) for axis in (-1, 0, None, (0, 1))],
    *[
        array(
            layer_rules.standardize,
            lambda x, axis=axis: tg.apply(layer_rules.standardize, x, axis=axis, eps=2.0),
            lambda x, axis=axis: _standardized(x, axis, 2.0),
            (3, 4),
            note=f"axis={axis}",
        )
        for axis in (0, -1, (0, 1))
    ],
    array(
        layer_rules.dropout,
        lambda x: tg.apply(layer_rules.dropout, x, kept=MASK, scale=1.25),
        lambda x: np.where(MASK, x / 0.8, 0.0),
        (2, 3),
    ),
    *[looking("windows", _seen, (2, 2, 5, 4), fill=0.5, **static) for static in WINDOWS],
    looking("fold", _folded, (2, 2, 3, 1, 2, 2), shape=(1, 2, 3, 4), stride=(2, 1), padding=(1, 0)),
    looking("fold", _folded, (1, 2, 2, 2, 2, 1), shape=(2, 1, 4, 2), stride=(2, 2), padding=(0, 0)),
    looking("convolve", _conv2d, (2, 2, 4, 5), (3, 2, 2, 3), stride=(2, 1), padding=(1, 0)),
    looking(
        "transposed_convolve",
        _transposed,
        (2, 3, 3, 3),
        (3, 2, 2, 3),
        shape=(2, 2, 4, 5),
        stride=(2, 1),
        padding=(1, 0),
    ),
    looking(
        "correlate",
        lambda x, y, kernel, **static: np.einsum(
            "ijknrc,norc->oijk", _seen(x, kernel, **static), y
        ),
        (2, 2, 4, 5),
        (2, 3, 3, 3),
        kernel=(2, 3),
        stride=(2, 1),
        padding=(1, 0),
    ),
    *[
        looking("conv2d", _conv2d, (2, 3, 4, 5), (2, 3, *kernel), *bias, **static)
        for kernel, bias, static in [
            ((3, 3), [(2,)], {"stride": (1, 1), "padding": (1, 1)}),
            ((3, 2), [(2,)], {"stride": (2, 1), "padding": (0, 1)}),
            ((1, 1), [], {"stride": (1, 2), "padding": (0, 0)}),
            ((4, 5), [], {"stride": (1, 1), "padding": (0, 0)}),
        ]
    ],
    *[
        looking(
            "max_pool2d",
            lambda x, **static: _seen(x, **static, fill=-np.inf).max((1, 2)).swapaxes(0, 1),
            (1, 2, 5, 4),
            **static,
        )
        for static in WINDOWS
        if max(static["padding"]) < 2
    ],
    *[
        looking(
            "avg_pool2d",
            lambda x, **static: _seen(x, **static).mean((1, 2)).swapaxes(0, 1),
            (2, 2, 5, 4),
            **static,
        )
        for static in WINDOWS
    ],
    array(
        array_rules.cross_entropy,
        lambda x: tg.apply(array_rules.cross_entropy, x, targets=TARGETS.astype(x.dtype)),
        lambda x: -(TARGETS * _log_softmax(x)).sum(-1),
        (2, 3),
    ),
    *[
        array(
            rules.where,
            lambda x, y: tg.where(MASK, x, y),
            lambda x, y: np.where(MASK, x, y),
            *shapes,
            note="of a mask",
        )
        for shapes in [((2, 3), (2, 3)), ((3,), (2, 1)), ((), (2, 3))]
    ],
    same("reshape", np.reshape, (2, 3), (3, 2)),
    same("reshape", np.reshape, (2, 3), (-1,)),
    same("reshape", np.reshape, (), (1, 1)),
    same("reshape", np.reshape, (1,), ()),
    *[same("squeeze", np.squeeze, (1, 3, 1), axis) for axis in (None, 0, -1, (0, -1))],
    *[same("expand_dims", np.expand_dims, (2, 3), axis) for axis in (0, -1, (0, 2))],
    same("transpose", np.transpose, (2, 3, 2)),
    same("transpose", np.transpose, (2, 3, 2), (2, 0, 1)),
    same("transpose", np.transpose, (2, 3, 2), (-1, 0, 1)),
    array(array_rules.transpose, lambda x: x.T, lambda x: x.T, (2, 3), note="T"),
    same("broadcast_to", np.broadcast_to, (3,), (2, 3)),
    same("broadcast_to", np.broadcast_to, (2, 1), (2, 2, 3)),
    same("broadcast_to", np.broadcast_to, (), (3,)),
    array(array_rules.astype, lambda x: tg.astype(x, np.float64), lambda x: x, (2, 3)),
    taken(1, "[1]"),
    taken(-1, "[-1]"),
    taken(np.int64(2), "[an integer of NumPy's]"),
    taken(True, "[True]"),
    taken(None, "[None]"),
    taken((), "[()]"),
    taken((1, 1), "[1,1]"),
    taken(np.s_[1:3], "[1:3]"),
    taken(np.s_[2:2], "[2:2]"),
    taken(np.s_[::-2], "[::-2]"),
    taken(np.s_[..., 0], "[...,0]"),
    taken(np.s_[:, None, 1], "[:,None,1]"),
    taken([0, 0, 2], "[[0,0,2]]"),
    taken([], "[[]]"),
    taken(np.array([[2, 2], [0, 2]]), "[a table of rows]"),
    taken(([0, 0], [1, 1]), "[[0,0],[1,1]]"),
    taken(([[1], [1]], [0, 1]), "[[[1],[1]],[0,1]]"),
    taken(np.s_[:, [1, 1]], "[:,[1,1]]"),
    taken(((0, 0), slice(None)), "[(0,0),:]"),
    taken(np.array([[True, False], [True, True], [False, False]]), "[mask]"),
    taken(np.zeros((3, 2), dtype=bool), "[empty mask]"),
    taken(np.array([True, False, True]), "[mask of rows]"),
    taken((np.array([True, False, True]), 1), "[mask of rows,1]"),
    scattered(1, (2,), into=(3, 2)),
    scattered(np.s_[1:3], (2, 2), into=(3, 2)),
    scattered(np.array([0, 0, 2]), (3, 2), into=(3, 2)),
    joined("concatenate", np.concatenate, 0, (2, 2), (1, 2), (3, 2)),
    joined("concatenate", np.concatenate, 1, (2, 1), (2, 3)),
    joined("concatenate", np.concatenate, -1, (2, 1, 2), (2, 1, 1)),
    joined("concatenate", np.concatenate, -2, (2, 1, 2), (2, 2, 2)),
    joined("concatenate", np.concatenate, 0, (3,)),
    joined("concatenate", np.concatenate, 0, (0, 2), (2, 2)),
    joined("stack", np.stack, 0, (2, 3), (2, 3)),
    joined("stack", np.stack, 1, (2, 3), (2, 3), (2, 3)),
    joined("stack", np.stack, -1, (2, 3), (2, 3)),
    joined("stack", np.stack, -3, (2, 3), (2, 3)),
    joined("stack", np.stack, 0, (), ()),
]

TABLE: list[Row] = [*ELEMENTWISE, *ON_ARRAYS]
