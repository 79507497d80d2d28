"""Assertions that say on failure what gradcheck and check_op found, and nothing else.

`assert tg.gradcheck(f, x)` does the same inside pytest, with the report in its middle.
"""

from collections.abc import Callable
from typing import Any

from ..engine import check_op, gradcheck


def assert_gradients(f: Callable[..., Any], *inputs: Any, **settings: Any) -> None:
    """Assert that the gradients of f at the inputs are right; settings are those of `gradcheck`.

    >>> from twingrad.testing import assert_gradients
    >>> assert_gradients(lambda x, y: tg.tanh(x) * y, 0.3, -2.0)
    """
    __tracebackhide__ = True
    report = gradcheck(f, *inputs, **settings)
    if not report:
        raise AssertionError(str(report))


def assert_operation(rule: Callable[..., Any], *operands: Any, **static: Any) -> None:
    """Assert that a rule of one's own is right in all that `check_op` looks at.

    >>> from twingrad.testing import assert_operation
    >>> def scaled(x, *, factor):
    ...     return factor * x, lambda grad: (factor * grad,)
    >>> assert_operation(scaled, factor=3.0)
    """
    __tracebackhide__ = True
    report = check_op(rule, *operands, **static)
    if not report:
        raise AssertionError(str(report))
