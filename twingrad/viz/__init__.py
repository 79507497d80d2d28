"""Pictures of what the other two rooms make. Each package that draws loads when first used."""

from .drawing.graph import Drawing, draw, svg_in_notebook
from .explaining.explanation import Explanation, explain
from .plots.activations import plot_activations
from .plots.animation import BoundaryFrames, animate_decision_boundary
from .plots.boundary import plot_decision_boundary
from .plots.confusion import plot_confusion_matrix
from .plots.curves import plot_history, plot_lr_range
from .plots.flow import plot_gradient_flow
from .plots.images import plot_misclassified, plot_weights
from .plots.landscape import plot_loss_landscape
from .reporting import report
from .stepping import StepperPage, stepper

__all__ = [
    "BoundaryFrames",
    "Drawing",
    "Explanation",
    "StepperPage",
    "animate_decision_boundary",
    "draw",
    "explain",
    "plot_activations",
    "plot_confusion_matrix",
    "plot_decision_boundary",
    "plot_gradient_flow",
    "plot_history",
    "plot_loss_landscape",
    "plot_lr_range",
    "plot_misclassified",
    "plot_weights",
    "report",
    "stepper",
    "svg_in_notebook",
]
