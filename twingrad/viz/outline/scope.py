"""Scope: what the user's own variables call the numbers of a graph, and whose numbers they are.

A picture in which the weights are called `model.layers[0].neurons[3].w[1]`, as the user would
write it, needs no legend; so the variables at the place of the call are looked through.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import getattr_static
from typing import Any

from twingrad.engine.caller import user_frame
from twingrad.engine.node import Node
from twingrad.nn.module import Module

_OF_THE_NOTEBOOK = ("In", "Out")
MOST_PARTS = 200_000
"""Parts looked at below all variables together; a program may hold a whole data set in lists."""


@dataclass(frozen=True)
class Owner:
    """A module, or an object of the user's own class, in which numbers were found."""

    path: str
    thing: Any
    above: "Owner | None"

    @property
    def chain(self) -> "tuple[Owner, ...]":
        """Everything that it is a part of, the outermost first, and itself."""
        return (*(() if self.above is None else self.above.chain), self)


@dataclass(frozen=True)
class Found:
    """A node as it was reached: by which path, and in which owner, if any."""

    path: str
    owner: Owner | None


def scope_of_caller() -> dict[str, Any]:
    """The variables at the nearest line that is not this package's: locals, then globals."""
    frame = user_frame()
    asks = str(frame.f_globals.get("__name__", ""))
    if asks.partition(".")[0] == "IPython":  # a notebook, on behalf of its cells
        return dict(vars(sys.modules["__main__"]))
    return {
        **frame.f_locals,
        **{k: v for k, v in frame.f_globals.items() if k not in frame.f_locals},
    }


def nodes_in(scope: Mapping[str, Any]) -> dict[Node, Found]:
    """Every node that the variables lead to, under the name that says most about it.

    A part of a model goes by the model's name, even if it has a variable too: that is often what
    a loop over the parameters has left. What was computed goes by its variable first; and any
    place in a list comes last.
    """
    if not isinstance(scope, Mapping):
        raise TypeError(
            f"scope is a dict of names and what they stand for, such as vars(), not a "
            f"{type(scope).__name__}"
        )
    variables = {
        name: value
        for name, value in scope.items()
        if name.isidentifier() and name[0] != "_" and name not in _OF_THE_NOTEBOOK
    }
    home = str(scope.get("__name__", "__main__"))
    found: dict[Node, Found] = {}
    for name, value in variables.items():
        if isinstance(value, Node):
            found.setdefault(value, Found(name, None))
    walk = _Walk(home)
    owners = {name: value for name, value in variables.items() if walk.is_owner(value)}
    inside = {id(part) for value in owners.values() for part in walk.owners_below(value)}
    roots = {name: value for name, value in owners.items() if id(value) not in inside} or owners
    lists = {name: v for name, v in variables.items() if isinstance(v, list | tuple | dict)}
    walk = _Walk(home)
    for name, value in (*roots.items(), *lists.items()):
        for node, place in walk.nodes_below(value, name):
            present = found.get(node)
            if present is None or (present.owner is None and place.owner is not None):
                path = present.path if present is not None and node.parents else place.path
                found[node] = Found(path, place.owner)
    return found


class _Walk:
    """A walk through lists, dicts, modules and objects of the user's own classes."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._left = MOST_PARTS

    def is_owner(self, thing: Any) -> bool:
        """Whether it is a module, or of a class that the user wrote where the call stands."""
        if isinstance(thing, Module):
            return True
        kind = type(thing)
        return kind.__module__ == self._home and isinstance(getattr(thing, "__dict__", None), dict)

    def owners_below(self, thing: Any) -> Iterator[Any]:
        """The owners inside an owner, itself not among them."""
        seen = {id(thing)}
        waiting = [branch for _, branch in self._branches(thing)]
        while waiting:
            part = waiting.pop()
            if id(part) in seen:
                continue
            seen.add(id(part))
            if self.is_owner(part):
                yield part
            waiting += [branch for _, branch in self._branches(part)]

    def nodes_below(self, thing: Any, name: str) -> Iterator[tuple[Node, Found]]:
        """The nodes inside something, each with its path and the innermost owner around it."""
        seen: set[int] = set()
        waiting: list[tuple[Any, str, Owner | None]] = [(thing, name, None)]
        while waiting and self._left:
            part, path, owner = waiting.pop()
            self._left -= 1
            if isinstance(part, Node):
                yield part, Found(path, owner)
                continue
            if id(part) in seen:
                continue
            seen.add(id(part))
            inner = Owner(path, part, owner) if self.is_owner(part) else owner
            branches = self._branches(part)
            waiting += [(branch, path + way, inner) for way, branch in reversed(branches)]

    def _branches(self, thing: Any) -> list[tuple[str, Any]]:
        """The parts of something, each with what leads to it: ".w" or "[3]"."""
        if isinstance(thing, list | tuple):
            if not thing or isinstance(thing[0], int | float | str):
                return []  # plain data, of which there may be a great deal
            return [(f"[{i}]", branch) for i, branch in enumerate(thing)]
        if isinstance(thing, dict):
            return [(f"[{key!r}]", branch) for key, branch in thing.items()]
        if not self.is_owner(thing):
            return []
        indexed = thing.indexed if isinstance(thing, Module) else ""
        named = [(_public(name, type(thing)), branch) for name, branch in vars(thing).items()]
        # What is private only if nothing public leads there as well.
        named.sort(key=lambda branch: branch[0][0] == "_")
        return [("" if name == indexed else f".{name}", branch) for name, branch in named]


def _public(name: str, kind: type) -> str:
    """An attribute as users read it: Neuron keeps its activation in `_activation`."""
    public = name.lstrip("_")
    return public if isinstance(getattr_static(kind, public, None), property) else name
