"""The straight line in the latent plane between two digits, and the frames along it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from matplotlib.figure import Figure
from torch import Tensor

import theme
from vae.data import Digits
from vae.model import VAE


@dataclass(frozen=True)
class Interpolation:
    """A path between two digits.

    Attributes:
        points: (steps, d) from the first digit's latent mean to the second's, both included exactly.
        frames: (steps, 1, 28, 28) their decodes.
        originals: (2, 1, 28, 28) the two digits.
        labels: their classes.
        indices: their places in the data set they were picked from.
    """

    points: Tensor
    frames: Tensor
    originals: Tensor
    labels: tuple[int, int]
    indices: tuple[int, int]


def straight_path(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """`steps` >= 2 evenly spaced points from `start` to `end`, (d,) and (d,) -> (steps, d), exact at both ends."""
    if steps < 2:
        raise ValueError(f"an interpolation needs at least 2 steps, not {steps}.")
    t = torch.linspace(0, 1, steps, dtype=start.dtype)[:, None]  # (steps, 1)
    return (1 - t) * start + t * end


def pick_pair(
    labels: Tensor,
    generator: torch.Generator,
    classes: tuple[int | None, int | None] = (None, None),
) -> tuple[int, int]:
    """Indices of two randomly selected digits of different classes, or of the classes asked for."""
    first = _pick(labels, labels >= 0 if classes[0] is None else labels == classes[0], generator)
    other = labels != labels[first] if classes[1] is None else labels == classes[1]
    return first, _pick(labels, other, generator)


@torch.no_grad()
def interpolate(vae: VAE, digits: Digits, pair: tuple[int, int], steps: int = 15) -> Interpolation:
    """Decode the straight line between the latent means of two digits."""
    originals = digits.images[list(pair)]
    mu, _ = vae.encode(originals)
    points = straight_path(mu[0], mu[1], steps)
    labels = digits.labels[list(pair)].tolist()
    return Interpolation(points, vae.decode(points), originals, (labels[0], labels[1]), pair)


def interpolate_random(
    vae: VAE, digits: Digits, generator: torch.Generator, steps: int = 15, classes: tuple = (None, None)
) -> Interpolation:
    """Linear interpolation between two randomly selected digits."""
    return interpolate(vae, digits, pick_pair(digits.labels, generator, classes), steps)


def plot_interpolation(path: Interpolation) -> Figure:
    """The two originals at the ends and the decoded frames between them, in one row."""
    pictures = [path.originals[0], *path.frames, path.originals[1]]
    figure = theme.new_figure(len(pictures) * 0.8, 1.2)
    for axes, picture in zip(figure.subplots(1, len(pictures)), pictures, strict=True):
        theme.draw_image(axes, picture[0])
        axes.set_axis_off()
    figure.axes[0].set_title(f"a {path.labels[0]}", fontsize=10)
    figure.axes[-1].set_title(f"a {path.labels[1]}", fontsize=10)
    return figure


def _pick(labels: Tensor, allowed: Tensor, generator: torch.Generator) -> int:
    candidates = allowed.nonzero()[:, 0]
    if len(candidates) == 0:
        raise ValueError("no digit of the class asked for is in the data.")
    return int(candidates[torch.randint(len(candidates), (1,), generator=generator)])
