"""Lists, tuples and dicts of numbers, nested as one likes: taken apart and put back together.

The transforms differentiate functions of such structures; the numbers in them are the leaves.
"""

from collections.abc import Callable
from typing import Any

from .errors import ShapeError


def flatten(tree: Any) -> list[Any]:
    """The leaves in order: whatever is not a list, a tuple or a dict."""
    if isinstance(tree, dict):
        return [leaf for branch in tree.values() for leaf in flatten(branch)]
    if isinstance(tree, list | tuple):
        return [leaf for branch in tree for leaf in flatten(branch)]
    return [tree]


def map_leaves(f: Callable[[Any], Any], tree: Any) -> Any:
    """The same structure with f of every leaf."""
    if isinstance(tree, dict):
        return {key: map_leaves(f, branch) for key, branch in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):  # a named tuple
        return type(tree)(*[map_leaves(f, branch) for branch in tree])
    if isinstance(tree, list | tuple):
        return type(tree)(map_leaves(f, branch) for branch in tree)
    return f(tree)


def rebuild(tree: Any, leaves: list[Any]) -> Any:
    """The structure of a tree around other leaves."""
    remaining = iter(leaves)
    return map_leaves(lambda _: next(remaining), tree)


def aligned(tree: Any, like: Any, what: str) -> list[Any]:
    """The leaves of a tree in the order of another's, which must have the same structure."""
    if isinstance(like, dict):
        if not isinstance(tree, dict) or tree.keys() != like.keys():
            raise ShapeError(f"{what} must be a dict with the keys {list(like)}, not {tree!r}")
        return [leaf for key in like for leaf in aligned(tree[key], like[key], what)]
    if isinstance(like, list | tuple):
        if not isinstance(tree, list | tuple) or len(tree) != len(like):
            raise ShapeError(f"{what} must have {len(like)} parts, but {_count(tree)} came")
        pairs = zip(tree, like, strict=True)
        return [leaf for branch, alike in pairs for leaf in aligned(branch, alike, what)]
    return [tree]


def _count(tree: Any) -> Any:
    return len(tree) if isinstance(tree, list | tuple) else repr(tree)
