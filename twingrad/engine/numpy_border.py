"""Where NumPy meets a node: `np.tanh(x)` and `array * tensor` give nodes, the rest says why not.

NumPy would wrap a node it does not know in an array of objects, which looks right and forgets
every gradient. Its two protocols ask us first.
"""

from typing import Any, NoReturn

import numpy as np

from . import array_rules, rules

_RULES: dict[Any, Any] = {
    np.add: rules.add,
    np.subtract: rules.sub,
    np.multiply: rules.mul,
    np.divide: rules.divide,
    np.power: rules.power,
    np.float_power: rules.power,
    np.negative: rules.neg,
    np.absolute: rules.absolute,
    np.fabs: rules.absolute,
    np.exp: rules.exp,
    np.log: rules.log,
    np.sqrt: rules.sqrt,
    np.sin: rules.sin,
    np.cos: rules.cos,
    np.tanh: rules.tanh,
    np.maximum: rules.maximum,
    np.minimum: rules.minimum,
    np.matmul: array_rules.matmul,
}
_COMPARISONS = {
    np.less: ("__lt__", "__gt__"),
    np.less_equal: ("__le__", "__ge__"),
    np.greater: ("__gt__", "__lt__"),
    np.greater_equal: ("__ge__", "__le__"),
}
"""The method of a node on the left, and of one on the right."""
_FUNCTIONS = {
    np.sum: "sum",
    np.mean: "mean",
    np.max: "max",
    np.min: "min",
    np.amax: "max",
    np.amin: "min",
    np.var: "var",
    np.std: "std",
    np.reshape: "reshape",
    np.transpose: "transpose",
    np.squeeze: "squeeze",
    np.expand_dims: "expand_dims",
    np.broadcast_to: "broadcast_to",
    np.clip: "clip",
    np.dot: "matmul",
    np.where: "where",
    np.concatenate: "concatenate",
    np.stack: "stack",
}
_KEYWORDS = {"a_min": "low", "a_max": "high", "min": "low", "max": "high"}
_FACTS = {np.shape, np.ndim, np.size}


class NumPyBorder:
    """Answers NumPy's protocols for a node."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Run the rule of a NumPy elementwise function, such as np.tanh."""
        if kwargs.get("out") is not None:
            raise TypeError(
                f"an array cannot take the result of np.{ufunc.__name__} with a "
                f"{type(self).__name__} in place (+=, out=): it has nowhere to remember where "
                "the numbers came from; write a = a + b instead"
            )
        if method == "__call__" and not kwargs:
            if ufunc in _COMPARISONS:
                on_the_right = inputs[0] is not self
                method_of_node = _COMPARISONS[ufunc][on_the_right]
                return getattr(self, method_of_node)(inputs[not on_the_right])
            rule = _RULES.get(ufunc)
            if rule is not None:
                node = next(x for x in inputs if isinstance(x, NumPyBorder))
                return node._apply(rule, inputs)  # type: ignore[attr-defined]
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        self._refuse(name)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Run our function of the same name as a NumPy function, such as np.sum."""
        if func in _FACTS:
            return func(args[0]._data, *args[1:], **kwargs)
        from . import operations

        name = _FUNCTIONS.get(func)
        if name is None or kwargs.get("out") is not None:
            self._refuse(f"{func.__module__}.{func.__name__}".removeprefix("numpy."))
        if name == "where" and len(args) != 3:
            self._refuse("where of a condition alone")
        if func is np.dot:
            axes = [np.ndim(x) for x in args]
            if 0 in axes:
                return args[0] * args[1]
            if max(axes) > 2:
                self._refuse("dot from three axes on, which is not @,")
        if func is np.reshape and "shape" in kwargs:
            args = (*args, kwargs.pop("shape"))
        named = {_KEYWORDS.get(key, key): value for key, value in kwargs.items()}
        return getattr(operations, name)(*args, **named)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        kind = type(self).__name__
        if kind == "Value":
            raise TypeError(
                "an array cannot hold a Value, because it would forget where the number came "
                "from; for its number write float(value), for many numbers that remember, "
                "a tg.Tensor of plain numbers"
            )
        raise TypeError(
            f"an array cannot remember where a {kind} came from; for a copy of its numbers "
            "write tensor.numpy()"
        )

    def _refuse(self, name: str) -> NoReturn:
        kind = type(self).__name__
        numbers = "float(value)" if kind == "Value" else "tensor.numpy()"
        raise TypeError(
            f"np.{name} has no derivative in twingrad, so it cannot take a {kind}; use "
            f"twingrad's own functions (tg.exp, tg.sum …), give it a rule with "
            f"tg.apply(rule, x), or take the numbers alone: {numbers}"
        )
