"""Which Values a function can reach: through its closure, its globals, lists, models and dicts.

A Value that was made after a recording, and that the function would use by now, is how a recording
goes out of date without a sign.
"""

from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..value import Value

_OURS = __name__.partition(".")[0]
_AT_MOST = 1_000_000


def reachable_values(f: Any) -> set[Value]:
    """The Values that are nobody's result, wherever a function may find them."""
    found: set[Value] = set()
    seen: set[int] = set()
    waiting = [f]
    while waiting and len(seen) < _AT_MOST:
        x = waiting.pop()
        if id(x) in seen or isinstance(x, str | bytes | int | float | type | ModuleType):
            continue
        seen.add(id(x))
        if isinstance(x, Value):
            if not x.parents:
                found.add(x)
        elif isinstance(x, FunctionType):
            waiting += _used_by(x)
        elif isinstance(x, MethodType):
            waiting += [x.__self__, x.__func__]
        elif isinstance(x, partial):
            waiting += [x.func, *x.args, *x.keywords.values()]
        elif isinstance(x, dict):
            waiting += x.values()
        elif isinstance(x, list | tuple | set | frozenset):
            waiting += x
        elif isinstance(x, np.ndarray):
            waiting += x.ravel().tolist() if x.dtype == object else []
        else:
            waiting += getattr(x, "__dict__", {}).values()
    return found


def _used_by(function: FunctionType) -> list[Any]:
    """What a function holds and what it finds by name; one of this package holds no leaves."""
    if (function.__module__ or "").partition(".")[0] == _OURS:
        return []
    held = []
    for cell in function.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:  # a name that is assigned later
            continue
    names = function.__globals__
    held += [names[name] for name in _names(function.__code__) if name in names]
    return [*held, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]


def _names(code: CodeType) -> set[str]:
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*[_names(part) for part in inner])
