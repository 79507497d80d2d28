"""Changes: a clock that ticks whenever numbers move, so that backward() knows what is out of date.

A result carries the tick at which it was computed, a leaf that of its last change: a leaf that
is younger than a result computed from it holds other numbers than that result was made of.
"""

import sys
from bisect import bisect_right
from collections.abc import Iterable
from threading import Lock
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .caller import user_frame
from .errors import StaleGraphError

if TYPE_CHECKING:
    from .node import Node

SMALL = 4096
"""So many bytes are compared one by one, of longer arrays their sum and some of them."""
_LINES = 256
"""So many of the lines that changed something are known."""


class Clock:
    """`now` is the last tick: of every change, and of all results since."""

    __slots__ = ("_code", "_instruction", "_lines", "_lock", "_ticks", "now")

    def __init__(self) -> None:
        self.now = 0
        self._code: Any = None
        self._instruction = 0
        self._ticks: list[int] = []
        self._lines: list[str] = []
        self._lock = Lock()

    def tick(self) -> int:
        """A new tick; the user's line is kept if it is another one than at the last."""
        frame = sys._getframe(2)  # that of the user, most often, in a loop over parameters
        with self._lock:  # whatever other threads do, the clock does not go back
            self.now += 1
            if frame.f_code is not self._code or frame.f_lasti != self._instruction:
                frame = user_frame()
                if frame.f_code is not self._code or frame.f_lasti != self._instruction:
                    self._note(frame)
            return self.now

    def tick_late(self) -> int:
        """A new tick, of a change that nobody saw happen."""
        with self._lock:
            self.now += 1
            self._note(None)
            return self.now

    def _note(self, frame: FrameType | None) -> None:
        if frame is None:
            self._code, line = None, "by writing into the array of its .data"
        else:
            self._code, self._instruction = frame.f_code, frame.f_lasti
            line = f"at {frame.f_code.co_filename}:{frame.f_lineno}"
        if not self._lines or line != self._lines[-1]:
            self._ticks.append(self.now)
            self._lines.append(line)
            del self._ticks[:-_LINES], self._lines[:-_LINES]

    def happened(self, tick: int) -> str:
        """Where a tick was, or how; "" if that is long ago."""
        with self._lock:
            found = bisect_right(self._ticks, tick) - 1
            return f" {self._lines[found]}" if found >= 0 else ""


clock = Clock()


def moved(leaves: "Iterable[Node]") -> None:
    """Say that the numbers of leaves have changed, all at once."""
    now = clock.tick()
    for leaf in leaves:
        leaf._moved(now)


def refuse_if_stale(node: "Node") -> None:
    """Raise if a result is not what its operands' numbers give now."""
    made = node._stamp
    if made < 0:  # see Node._moved
        raise _of_a_changed_result(node)
    for i, parent in enumerate(node.parents):
        when = abs(parent._stamp)
        if when > made:
            if parent._stamp < 0:
                raise _of_a_changed_result(parent)
            raise StaleGraphError(
                f"backward() through a graph that is out of date: operand {i} of {node.op!r}, "
                f"{_described(parent)}, was changed{clock.happened(when)}, after {node.op!r} was "
                "computed from it, so the gradient would be that of no loss at all; compute the "
                "loss again and call backward() on that, before the next change: "
                "optimizer.step() comes last, and a state that goes on after it, as of an RNN, "
                "goes on by .detach()"
            )


def _of_a_changed_result(node: "Node") -> StaleGraphError:
    return StaleGraphError(
        f"backward() through a result, {_described(node)} made by {node.op!r}, whose own data was "
        f"changed{clock.happened(-node._stamp)}, so it is not what its operands give any more; "
        "leave results as they are, and compute with another: result * 2, not result.data *= 2"
    )


def _described(node: "Node") -> str:
    kind = type(node).__name__
    shape = np.shape(node._data)
    of = f" of shape {shape}" if kind == "Tensor" else ""
    return f"the {kind} {node.label!r}{of}" if node.label else f"a {kind}{of}"


def fingerprint(array: npt.NDArray[Any]) -> Any:
    """What tells whether an array was written into: of a long one, of its bits, a sum and a sample.

    One other number always shows. Long arrays whose numbers only changed places may pass.
    """
    if array.nbytes <= SMALL:
        return array.tobytes()
    flat = array.ravel(order="K")
    word = next(word for word in ("i8", "i4", "i2", "i1") if flat.nbytes % int(word[1]) == 0)
    words = flat.view(word)
    return int(np.add.reduce(words, dtype=words.dtype)), words[:: words.size // 64].tobytes()
