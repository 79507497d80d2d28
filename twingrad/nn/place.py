"""Where in a model an error happened: the path that the message of a `ShapeError` begins with.

Each module that the error passes on its way out puts its own name before what was known.
"""

from typing import TYPE_CHECKING, Any

from ..engine import ShapeError

if TYPE_CHECKING:
    from .module import Module


def at_index(error: ShapeError, container: "Module", layer: Any, index: int) -> None:
    """Leave word in an error that it came from the layer at an index of a container."""
    known = error.__dict__
    if not hasattr(layer, "named_modules"):
        known.update(place=layer, path="", said=str(error))
    known.update(through=container, path=f"[{index}]{known['path']}")


def tell_the_place(error: ShapeError, module: "Module") -> None:
    """Begin the error's message with the path from this module to where it was raised."""
    known = error.__dict__
    if "said" not in known:
        known.update(place=module, through=module, path="", said=str(error))
        return
    try:
        ways = [path for path, part in module.named_modules() if part is known["through"]]
    except TypeError:  # a module that cannot be listed is not to hide the error
        ways = []
    if not ways:  # it was made on the way, or has no name here
        known.update(place=module, through=module, path="", said=str(error))
        return
    known.update(path=ways[0] + known["path"], through=module)
    place, said = known["place"], known["said"]
    named = not hasattr(place, "named_modules") or said.startswith(
        (repr(place), f"{type(place).__name__}:")
    )
    shown = said if named else f"{place!r}: {said}"
    error.args = (f"{type(module).__name__}{known['path']} {shown}",)
