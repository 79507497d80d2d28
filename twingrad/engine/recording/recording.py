"""record: a program of Values, run once, becomes a program of arrays, replayed many times.

Eager, each number costs a Python object; replayed, a whole layer costs one call of NumPy.
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from struct import Struct
from typing import Any

import numpy as np
import numpy.typing as npt

from ..collector import collector_paused
from ..errors import AnomalyError, GraphError
from ..node import Node
from ..sweep import enable_grad, topological_order
from ..tape import Tape
from ..tensor import Tensor
from ..value import Value
from .anomalies import is_to_be_told, tell
from .cells import Gather
from .columns import Columns, Ints
from .draws import drawn_from
from .guards import Guards
from .inputs import Inputs
from .listing import Listing, counted
from .program import Program
from .reach import Reached


def record(f: Callable[..., Any] | Value, *inputs: Any) -> "Recording":
    """Record a program of Values, to replay it as array code: the same numbers, much faster.

    `f` is a function, called once with the inputs, that returns the Value to differentiate; or
    that Value, of a graph already built. Inputs are numbers, arrays, and lists or dicts of them;
    `f` gets Values in their place, an array as an array of Values, and a replay other numbers of
    the same shape. What is no number, such as a model, is passed on and stays what it is.

    Numbers that `f` takes from elsewhere stay as they are now, and what else it does, such as
    keeping a state, is not done again. Where it asks for a number, by
    `v > 0`, `float(v)`, `v.data` or an index, the answer becomes a guard, which every replay
    checks. A graph already built has no guards and no inputs.

    Raises `TypeError` for Tensors and for an `f` that returns no Value, `GraphError` for a
    constant.

    >>> import twingrad as tg
    >>> w = tg.Value(3.0)
    >>> recording = tg.record(lambda x: (w * x - 1.0) ** 2, 2.0)
    >>> recording.replay(2.0), w.grad
    (25.0, 20.0)
    >>> w.data = 1.0
    >>> recording.replay(5.0), w.grad
    (16.0, 40.0)
    """
    if isinstance(f, Node):
        if inputs:
            raise TypeError(
                "record(node) takes a graph that is built already, which no inputs can enter; "
                "record the function that builds it: record(f, *inputs)"
            )
        return Recording(f)
    if not callable(f):
        raise TypeError(f"record() takes a function or a Value, but {f!r} came")
    return record_with_results(f, inputs)


def record_with_results(
    f: Callable[..., Any],
    inputs: Sequence[Any],
    others: Callable[[], Sequence[Node]] = tuple,
    uses: Sequence[Any] = (),
) -> "Recording":
    """A recording that also computes the other nodes that, after a call of f, `others` gives.

    `uses` are the objects in which f finds Values, if not f itself and its inputs.
    """
    taken, tape = Inputs(inputs), Tape()
    uses = uses or (f, *taken.given)
    with collector_paused(), drawn_from(uses) as drawn:
        token = Tape.running.set(tape)
        try:
            with enable_grad():
                root = f(*taken.copied())
        except AnomalyError:
            raise
        except Exception as error:
            error.add_note(
                "this came while a function was recorded, which gets Values in the place of its "
                "inputs; prepare data outside of it, or take float(x), which becomes a guard"
            )
            raise
        finally:
            Tape.running.reset(token)
    if drawn:
        raise GraphError(
            f"{_name(f)} draws random numbers ({', '.join(drawn)}), which every replay would "
            "repeat; draw them outside and pass them as an input"
        )
    with collector_paused():
        return Recording(root, f, taken, tape, others(), uses)


class Recording:
    """A program of Values as array code; print it to see that code.

    `leaves` are the Values whose gradients a replay sets; `steps` counts the operations on
    arrays, `matrix_products` and `gathers` those that are, or that need, one. One thread replays
    at a time. The other attributes serve `fit`, which leaves the leaves' numbers in the array.
    """

    def __init__(
        self,
        root: Any,
        f: Callable[..., Any] | None = None,
        inputs: Inputs | None = None,
        tape: Tape | None = None,
        others: Sequence[Node] = (),
        uses: Sequence[Any] = (),
    ) -> None:
        self._f, self._inputs, tape = f, inputs or Inputs(()), tape or Tape()
        self.name = "a graph that was built" if f is None else _name(f)
        _check_root(root, self.name)
        self.first_loss = float(root)
        asked = [x for g in tape.guards for x in (g.node, g.other) if isinstance(x, Node)]
        checked = [node for nodes, _ in tape.checks for node in nodes]
        with collector_paused():
            order = topological_order(root, *others, *asked, *checked)
            if any(isinstance(node, Tensor) for node in order):
                raise TypeError(_NO_TENSORS)
            graph = Columns(order, self._inputs.nodes, built=f is None)
            if others or asked or checked or (graph.constant & graph.is_computed).any():
                graph.let_unreached_be_constant(graph.at[root])
            results = [graph.at[node] for node in (root, *others, *asked, *checked)]
            program = Program(graph, self._inputs.nodes, np.array(results))
        self.program, self.nodes = program, len(order)
        places, cells = program.places, program.places.cells
        count = places.leaves.stop - places.leaves.start
        self.leaves: list[Value] = program.held[:count]
        self._frozen: list[Value] = program.held[count:]
        self._held_format = Struct(f"{len(program.held)}d")
        self.reached = np.array([not graph.constant[graph.at[leaf]] for leaf in self.leaves])
        reached = zip(self.leaves, self.reached.tolist(), strict=True)
        self._unreached = [leaf for leaf, is_reached in reached if not is_reached]
        self._input_data = cells.data[places.inputs]
        self._held_buffer = cells.data[places.leaves.start : places.frozen.stop].data
        self.leaf_data, self.leaf_grad = cells.data[places.leaves], cells.grad[places.leaves]
        self._root = places.operand(np.array(graph.at[root]))

        def kept(nodes: Iterable[Node]) -> Ints:
            return places.keep(np.array([graph.at[node] for node in nodes], np.intp))

        self._others_at = kept(others)
        self._guards = Guards(tape.guards, kept)
        self._checks = [(kept(nodes), check) for nodes, check in tape.checks]
        self._reached = Reached(uses)
        self._guards.take_numbers(cells.data)
        program.forget_nodes()
        self._inputs.nodes.clear()

    def replay(self, *inputs: Any) -> float:
        """Recompute everything from the leaves' present data and these inputs; return the loss.

        Sets the `.grad` of every leaf, whatever it was. Raises `ShapeError` for inputs of another
        shape than when recording, `TypeError` for another count or kind, what a loss raises for
        targets it does not take, and `GraphError` where a guard has another answer, where a Value
        was frozen or unfrozen since, and where the function can reach other Values than then; no
        gradient is touched in these cases.
        """
        if Tape.running.get() is not None:
            raise GraphError(
                "replay() within a function that is recorded would leave a plain number; call the "
                "function itself there"
            )
        self._see_that_it_still_holds()
        self.write_inputs(*inputs)
        loss = self.run()
        if self.is_anomalous:
            tell(self._f, inputs, self.name)
        for leaf, grad in zip(self.leaves, self.leaf_grad.tolist(), strict=True):
            leaf._grad = grad
        for leaf in self._unreached:
            leaf._grad = None
        return loss

    __call__ = replay

    def write_inputs(self, *inputs: Any) -> None:
        """Put inputs into the cells."""
        self._inputs.write(inputs, self._input_data)

    def run(self) -> float:
        """Recompute from the numbers in the cells, leaving leaves and their gradients there."""
        data = self.program.places.cells.data
        with np.errstate(all="ignore"):
            self.program.forward()
            for places, check in self._checks:
                check(data[places])
            self._guards.check(data)
            self.program.backward(self._root)
        return float(self._root.get())

    @property
    def is_anomalous(self) -> bool:
        """Whether the last run gave what `detect_anomaly`, if it stands around, looks for."""
        return is_to_be_told(self.program)

    @property
    def steps(self) -> int:
        """How many operations on arrays there are."""
        return len(self.program.steps)

    @property
    def matrix_products(self) -> int:
        """How many of them are matrix products."""
        return sum(step.is_product for step in self.program.steps)

    @property
    def gathers(self) -> int:
        """How often an operand must be picked together, number by number."""
        operands = [x for step in self.program.steps for x in step.operands]
        return sum(isinstance(x, Gather) for x in operands)

    def still_holds(self) -> bool:
        """Read the numbers of all leaves; whether they are still those that were recorded."""
        try:
            self._see_that_it_still_holds()
        except GraphError:
            return False
        return True

    def _see_that_it_still_holds(self) -> None:
        leaves = [leaf._data for leaf in self.leaves if not leaf.constant]
        frozen = [value._data for value in self._frozen if value.constant]
        if len(leaves) < len(self.leaves) or len(frozen) < len(self._frozen):
            raise GraphError(
                "a Value was frozen or unfrozen (`constant`) since this was recorded; record again"
            )
        self._held_format.pack_into(self._held_buffer, 0, *leaves, *frozen)
        changed = self._reached.changed()
        if changed:
            raise GraphError(f"{self.name} {changed}; record it again")

    @property
    def others(self) -> npt.NDArray[np.float64]:
        """The numbers of the other nodes that were asked for, after the last run."""
        return self.program.places.cells.data[self._others_at]

    def __repr__(self) -> str:
        return f"<Recording of {self.name}: {self.nodes:,} Values as {self.steps} array operations>"

    def __str__(self) -> str:
        inputs = self._inputs.named_shapes(_parameter_names(self._f))
        listing = Listing(self.program, inputs, self._root)
        guards = (
            "none: this graph was built before, so what decided about its form is unknown"
            if self._f is None
            else str(self._guards.count or "none")
        )
        found = [
            counted(self.steps, "array operation"),
            f"with {counted(self.matrix_products, 'matrix product')}",
            f"and {counted(self.gathers, 'gather')}",
        ]
        return listing.text(
            f"{self.name}: {counted(self.nodes, 'Value')} as {found[0]}, {found[1]} {found[2]}",
            len(self.leaves),
            guards,
        )


def _name(f: Any) -> str:
    return getattr(f, "__name__", None) or f"a {type(f).__name__}"


_NO_TENSORS = (
    "record() records programs of Values, but a Tensor came, which computes whole arrays at once "
    "already: call backward() on it as it is"
)


def _check_root(root: Any, name: str) -> None:
    if isinstance(root, Tensor):
        raise TypeError(_NO_TENSORS)
    if not isinstance(root, Value):
        raise TypeError(
            f"{name} returned {root!r}, a {type(root).__name__}; record() needs the Value to "
            "differentiate: does the function end with return?"
        )
    if root.constant:
        raise GraphError(
            f"{name} is a constant, through which no gradient flows: made under no_grad(), by "
            "detach(), or of plain numbers and inputs alone"
        )


def _parameter_names(f: Any) -> list[str]:
    try:
        return list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        return []
