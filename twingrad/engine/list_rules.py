"""The derivatives of what takes a list of numbers: one node instead of a chain of them.

Rules as in `rules`, with as many operands as the list is long. On micrograd's moons demo, a
neuron that is one `dot` instead of a sum of products is what makes the graph nine times smaller.
"""

from . import functions as fn
from .functions import Operand
from .rules import Pulled


def total(*xs: Operand) -> Pulled:
    """x₁ + … + xₙ; every slope is 1."""
    return fn.total(xs), lambda grad: (grad,) * len(xs)


def dot(*operands: Operand) -> Pulled:
    """x₁y₁ + … + xₙyₙ + bias, of operands x₁ … xₙ, y₁ … yₙ, bias: a whole neuron in one node."""
    n = len(operands) // 2
    xs, ys, bias = operands[:n], operands[n : 2 * n], operands[-1]
    return fn.dot(xs, ys, bias), lambda grad: (
        *[grad * y for y in ys],
        *[grad * x for x in xs],
        grad,
    )


def logsumexp_of(*xs: Operand) -> Pulled:
    """log(exp x₁ + … + exp xₙ); its slopes are the softmax."""
    y = fn.logsumexp_of(xs)
    return y, lambda grad: tuple([grad * fn.exp(x - y) for x in xs])


def cross_entropy_of(*operands: Operand) -> Pulled:
    """-(t₁ log p₁ + … + tₙ log pₙ), p the softmax of x, of operands x₁ … xₙ, t₁ … tₙ.

    Its slopes are pᵢ Σt - tᵢ and -log pᵢ. A target of 0 contributes 0 even where p is 0.
    """
    n = len(operands) // 2
    logs, targets = fn.log_softmax_of(operands[:n]), operands[n:]
    terms = [fn.where(fn.equal(t, 0.0), 0.0, t * log) for t, log in zip(targets, logs, strict=True)]
    whole = fn.total(targets)
    return -fn.total(terms), lambda grad: (
        *[grad * (whole * fn.exp(log) - t) for t, log in zip(targets, logs, strict=True)],
        *[-grad * log for log in logs],
    )


def exp_difference(x: Operand, y: Operand) -> Pulled:
    """exp(x - y); its slopes are itself and minus itself. Softmax, y being the logsumexp."""
    ratio = fn.exp(x - y)
    return ratio, lambda grad: (grad * ratio, -grad * ratio)
