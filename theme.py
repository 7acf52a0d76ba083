"""One visual identity: the class palette, the inks and how a figure looks. No figure is made by pyplot."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor

# Ten colours that stay apart for colour-blind eyes (Petroff 2021, arXiv:2107.02270), 0 to 9.
CLASS_COLOURS = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
INK = "#22303c"
PAPER = "#ffffff"
MUTED = "#8a97a3"
INK_ON_PAPER = "gray_r"  # matplotlib's name for: 0 is paper, 1 is ink


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, in the house style."""
    return Figure(figsize=(width, height), dpi=100, layout="constrained", facecolor=PAPER)


def draw_image(axes: Axes, image: Tensor, **options: Any) -> None:
    """Draw an image (H, W) in [0, 1], 0 as paper and 1 as ink."""
    axes.imshow(image.detach().numpy(), cmap=INK_ON_PAPER, vmin=0, vmax=1, **options)


def prior_circle(radius: float) -> Circle:
    """The circle of points `radius` standard deviations from the prior's centre."""
    return Circle((0, 0), radius, fill=False, color=MUTED, linestyle=(0, (4, 4)), linewidth=0.8)


def mark_class(axes: Axes, x: float, y: float, digit: int) -> None:
    """Write a class's digit at a point, readable on any ground."""
    box = {"boxstyle": "circle,pad=0.25", "facecolor": PAPER, "edgecolor": CLASS_COLOURS[digit], "linewidth": 2}
    axes.text(x, y, str(digit), ha="center", va="center", color=INK, fontsize=12, fontweight="bold", bbox=box)
