"""Which Values a function can reach: through its closure, its globals, lists, models and dicts.

A Value that came after a recording, and that the function would use by now, is how a recording
goes out of date without a sign.
"""

from collections.abc import Sequence
from gc import get_referents
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ..value import Value
from .inputs import Input

_LIBRARIES = (__name__.partition(".")[0], "numpy", "builtins")
_NOT_FOLLOWED = str | bytes | int | float | complex | np.generic | ModuleType | CodeType
_AT_MOST = 1_000_000


def reachable(roots: Sequence[Any]) -> tuple[set[Value], list[Any]]:
    """The Values that are nobody's result, wherever functions and objects may find them.

    Also the lists, dicts and other containers on the way, whose lengths tell of additions.
    """
    found: set[Value] = set()
    containers: list[Any] = []
    seen: dict[int, Any] = {}
    waiting = list(roots)
    while waiting and len(seen) < _AT_MOST:
        x = waiting.pop()
        if id(x) in seen or isinstance(x, _NOT_FOLLOWED):
            continue
        seen[id(x)] = x
        if isinstance(x, Value):
            if not x.parents and not isinstance(x, Input):
                found.add(x)
        elif isinstance(x, FunctionType):
            waiting += _used_by(x)
        elif isinstance(x, np.ndarray):
            waiting += x.ravel().tolist() if x.dtype == object else []
        elif isinstance(x, type):
            if not _is_library(x):
                waiting += vars(x).values()
        else:
            held = get_referents(x)  # whatever it is: items, attributes, slots, its class
            followed = [part for part in held if not isinstance(part, _NOT_FOLLOWED)]
            if isinstance(x, list | dict | set) and (followed or not held):
                containers.append(x)  # a row of numbers is none where a Value may come
            waiting += followed
    return found, containers


def _is_library(x: Any) -> bool:
    """Whether a function or a class is one of this package, of NumPy or built in."""
    return (x.__module__ or "").partition(".")[0] in _LIBRARIES


def _used_by(function: FunctionType) -> list[Any]:
    """What a function holds, and what it finds by name, in its globals or in modules there."""
    held: list[Any] = [function.__closure__, function.__defaults__, function.__kwdefaults__]
    if _is_library(function):
        return held
    names, found = _names(function.__code__), function.__globals__
    used = [found[name] for name in names if name in found]
    used += [cell.cell_contents for cell in function.__closure__ or () if get_referents(cell)]
    for module in [x for x in used if isinstance(x, ModuleType)]:
        if module.__name__.partition(".")[0] not in _LIBRARIES:
            used += [vars(module)[name] for name in names if name in vars(module)]
    return held + used


def _names(code: CodeType) -> set[str]:
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*[_names(part) for part in inner])
