"""Module: what has parameters, and can name, save, load and reset them.

It keeps no register: the parameters are whatever Values and Tensors are found in the attributes,
and in the Modules, lists and dicts there, but for results of operations. Assigning one is all it
takes.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..engine import Node, ShapeError, Tensor, Value
from ..engine.anomalies.context import calling
from ..engine.arrays import as_array
from ..engine.changes import moved
from .calls import note
from .place import tell_the_place

_LOOKED_AT = "_looked_at"
"""The attribute with the names of those that are no part of the module."""


class Module:
    """A part of a model. Write `__init__` that assigns its parameters, and `forward`.

    >>> import numpy as np
    >>> from twingrad import Tensor, nn
    >>> class Scale(nn.Module):
    ...     def __init__(self, width):
    ...         self.factor = Tensor(np.ones(width))
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> [name for name, _ in Scale(3).named_parameters()]
    ['factor']
    """

    training = True
    indexed = ""
    """The list that an index of this module reads, as model[2] reads model.layers[2]."""
    least_batch = 1
    """The smallest batch that this module can train on."""

    def __call__(self, *inputs: Any) -> Any:
        """The output for the inputs: `forward`. A `ShapeError` from within tells where it was."""
        outside = calling.get()
        if not outside:
            note(self, inputs)
        token = calling.set((*outside, self))
        try:
            return self.forward(*inputs)
        except ShapeError as error:
            tell_the_place(error, self)
            raise
        finally:
            calling.reset(token)

    def __setattr__(self, name: str, value: Any) -> None:
        """Assign; what a call assigns for the first time, a result to look at, is no state."""
        if calling.get() and name not in self.__dict__ and _is_result(value):
            self.__dict__.setdefault(_LOOKED_AT, set()).add(name)
        object.__setattr__(self, name, value)

    def forward(self, *inputs: Any) -> Any:
        """The output for the inputs; every model defines its own."""
        raise TypeError(f"{type(self).__name__} has no forward(); define what it computes there")

    def parameters(self) -> list[Any]:
        """Every parameter once, in the order of assignment."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        """Every parameter once, with its path: `layers.0.weight`."""
        seen = set()
        for name, leaf in self.named_numbers():
            if isinstance(leaf, Node) and not leaf.constant:
                if leaf not in seen:
                    seen.add(leaf)
                    yield name, leaf

    def named_numbers(self) -> Iterator[tuple[str, Any]]:
        """Every parameter, frozen or not, and every array kept beside them, with its path."""
        for name, leaf in leaves_of(self, (Node, np.ndarray)):
            if not leaf.parents if isinstance(leaf, Node) else leaf.dtype.kind in "biuf":
                yield name, leaf

    def named_generators(self) -> Iterator[tuple[str, np.random.Generator]]:
        """Every source of randomness in the attributes, with its path: that of a Dropout."""
        return leaves_of(self, np.random.Generator)

    def modules(self) -> Iterator["Module"]:
        """This module and every one inside it, each once."""
        for _, module in self.named_modules():
            yield module

    def named_modules(self) -> Iterator[tuple[str, "Module"]]:
        """This module and every one inside it, each once, as one would write the way there.

        >>> from twingrad.nn import Linear, Residual, Sequential
        >>> model = Sequential(Linear(2, 2, rng=0), Residual(Linear(2, 2, rng=1)))
        >>> [path for path, _ in model.named_modules()]
        ['', '[0]', '[1]', '[1].module']
        """
        return _modules(self, "", set())

    def zero_grad(self) -> None:
        """Reset every parameter's gradient: 0.0 for a Value, None for a Tensor."""
        for parameter in self.parameters():
            parameter.grad = None

    def train(self, mode: bool = True) -> Self:
        """Switch to training, where layers such as dropout are active."""
        if not isinstance(mode, bool):
            raise TypeError(f"mode is True, for training, or False, not {mode!r}; or call eval()")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch to evaluation."""
        return self.train(False)

    def to(self, dtype: npt.DTypeLike) -> Self:
        """Change the precision of every Tensor, frozen ones too; gradients are dropped."""
        leaves = dict(self.named_numbers())
        for name, leaf in leaves.items():
            if isinstance(leaf, Value):
                raise TypeError(f"{name} is a Value, a Python float, which has one precision only")
        for leaf in leaves.values():
            if isinstance(leaf, Tensor):
                leaf._data = as_array(leaf._data, dtype, copy=True)
                leaf.grad = None
        moved(leaf for leaf in leaves.values() if isinstance(leaf, Tensor))
        return self

    def state_dict(self) -> dict[str, npt.NDArray[Any]]:
        """A copy of every parameter and of every array kept beside them, by path."""
        return {name: np.array(_numbers(leaf)) for name, leaf in self.named_numbers()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Copy numbers into the parameters, each keeping its dtype; all of them or none.

        Raises `KeyError` for missing or unknown names, `ShapeError` for other shapes,
        `ValueError` where the state differs in what is one and the same here.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"a state is a dict, as state_dict() gives it, not {state!r}")
        leaves = dict(self.named_numbers())
        missing = sorted(leaves.keys() - state.keys())
        unknown = sorted(state.keys() - leaves.keys())
        if missing or unknown:
            raise KeyError(
                f"the state does not fit this {type(self).__name__}: missing {missing}, unknown "
                f"{unknown}; build the model as it was when the state was saved"
            )
        arrays: dict[str, Any] = {}
        first: dict[int, str] = {}  # a leaf may go by several names
        for name, leaf in leaves.items():
            plain = _numbers(state[name])
            array = np.asarray(plain)
            real = array.dtype.kind in "biuf" and not isinstance(leaf, Node)
            arrays[name] = array if real else as_array(plain)
            expected, came = np.shape(_numbers(leaf)), arrays[name].shape
            if expected != came:
                raise ShapeError(f"{name} has shape {expected}, but the state holds {came}")
            if not _holds(leaf, arrays[name]):
                raise ValueError(f"{name} holds {leaf.dtype}, which the state's numbers are not")
            other = first.setdefault(id(leaf), name)
            if not np.array_equal(arrays[name], arrays[other], equal_nan=True):
                raise ValueError(
                    f"{other} and {name} are one parameter in this {type(self).__name__}, but the "
                    "state holds two different ones"
                )
        new: dict[int, Any] = {}
        for name, leaf in leaves.items():
            if isinstance(leaf, Node):
                leaf.data = arrays[name]
            elif leaf.tobytes() != (cast := arrays[name].astype(leaf.dtype)).tobytes():
                new[id(leaf)] = cast
        _replace(self, new, set())

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def leaves_of(
    tree: Any, kinds: Any, path: str = "", above: frozenset[int] = frozenset()
) -> Iterator[tuple[str, Any]]:
    """Everything of these kinds below, with its path."""
    if isinstance(tree, kinds):
        yield path, tree
    elif id(tree) not in above:  # a part may point back to the whole
        for name, branch in _branches(tree):
            yield from leaves_of(
                branch, kinds, f"{path}.{name}" if path else str(name), above | {id(tree)}
            )


def _branches(tree: Any) -> list[tuple[Any, Any]]:
    if isinstance(tree, Module):
        left_out = {_LOOKED_AT, *vars(tree).get(_LOOKED_AT, ())}
        return [(name, branch) for name, branch in vars(tree).items() if name not in left_out]
    if isinstance(tree, dict):
        if len({str(key) for key in tree}) < len(tree):
            raise TypeError(f"the keys {list(tree)} are not told apart as text, which names are")
        return list(tree.items())
    if isinstance(tree, list | tuple):
        return [(str(i), branch) for i, branch in enumerate(tree)]
    if isinstance(tree, set | frozenset) and any(isinstance(x, Node | Module) for x in tree):
        raise TypeError("a set has no order, so its parameters have no names; keep them in a list")
    return []


def _replace(tree: Any, new: dict[int, Any], seen: set[int]) -> None:
    """Put new arrays in the place of old ones, which may be somebody else's too."""
    if id(tree) in seen or isinstance(tree, Node | np.ndarray):
        return
    seen.add(id(tree))
    for name, branch in _branches(tree):
        if id(branch) not in new:
            _replace(branch, new, seen)
        elif isinstance(tree, Module):
            setattr(tree, name, new[id(branch)])
        elif isinstance(tree, tuple):
            branch[...] = new[id(branch)]
        else:
            tree[name if isinstance(tree, dict) else int(name)] = new[id(branch)]


def _is_result(value: Any) -> bool:
    """Whether a value is what an operation gives, and no parameter made late."""
    return isinstance(value, np.ndarray) or (
        isinstance(value, Node) and (value.constant or bool(value.parents))
    )


def _modules(tree: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
    if id(tree) in seen:
        return
    seen.add(id(tree))
    if isinstance(tree, Module):
        yield path, tree
    for name, branch in _branches(tree):
        if isinstance(tree, Module):
            way = "" if name == tree.indexed else f".{name}"
        else:
            way = f"[{name!r}]" if isinstance(tree, dict) else f"[{name}]"
        yield from _modules(branch, path + way, seen)


def _numbers(leaf: Any) -> Any:
    return leaf._data if isinstance(leaf, Node) else leaf


def _holds(leaf: Any, numbers: Any) -> bool:
    """Whether a leaf can hold numbers: whole ones hold no fractions."""
    if isinstance(leaf, Node) or leaf.dtype.kind == "f":
        return True
    return bool((numbers.astype(leaf.dtype) == numbers).all())
