"""Pictures of what the other two rooms make. Each package that draws loads when first used."""

from .activation_plots import plot_activations
from .animation import BoundaryFrames, animate_decision_boundary
from .boundary import plot_decision_boundary
from .curves import plot_history, plot_lr_range
from .explanation import Explanation, explain
from .flow_plots import plot_gradient_flow
from .graph import Drawing, draw, svg_in_notebook
from .image_plots import plot_misclassified, plot_weights
from .landscape import plot_loss_landscape
from .plots import plot_confusion_matrix
from .report import report
from .stepper import StepperPage, stepper

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
