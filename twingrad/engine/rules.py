"""Every derivative of a single number in twingrad, each written once.

A rule takes its operands and returns the result and its pullback: from the gradient of the
result to one gradient per operand. Operands are floats, arrays, or nodes (then the gradients
are graphs too), so a rule says only what `functions` and arithmetic can say. It never mentions
its own node, never sums over broadcast axes and never accumulates: `backward` alone does.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from . import functions as fn
from .functions import Operand

Pullback: TypeAlias = Callable[[Operand], tuple[Operand, ...]]
Pulled: TypeAlias = tuple[Operand, Pullback]
Rule = TypeVar("Rule", bound=Callable[..., Pulled])


SELECTIVE: set[Callable[..., Any]] = set()


def selective(rule: Rule) -> Rule:
    """Mark a rule whose gradients are costly: it is told, as `needs`, which operands want one."""
    SELECTIVE.add(rule)
    return rule


def identity(x: Operand) -> Pulled:
    """x itself; its slope is 1."""
    return x, lambda grad: (grad,)


# Arithmetic


def add(x: Operand, y: Operand) -> Pulled:
    """x + y; its slopes are 1 and 1."""
    return x + y, _both


def _both(grad: Operand) -> tuple[Operand, Operand]:
    return grad, grad


def sub(x: Operand, y: Operand) -> Pulled:
    """x - y; its slopes are 1 and -1."""
    return x - y, lambda grad: (grad, -grad)


def mul(x: Operand, y: Operand) -> Pulled:
    """xy; its slopes are y and x."""
    return x * y, lambda grad, x=x, y=y: (grad * y, grad * x)


def divide(x: Operand, y: Operand) -> Pulled:
    """x/y; its slopes are 1/y and -(x/y)/y."""
    quotient = fn.divide(x, y)
    return quotient, lambda grad: (fn.divide(grad, y), -grad * fn.divide(quotient, y))


@selective
def power(x: Operand, y: Operand, *, needs: tuple[bool, bool]) -> Pulled:
    """xʸ; its slopes are y xʸ⁻¹ and xʸ log x. At 0⁰ and for 0 to a positive power, as PyTorch."""
    result = fn.power(x, y)

    def pullback(grad: Operand) -> tuple[Operand, ...]:
        of_base = of_exponent = None
        if needs[0]:
            flat = fn.equal(y, 0.0)  # x⁰ is 1 even at 0, where x⁻¹ would make its slope nan
            base = fn.where(flat & fn.equal(x, 0.0), 1.0, x) if fn.anywhere(flat) else x
            of_base = grad * (y * fn.power(base, y - 1.0))
        if needs[1]:
            base = fn.where(fn.equal(x, 0.0) & (y >= 0.0), 1.0, x)
            of_exponent = grad * (result * fn.log(base))
        return of_base, of_exponent

    return result, pullback


def neg(x: Operand) -> Pulled:
    """-x; its slope is -1."""
    return -x, lambda grad: (-grad,)


def absolute(x: Operand) -> Pulled:
    """|x|; its slope is the sign of x, and 0 at 0."""
    return abs(x), lambda grad: (fn.where(fn.equal(x, 0.0), 0.0, fn.where(x < 0.0, -grad, grad)),)


# Elementary functions


def exp(x: Operand) -> Pulled:
    """exp x; it is its own slope."""
    y = fn.exp(x)
    return y, lambda grad: (grad * y,)


def log(x: Operand) -> Pulled:
    """log x; its slope is 1/x."""
    return fn.log(x), lambda grad: (fn.divide(grad, x),)


def sqrt(x: Operand) -> Pulled:
    """√x; its slope is 1/(2√x)."""
    y = fn.sqrt(x)
    return y, lambda grad: (fn.divide(grad, 2.0 * y),)


def sin(x: Operand) -> Pulled:
    """sin x; its slope is cos x."""
    return fn.sin(x), lambda grad: (grad * fn.cos(x),)


def cos(x: Operand) -> Pulled:
    """cos x; its slope is -sin x."""
    return fn.cos(x), lambda grad: (-grad * fn.sin(x),)


def erf(x: Operand) -> Pulled:
    """erf x; its slope is 2/√π exp(-x²)."""
    return fn.erf(x), lambda grad: (grad * (2.0 / math.sqrt(math.pi) * fn.exp(-x * x)),)


def erfc(x: Operand) -> Pulled:
    """1 - erf x; its slope is -2/√π exp(-x²)."""
    return fn.erfc(x), lambda grad: (grad * (-2.0 / math.sqrt(math.pi) * fn.exp(-x * x)),)


# Activations


def tanh(x: Operand) -> Pulled:
    """tanh x; its slope is 1 - tanh² x."""
    y = fn.tanh(x)
    return y, lambda grad: (grad * (1.0 - y * y),)


def sigmoid(x: Operand) -> Pulled:
    """σ(x) = 1/(1 + e⁻ˣ); its slope is σ(1 - σ)."""
    y = fn.sigmoid(x)
    return y, lambda grad: (grad * (y * (1.0 - y)),)


def softplus(x: Operand) -> Pulled:
    """log(1 + eˣ); its slope is the sigmoid."""
    return fn.softplus(x), lambda grad: (grad * fn.sigmoid(x),)


def relu(x: Operand) -> Pulled:
    """max(x, 0); its slope is 1 where x > 0, else 0."""
    return fn.relu(x), lambda grad: (fn.where(x <= 0.0, 0.0, grad),)


def leaky_relu(x: Operand, *, alpha: float) -> Pulled:
    """x where x > 0, else alpha x; its slope is 1 or alpha."""
    return fn.where(x > 0.0, x, alpha * x), lambda grad: (fn.where(x > 0.0, grad, alpha * grad),)


def gelu(x: Operand) -> Pulled:
    """x Φ(x), Φ the normal distribution's cumulative function; its slope is Φ + x φ.

    Hendrycks & Gimpel 2016, arXiv:1606.08415, section 2.
    """
    cumulative = 0.5 * fn.erfc(x * -math.sqrt(0.5))

    def pullback(grad: Operand) -> tuple[Operand, ...]:
        density = math.sqrt(0.5 / math.pi) * fn.exp(-0.5 * (x * x))
        return (grad * (cumulative + x * density),)

    return x * cumulative, pullback


def gelu_tanh(x: Operand) -> Pulled:
    """x (1 + tanh u)/2 with u = √(2/π) (x + 0.044715 x³), the approximation of the same paper."""
    scale = math.sqrt(2.0 / math.pi)
    t = fn.tanh(scale * (x + 0.044715 * (x * x * x)))

    def pullback(grad: Operand) -> tuple[Operand, ...]:
        slope_of_u = scale * (1.0 + 3.0 * 0.044715 * (x * x))
        return (grad * (0.5 * (1.0 + t) + 0.5 * (x * (1.0 - t * t) * slope_of_u)),)

    return 0.5 * x * (1.0 + t), pullback


# Choosing


def maximum(x: Operand, y: Operand) -> Pulled:
    """The greater of x and y takes the gradient; at a tie each takes half."""
    return fn.maximum(x, y), lambda grad: _to_winner(grad, x < y, x > y, fn.equal(x, y))


def minimum(x: Operand, y: Operand) -> Pulled:
    """The smaller of x and y takes the gradient; at a tie each takes half."""
    return fn.minimum(x, y), lambda grad: _to_winner(grad, x > y, x < y, fn.equal(x, y))


def _to_winner(
    grad: Operand, second_wins: Any, first_wins: Any, tie: Any
) -> tuple[Operand, Operand]:
    shared = fn.where(tie, 0.5 * grad, grad)
    return fn.where(second_wins, 0.0, shared), fn.where(first_wins, 0.0, shared)


def clip(x: Operand, *, low: float, high: float) -> Pulled:
    """x kept within [low, high]; its slope is 1 inside and on the border, else 0."""
    inside_or_low = fn.where(x < low, low, x)
    outside = (x < low) | (x > high)
    return fn.where(x > high, high, inside_or_low), lambda grad: (fn.where(outside, 0.0, grad),)


def where(x: Operand, y: Operand, *, condition: Any) -> Pulled:
    """x where the condition holds, else y; the one taken takes the gradient."""
    return fn.where(condition, x, y), lambda grad: (
        fn.where(condition, grad, 0.0),
        fn.where(condition, 0.0, grad),
    )


@selective
def weigh(x: Operand, weight: Operand, *, needs: tuple[bool, bool]) -> Pulled:
    """weight · x, and 0 where the weight is, even if x is infinite; its slopes are weight and x."""
    absent = fn.equal(weight, 0.0)

    def pullback(grad: Operand) -> tuple[Operand, ...]:
        of_x = fn.where(absent, 0.0, grad * weight) if needs[0] else None
        return of_x, grad * x if needs[1] else None

    return fn.where(absent, 0.0, weight * x), pullback


def huber(x: Operand, *, delta: float) -> Pulled:
    """x²/2 where |x| < delta, else delta(|x| - delta/2); its slope is x kept within ±delta."""
    kept = fn.where(x >= delta, delta, fn.where(x <= -delta, -delta, x))
    return kept * (x - 0.5 * kept), lambda grad: (grad * kept,)


def binary_cross_entropy(x: Operand, target: Operand) -> Pulled:
    """-log of the probability σ(x) gives the target, 0 to 1; its slopes are σ(x) - target and -x.

    Written as |x| times the share that x is wrong about, plus log(1 + exp(-|x|)), which neither
    overflows nor cancels.
    """
    wrong = fn.where(x > 0.0, 1.0 - target, target)
    y = fn.where(fn.equal(wrong, 0.0), 0.0, wrong * abs(x)) + fn.softplus(-abs(x))
    return y, lambda grad: (grad * (fn.sigmoid(x) - target), -grad * x)
