"""The derivatives of what layers do in one node: linear, standardize, dropout.

Each could be said in several operations; one node is faster, and reads as the layer it is.
"""

from typing import Any

from . import functions as fn
from .array_functions import Axis, mean
from .array_rules import matmul
from .functions import Operand
from .rules import Pulled, selective


@selective
def linear(x: Operand, weight: Operand, bias: Operand, *, needs: tuple[bool, ...]) -> Pulled:
    """x @ weight + bias: a whole layer in one node."""
    product, pull_back = matmul(x, weight, needs=needs)
    product += bias
    return product, lambda grad: (*pull_back(grad), grad)


def standardize(x: Operand, *, axis: Axis, eps: float) -> Pulled:
    """y = (x - mean)/√(var + eps) over an axis, var the mean square of what is left of x.

    With G the gradient, the gradient is (G - mean G - y · mean G y)/√(var + eps).
    """
    deviation = x - mean(x, axis, keepdims=True)
    # Of equal numbers there is nothing left but the rounding of their mean, which is no spread.
    deviation = deviation - mean(deviation, axis, keepdims=True)
    scale = fn.divide(1.0, fn.sqrt(mean(deviation * deviation, axis, keepdims=True) + eps))
    y = deviation * scale

    def pullback(grad: Operand) -> tuple[Operand, ...]:
        along_y = y * mean(grad * y, axis, keepdims=True)
        return (scale * (grad - mean(grad, axis, keepdims=True) - along_y),)

    return y, pullback


def dropout(x: Operand, *, kept: Any, scale: float) -> Pulled:
    """scale · x where kept, else 0; so is the gradient."""
    return fn.where(kept, x * scale, 0.0), lambda grad: (fn.where(kept, grad * scale, 0.0),)
