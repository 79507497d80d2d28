"""Tests of one's own operations and programs: strategies for Hypothesis, and two assertions.

What twingrad's own tests draw from can be drawn from by others. It needs Hypothesis, which
`pip install "twingrad[testing]"` brings, and is loaded by nothing but `import twingrad.testing`.
"""

try:
    import hypothesis as _hypothesis  # noqa: F401 - so that what is missing is said at once
except ImportError as error:
    raise ImportError(
        "twingrad.testing needs hypothesis, which is missing; install it with "
        'pip install "twingrad[testing]"'
    ) from error

from .assertions import assert_gradients, assert_operation
from .programs import Program, programs
from .strategies import (
    arrays,
    broadcastable_shapes,
    broadcasting_arrays,
    floats,
    shapes,
    tensors,
    values,
)

__all__ = [
    "Program",
    "arrays",
    "assert_gradients",
    "assert_operation",
    "broadcastable_shapes",
    "broadcasting_arrays",
    "floats",
    "programs",
    "shapes",
    "tensors",
    "values",
]
