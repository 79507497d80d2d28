"""Which Values a function can reach: through its closure, its globals, lists, models and dicts.

A Value that comes to stand where the function finds it, after a recording, is how that goes out
of date without a sign.
"""

import sys
import sysconfig
from collections.abc import Sequence
from dis import get_instructions
from functools import cache
from gc import get_referents
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ..node import Node
from ..value import Value
from .inputs import Input

_NOT_FOLLOWED = str | bytes | int | float | complex | np.generic | ModuleType | CodeType
_AT_MOST = 1_000_000


class Reached:
    """What functions and objects could reach when they were looked at, and whether that holds."""

    def __init__(self, roots: Sequence[Any]) -> None:
        self.roots = roots
        self.values, self._containers = reachable(roots)
        self._as_they_were = [container.copy() for container in self._containers]
        self._made = Node.made

    def changed(self) -> str:
        """What is different now, "" if nothing is; it looks closer where something may be."""
        try:
            if self._made == Node.made and self._containers == self._as_they_were:
                return ""
        except Exception:  # what is in a container may refuse to be compared
            self._made = -1
        now, known = Reached(self.roots), set(self.values)
        new = [value for value in now.values if value not in known]
        if new:
            return (
                f"can reach {len(new)} Value{'s' * (len(new) > 1)} made since it was recorded, "
                f"such as {new[0]!r}, of which the recording knows nothing"
            )
        if now.values != self.values:
            return "reaches its Values in another order, or no longer all of them, since then"
        self._containers, self._as_they_were = now._containers, now._as_they_were
        self._made = now._made
        return ""


def reachable(roots: Sequence[Any], kinds: Any = Value) -> tuple[list[Any], list[Any]]:
    """The leaves that get a gradient, or objects of other kinds, wherever functions and objects
    may find them.

    Also the lists, dicts and sets on the way, in which others may come to stand.
    """
    found: list[Any] = []
    containers: list[Any] = []
    seen: dict[int, Any] = {}
    waiting = list(roots)
    while waiting and len(seen) < _AT_MOST:
        x = waiting.pop()
        kind = type(x)  # and not isinstance(), which asks some objects for their __class__
        if id(x) in seen or issubclass(kind, _NOT_FOLLOWED):
            continue
        seen[id(x)] = x  # kept, so that nothing else gets its id
        if issubclass(kind, kinds) and kinds is not Value:
            found.append(x)
        elif issubclass(kind, Value):
            if kinds is Value and not (x.parents or x.constant or issubclass(kind, Input)):
                found.append(x)
        elif issubclass(kind, FunctionType):
            waiting += _used_by(x)
        elif issubclass(kind, np.ndarray):
            waiting += x.ravel().tolist() if x.dtype == object else []
        elif issubclass(kind, type):
            if not _is_library(x.__module__):
                waiting += vars(x).values()
        else:
            held = get_referents(x)  # whatever it is: items, attributes, slots, its class
            if hasattr(x, "__dict__"):
                held.append(vars(x))
            followed = [part for part in held if not issubclass(type(part), _NOT_FOLLOWED)]
            if issubclass(kind, list | dict | set) and (followed or not held):
                containers.append(x)  # a row of numbers is none where a Value may come
            waiting += followed
    return found, containers


def _used_by(function: FunctionType) -> list[Any]:
    """What a function holds, and what it finds by name, in its globals or in modules there."""
    held: list[Any] = [function.__closure__, function.__defaults__, function.__kwdefaults__]
    if _is_library(function.__module__):
        return held
    code, found = function.__code__, function.__globals__
    used = [found[name] for name in _names(code, "LOAD_GLOBAL", "LOAD_NAME") if name in found]
    used += [cell.cell_contents for cell in function.__closure__ or () if get_referents(cell)]
    for module in [x for x in used if isinstance(x, ModuleType)]:
        if not _is_library(module.__name__):
            names = _names(code, "LOAD_ATTR", "LOAD_METHOD")
            used += [vars(module)[name] for name in names if name in vars(module)]
    return held + used


@cache
def _names(code: CodeType, *operations: str) -> list[str]:
    """The names that some of its instructions have."""
    own = [step.argval for step in get_instructions(code) if step.opname in operations]
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return [*dict.fromkeys(own), *[name for part in inner for name in _names(part, *operations)]]


@cache
def _is_library(module: str | None) -> bool:
    """Whether a module is installed, and not the user's, so that it holds no Value of theirs."""
    top = (module or "").partition(".")[0]
    if top in (__name__.partition(".")[0], "numpy", "builtins"):
        return True
    file = getattr(sys.modules.get(top), "__file__", None) or ""
    return "site-packages" in file or file.startswith(sysconfig.get_paths()["stdlib"])
