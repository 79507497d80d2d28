"""The message of an anomaly: the operation, the user's line, the numbers, and the reason.

It is what the sentences of `reasons` stand in, and loads only when there is one to tell.
"""

import dis
import linecache
from collections.abc import Callable, Iterable, Mapping, Sequence
from textwrap import wrap
from types import CodeType
from typing import Any

import numpy as np

from ..changes import clock
from ..errors import AnomalyError
from ..node import Node
from ..symbols import operation_name
from .context import Place, here, is_anomalous
from .found import Found, Operand, Origin, kind_of, largest
from .reasons import reason
from .watch import Placed

WIDTH = 100
MOST_OPERANDS = 4


def of_result(
    rule: Any, static: Mapping[str, Any], operands: Sequence[Any], result: Any, place: Place
) -> AnomalyError:
    """An operation gave it."""
    found = Found("forward", rule, static, _operands(operands, place), result)
    head = f"forward, {found.name} gave {kind_of(result)}"
    return _error(found, place, head, [("result", result)], reason(found))


def of_share(node: Node, arrived: Any, passed: Any, position: int) -> AnomalyError:
    """The pullback of an operation passed it on to an operand."""
    place = _place(node)
    operands = _operands(node.parents, place)
    found = Found(
        "backward", node._rule, node._static, operands, passed, position, arrived, _part_of(place)
    )
    head = f"backward, {found.name} passed {kind_of(passed)} on to {found.operand(position)}"
    rows = [("arrived", arrived), ("passed on", passed)]
    return _error(found, place, head, rows, reason(found))


def of_gradient(
    node: Node, gradients: Mapping[Node, Any], order: Sequence[Node], wanted: str
) -> AnomalyError:
    """A node's gradient is the first that is one: an operation passed it on, or the sum did it."""
    users = [user for user in order if node in user.parents and user in gradients]
    for user in reversed(users):
        if user._pullback is None:
            continue
        with np.errstate(all="ignore"):
            passed = user._pullback(gradients[user])
        for i, (parent, gradient) in enumerate(zip(user.parents, passed, strict=True)):
            if parent is node and gradient is not None and is_anomalous(gradient, wanted):
                return of_share(user, gradients[user], gradient, i)
    maker = node if _place(node) else users[-1]
    place = _place(maker)
    found = Found("backward", maker._rule, {}, _operands([node], place), gradients[node])
    name = found.operands[0].name
    if name == "operand":
        name = f"what {found.name} gave" if maker is node else f"a {type(node).__name__}"
    said = (
        "every part of it is finite, but they overflowed when they were added up: of all uses, "
        "and of all rows that one number was broadcast to; scale the loss down, or take its mean"
    )
    head = f"backward, the gradients of {name} add up to {kind_of(gradients[node])}"
    return _error(found, place, head, [("gradient", gradients[node])], said)


def of_collected(node: Node, held: Any, added: Any) -> AnomalyError:
    """What was in `.grad` and what came to it do not add up to a number."""
    place = here()
    found = Found("backward", None, {}, _operands([node], place), held + added)
    head = f"backward, .grad of {found.operand(0)} became {kind_of(held + added)}"
    said = (
        "backward() adds to what is in .grad already; is zero_grad() missing, or are too many "
        "gradients collected before a step?"
    )
    return _error(found, place, head, [(".grad was", held), ("added", added)], said)


def of_root(root: Node, seed: Any) -> AnomalyError:
    """A backward pass starts from it."""
    place = here()
    if not np.isfinite(seed).all():
        found = Found("backward", root._rule, {}, _operands([root], place), seed)
        head = f"backward() was given {kind_of(seed)} to start from"
        said = "look at the gradient that is given to backward()"
        return _error(found, place, head, [("given", seed)], said)
    head = f"backward() starts from {kind_of(root._data)}"
    if root._rule is None:
        found = Found("forward", None, {}, _operands([root], place), root._data)
        return _error(found, place, head, [], reason(found))
    at = _place(root)
    operands = _operands(root.parents, at)
    found = Found("forward", root._rule, root._static, operands, root._data)
    head += f", which {found.name} gave"
    said = (
        "the infinity of a mask got into the loss; leave out what is masked, by where() or an index"
        if at
        else reason(found)
    )
    return _error(found, at, head, [("result", root._data)], said)


# What is known of the operation


def _place(node: Node) -> Place | None:
    """Where a node stands, if it was made within `detect_anomaly`."""
    return node._pullback.place if isinstance(node._pullback, Placed) else None


def _part_of(place: Place | None) -> str:
    return "" if place is None or not place.gradient_of else operation_name(place.gradient_of)


def _operands(operands: Sequence[Any], place: Place | None) -> list[Operand]:
    """The operands with the names that a model gives its parameters."""
    names: dict[Any, str] = {}
    if place is not None and place.modules:
        names = {x: name for name, x in _listed(place.modules[0].named_parameters)}
    found = []
    for i, x in enumerate(operands):
        name = "operand" if len(operands) == 1 else f"operand {i + 1}"
        if not isinstance(x, Node):
            found.append(Operand(name, x))
            continue
        known = names.get(x) or x.label
        found.append(Operand(repr(known) if known else name, x._data, *_origin(x)))
    return found


def _origin(x: Node) -> tuple[Origin, str]:
    if x._rule is not None:
        within = isinstance(x._pullback, Placed) or x.constant
        return ("within" if within else "before"), ""
    return "leaf", clock.happened(abs(x._stamp)) if x._stamp else ""


def _listed(listing: Callable[[], Iterable[tuple[str, Any]]]) -> list[tuple[str, Any]]:
    """What a module lists, or nothing: one that cannot be listed is not to hide the anomaly."""
    try:
        return list(listing())
    except TypeError:
        return []


def _path(modules: Sequence[Any]) -> str:
    """The way from the outermost module to the innermost, as one would write it."""
    outer, inner = modules[0], modules[-1]
    way = next((path for path, module in _listed(outer.named_modules) if module is inner), "")
    name = f"{type(outer).__name__}{way}"
    if inner is outer:
        return name
    shown = repr(inner)
    return f"{name} {shown if len(shown) <= 60 and chr(10) not in shown else type(inner).__name__}"


# The message


def _error(
    found: Found,
    place: Place | None,
    head: str,
    numbers: Sequence[tuple[str, Any]],
    said: str,
) -> AnomalyError:
    if place is None:
        at = "a line that is not known: it was computed before detect_anomaly() began"
    else:
        at = where(place.code, place.line)
    rows = [("at", at)]
    if place is not None and place.gradient_of:
        rows.append(("of", f"the gradient of {operation_name(place.gradient_of)}, which is there"))
    if place is not None and place.modules:
        rows.append(("in", _path(place.modules)))
    rows += [(operand.name, summary(operand.numbers)) for operand in _shown(found.operands)]
    rows += [(key, summary(x)) for key, x in numbers]
    rows.append(("why", said))
    error = AnomalyError("\n".join([head, *_table(rows)]))
    error.operation, error.phase = found.name, found.phase
    if place is not None:
        error.filename, error.lineno = place.code.co_filename, place.line
    return error


def _table(rows: Sequence[tuple[str, str]]) -> list[str]:
    wide = max(len(key) for key, _ in rows)
    lines = []
    for key, words in rows:
        broken: list[str] = []
        for line in words.split("\n"):
            broken += wrap(line, WIDTH - wide - 4, break_long_words=False, break_on_hyphens=False)
        keys = [key, *[""] * (len(broken) - 1)]
        lines += [f"  {k.ljust(wide)}  {line}" for k, line in zip(keys, broken, strict=True)]
    return lines


def where(code: CodeType, line: int) -> str:
    """A line of the user's program, with what stands on it as far as that can be known."""
    at = f"{code.co_filename}:{line}"
    source = linecache.getline(code.co_filename, line).strip()
    if source:
        return f"{at}  {source}" if len(at) + len(source) < WIDTH - 15 else f"{at}\n{source}"
    # A prompt keeps no source; the names that the line uses tell which of its lines it was.
    names = [
        str(step.argval)
        for step in dis.get_instructions(code)
        if step.positions is not None
        and step.positions.lineno == line
        and step.opname.startswith(("LOAD_", "STORE_"))
        and step.opcode in _NAMING
    ]
    within = "" if code.co_name == "<module>" else f", in {code.co_qualname}"
    listed = ", ".join(dict.fromkeys(names))
    return f"{at}{within}, the line with {listed}" if names else f"{at}{within}"


_NAMING = {*dis.hasname, *dis.haslocal, *dis.hasfree}


def _shown(operands: Sequence[Operand]) -> list[Operand]:
    """All operands, if they are few; of many those that are no numbers, or else the largest."""
    if len(operands) <= MOST_OPERANDS:
        return list(operands)
    ill = [x for x in operands if not np.isfinite(x.numbers).all()]
    if ill:
        return ill[:MOST_OPERANDS]
    chosen = sorted(operands, key=lambda x: -largest([x.numbers]))[:MOST_OPERANDS]
    return [x for x in operands if x in chosen]


def summary(x: Any) -> str:
    """A number, or of an array its shape, how many are no numbers, where the first is, the range.

    >>> from twingrad.engine.anomalies.report import summary
    >>> summary(np.array([[1.0, np.nan], [np.inf, -2.0]]))
    '(2, 2) float64: 1 of 4 nan, 1 inf, the first at (0, 1); the others -2 … 1'
    """
    array = np.asarray(x)
    if array.ndim == 0:
        return repr(float(array))
    words = f"{array.shape} {array.dtype}: "
    if not array.size:
        return f"{words}no numbers"
    finite = np.isfinite(array)
    if not finite.all():
        there = (("nan", np.isnan(array)), ("inf", array == np.inf), ("-inf", array == -np.inf))
        counts = [f"{np.count_nonzero(at)} {name}" for name, at in there if at.any()]
        counts[0] = counts[0].replace(" ", f" of {array.size} ", 1)
        first = tuple(int(i) for i in np.argwhere(~finite)[0])
        words += f"{', '.join(counts)}, the first at {first if array.ndim > 1 else first[0]}"
        if not finite.any():
            return words
        words += "; the others "
    held = array[finite]
    return words + f"{held.min():.6g} … {held.max():.6g}"
