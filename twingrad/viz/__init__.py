"""Pictures of what the other two rooms make. Each package that draws loads when first used."""

from ..engine import Node
from .curves import plot_history, plot_lr_range
from .graph import Drawing, draw, svg_in_notebook
from .image_plots import plot_misclassified, plot_weights
from .plots import plot_confusion_matrix, plot_decision_boundary

# The engine does not know who draws: a notebook asks the node, and the node asks this.
Node.svg_in_notebooks = svg_in_notebook

__all__ = [
    "Drawing",
    "draw",
    "plot_confusion_matrix",
    "plot_decision_boundary",
    "plot_history",
    "plot_lr_range",
    "plot_misclassified",
    "plot_weights",
]
