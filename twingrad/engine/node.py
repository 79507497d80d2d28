"""Node: a number that remembers where it came from.

An operation makes a node that knows its operands and holds one pullback, the way back from its
gradient to theirs. What Value and Tensor share stands here, and in `operators`; what they
answer differently is the short list of methods in the middle of the class.
"""

from collections.abc import Callable, Sequence
from copy import copy
from operator import attrgetter
from typing import Any, ClassVar, Self

import numpy as np

from . import array_rules, list_rules, rules, window_rules
from .changes import clock, refuse_if_stale
from .errors import GraphError
from .numpy_border import NumPyBorder
from .operators import Operators
from .rules import SELECTIVE, Pullback, Pulled
from .spent import spent
from .sweep import gradients, is_remembering, no_grad
from .symbols import operation_name
from .tape import Tape

NO_STATIC: dict[str, Any] = {}
_RULES = {**vars(array_rules), **vars(list_rules), **vars(rules), **vars(window_rules)}
_data_of = attrgetter("_data")
_new = object.__new__


class Node(Operators, NumPyBorder):
    """A number, or an array of them, that remembers the operation and the operands it came from.

    `parents` are the operands in order, the same one twice where it was used twice. `constant`
    marks what gets no gradient: plain numbers and arrays that met a node, results under
    `no_grad`, what `detach` gives. Set it on a parameter to freeze that.
    """

    __slots__ = (
        "_data", "_grad", "_made_by", "_pullback", "_stamp", "constant", "label", "parents"
    )  # fmt: skip

    data: Any
    grad: Any
    _data: Any
    _grad: Any
    _made_by: Any
    """The rule, or the rule and its static, of which most have none: a slot costs 16 bytes."""
    _pullback: Pullback | None
    _stamp: int
    constant: bool
    label: str
    parents: tuple["Node", ...]

    made: ClassVar[int] = 0
    """How many leaves were made, one way or another; a recording looks out for new ones."""

    look_at_loss: ClassVar[Callable[["Node"], None] | None] = None
    """Who looks at what backward() starts from; `nn` puts it here."""

    svg_in_notebooks: ClassVar[Callable[["Node"], str | None] | None] = None
    """How a notebook draws a node; `twingrad` puts it here, for drawing is above the engine."""

    @classmethod
    def _make(cls, data: Any, label: str = "", constant: bool = False) -> Self:
        """A node with no past, around data that is already a float or an array of its own."""
        node = cls.__new__(cls)
        node._begin(data, label, constant)
        return node

    def _begin(self, data: Any, label: str, constant: bool = False) -> None:
        self._data = data
        self._grad = None
        self._made_by = self._pullback = None
        self._stamp = 0
        self.constant = constant
        self.label = label
        self.parents = ()

    def _apply(
        self,
        rule: Callable[..., Any],
        operands: tuple[Any, ...],
        static: dict[str, Any] = NO_STATIC,
    ) -> Self:
        """Run a rule on the operands' numbers, and remember how to go back."""
        kind = type(self)
        for x in operands:
            if type(x) is not kind:
                operands = tuple([self._operand(x) for x in operands])
                break
        if rule in SELECTIVE:
            static = {**static, "needs": tuple([not parent.constant for parent in operands])}
        numbers = map(_data_of, operands)
        result = rule(*numbers, **static) if static else rule(*numbers)
        try:
            data, pullback = result
        except (TypeError, ValueError):
            raise GraphError(not_a_rule(rule, result)) from None
        if type(data) is not kind.holds:
            if not callable(pullback):  # two numbers unpack as well
                raise GraphError(not_a_rule(rule, result))
            data = self._held(data)
        if is_remembering.get():
            for parent in operands:
                if not parent.constant:
                    node = _new(kind)
                    node._data = data
                    node._grad = None
                    node._made_by = (rule, static) if static else rule
                    node._pullback = pullback
                    node._stamp = clock.now
                    node.constant = False
                    node.label = ""
                    node.parents = operands
                    return node
        constant = self._make(data, constant=True)
        if Tape.running.get() is not None:  # to a recording, how it came about matters
            constant._made_by = (rule, static) if static else rule
            constant._pullback, constant.parents = pullback, operands
        return constant

    def _trace(self, name: str, operands: Sequence[Any], **static: Any) -> Any:
        return self._apply(_RULES[name], tuple(operands), static)

    @property
    def _rule(self) -> Callable[..., Pulled] | None:
        """The rule that made this node, None for a leaf."""
        made_by = self._made_by
        rule: Callable[..., Pulled] | None = made_by[0] if type(made_by) is tuple else made_by
        return rule

    @property
    def _static(self) -> dict[str, Any]:
        """What that rule was told beside the operands."""
        made_by = self._made_by
        return made_by[1] if type(made_by) is tuple else NO_STATIC

    def _moved(self, now: int) -> None:
        """Say that its data has changed, of a result by a stamp older than any operand's."""
        self._stamp = -now if self.parents else now

    def _rerun(self) -> Pullback:
        """The pullback of this node's rule run on the parents themselves, not on their numbers."""
        if self._rule is None:
            raise GraphError("a leaf has no rule to run")
        return self._rule(*self.parents, **self._static)[1]

    # What the twins answer differently

    holds: ClassVar[type]

    def _held(self, data: Any) -> Any:
        """What a rule returned as what this twin holds, a float or an array."""
        raise TypeError("a Node is a Value or a Tensor")

    def _operand(self, x: Any) -> "Node":
        """What met this node in an operation, as a node: itself, or a constant."""
        raise TypeError("a Node is a Value or a Tensor")

    def _seed(self, gradient: Any) -> Any:
        """The gradient that a backward pass starts from."""
        raise TypeError("a Node is a Value or a Tensor")

    def _received(self, gradient: Any, passed_on: Any, sender: "Node") -> Any:
        """A gradient that a rule gave this node, in this node's shape and in memory of its own."""
        return gradient

    def _as_gradient(self, gradient: Any) -> Any:
        """A gradient that is no float or array: a node, or what a rule of the user's returned."""
        raise TypeError("a Node is a Value or a Tensor")

    # The past, in our words and in the lecture's

    @property
    def op(self) -> str:
        """The operation that made this node, such as "+" or "tanh"; "" for a leaf."""
        return "" if self._rule is None else operation_name(self._rule)

    @property
    def _prev(self) -> tuple["Node", ...]:
        return self.parents

    @property
    def _op(self) -> str:
        return self.op

    @property
    def _backward(self) -> Callable[[], None]:
        """One step by hand, as in the lecture: pass this node's present grad to its parents."""
        return self._pass_on

    @_backward.setter
    def _backward(self, _: Any) -> None:
        raise AttributeError(
            f"a {type(self).__name__} has a _backward of its own, which cannot be assigned; give "
            "an operation of yours as a rule, its result and how gradients go back: def square(x): "
            "return x * x, lambda grad: (grad * 2 * x,) and tg.apply(square, x)"
        )

    def _pass_on(self) -> None:
        if self._pullback is None or self._grad is None:
            return
        if self._stamp is not clock.now:
            refuse_if_stale(self)
        with np.errstate(all="ignore"):
            for parent, gradient in zip(self.parents, self._pullback(self._grad), strict=True):
                if gradient is not None and not parent.constant:
                    parent._collect(parent._received(gradient, self._grad, self))

    # Differentiation

    def backward(self, gradient: Any = None, create_graph: bool = False) -> None:
        """Add to `.grad` of every node below the gradient of this one with respect to it.

        `gradient` is where to start, in the shape of this node; a single number starts from 1.
        Calling it twice adds twice: reset with `zero_grad`. With `create_graph` the gradients
        are nodes and can be differentiated again; a graph is then held alive by its `.grad`s.

        Raises `GraphError` where nothing was remembered (a result under `no_grad`, a detached
        node), `StaleGraphError` where data changed after the graph was computed from it, as by
        `optimizer.step()`, `ShapeError` from more than one element without a `gradient`; no
        gradient is touched in these cases.

        >>> from twingrad import Value
        >>> x = Value(3.0)
        >>> (x * x).backward()
        >>> x.grad
        6.0
        """
        if self.constant:
            raise GraphError(
                f"backward() needs a result that remembers, but this {type(self).__name__} is a "
                "constant: made under no_grad(), by detach(), or of plain numbers alone; compute "
                "it again, outside no_grad(), from the nodes whose gradients you want"
            )
        seed = self._seed(gradient)
        if Node.look_at_loss is not None:
            Node.look_at_loss(self)
        seeds = {self: self._operand(seed) if create_graph else seed}
        found = gradients(seeds, create_graph=create_graph)
        with np.errstate(all="ignore"):
            for node, grad in found.items():
                node._collect(grad)

    def _collect(self, grad: Any) -> None:
        held = self._grad
        total = grad if held is None else held + grad
        self._grad = total if type(total) is self.holds else self._as_gradient(total)
        if held is not None and spent.now:
            spent.notice(held, self._grad)

    def _as_variable(self) -> Self:
        """Itself, as something to differentiate by."""
        self.constant = False
        return self

    def detach(self) -> Self:
        """The same number without its past: a constant, through which no gradient flows."""
        if Tape.running.get() is not None:
            with no_grad():
                return self._apply(rules.identity, (self,))
        return self._make(copy(self._data), constant=True)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.parents:
            raise TypeError(
                f"a {type(self).__name__} that was computed cannot be copied or pickled, because "
                "its past is made of functions; take the leaves, or its number, by detach()"
            )
        Node.made += 1
        how: Any = super().__reduce_ex__(protocol)
        make, arguments, (own, slots) = how[:3]
        return make, arguments, (own, {**slots, "_stamp": 0})  # ticks are of this process alone

    def _repr_svg_(self) -> str | None:
        draw = Node.svg_in_notebooks
        return None if draw is None else draw(self)


def not_a_rule(rule: Any, result: Any) -> str:
    """What to say of a rule that did not return a result and a pullback."""
    name = getattr(rule, "__name__", repr(rule))
    return (
        f"the rule {name!r} returned a {type(result).__name__}; a rule returns two things: the "
        "result and its pullback, a function from the gradient of the result to a tuple of "
        "gradients, one per operand"
    )
