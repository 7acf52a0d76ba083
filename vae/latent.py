"""The latent plane: where the classes live, how dense the data is there, and pictures of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from matplotlib.figure import Figure
from torch import Tensor

import theme
from vae.data import CLASSES, IMAGE_SIDE
from vae.model import VAE

BANDWIDTH = 0.1  # of the Gaussian kernel, in latent units: a few posterior standard deviations
CLASS_PURITY = 0.9  # a point belongs to a class's region where at least this share of the density is its own


@dataclass(frozen=True)
class LatentMap:
    """Latent means of labelled images: mu (N, 2) and labels (N,), with the density they make up."""

    mu: Tensor
    labels: Tensor
    one_hot: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "one_hot", torch.nn.functional.one_hot(self.labels, CLASSES).to(self.mu.dtype))

    def class_density(self, z: Tensor) -> Tensor:
        """Gaussian kernel estimate of the joint density p(z, class), (B, 2) -> (B, 10).

        Its sum over the classes is the density of the data, per unit of area of the plane.
        """
        scale = 2 * math.pi * BANDWIDTH**2 * len(self.mu)
        kernels = (torch.cdist(batch, self.mu).square_() / (-2 * BANDWIDTH**2) for batch in z.split(1000))
        return torch.cat([kernel.exp_() @ self.one_hot for kernel in kernels]) / scale  # (B, 10)

    def density(self, z: Tensor) -> Tensor:
        """Density of the data at each point, (B, 2) -> (B,)."""
        return self.class_density(z).sum(dim=1)

    def neighbours(self, z: Tensor, count: int = 8) -> Tensor:
        """Indices of the nearest images, nearest first: (B, 2) -> (B, count)."""
        return torch.cdist(z, self.mu).topk(count, largest=False).indices

    def anchor(self, digit: int) -> Tensor:
        """The point (2,) that stands best for a class: dense with it and clear of the others.

        Among the class's own points, the one with the highest p(z, c) p(c | z). (A class's *mean* is no
        good anchor: classes are curved, and their mean may lie in another class's region.)
        """
        own = self.mu[self.labels == digit]
        if len(own) == 0:
            raise ValueError(f"no image of the digit {digit} is on the map.")
        joint = self.class_density(own)  # (n, 10)
        score = joint[:, digit].square() / joint.sum(dim=1)
        return own[score.argmax()]

    def anchors(self) -> dict[int, Tensor]:
        """The anchor of every class."""
        return {digit: self.anchor(digit) for digit in range(CLASSES)}

    def sample_region(self, digit: int, count: int, generator: torch.Generator) -> Tensor:
        """Points (count, 2) drawn from the class's kernel density, where the class has the plane to itself.

        Where the class nowhere reaches CLASS_PURITY (an untrained model), its purest points are used.
        """
        own = self.mu[self.labels == digit]
        if len(own) == 0:
            raise ValueError(f"no image of the digit {digit} is on the map.")
        candidates = own[torch.randint(len(own), (max(1000, 20 * count),), generator=generator)]
        candidates = candidates + BANDWIDTH * torch.randn(candidates.shape, generator=generator)
        joint = self.class_density(candidates)
        purity = joint[:, digit] / joint.sum(dim=1).clamp(min=1e-30)
        inside = (purity >= CLASS_PURITY).nonzero()[:, 0]
        chosen = inside[:count] if len(inside) >= count else purity.argsort(descending=True)[:count]
        return candidates[chosen]


def latent_grid(scale: float, count: int) -> Tensor:
    """A square grid of points, (count, count, 2): rows from y = scale down to -scale, columns from x = -scale up."""
    ticks = torch.linspace(-scale, scale, count)
    y, x = torch.meshgrid(ticks.flip(0), ticks, indexing="ij")
    return torch.stack([x, y], dim=-1)


def prior_grid(count: int) -> Tensor:
    """Like `latent_grid`, at evenly spaced quantiles of the prior N(0, I): equal probability between lines."""
    quantiles = torch.special.ndtri((torch.arange(count) + 0.5) / count)
    y, x = torch.meshgrid(quantiles.flip(0), quantiles, indexing="ij")
    return torch.stack([x, y], dim=-1)


@torch.no_grad()
def decode_grid(vae: VAE, grid: Tensor) -> Tensor:
    """Decode a grid of points into one picture: (rows, columns, 2) -> (rows * 28, columns * 28) in [0, 1]."""
    rows, columns, _ = grid.shape
    tiles = vae.decode(grid.view(-1, 2)).view(rows, columns, IMAGE_SIDE, IMAGE_SIDE)
    return tiles.permute(0, 2, 1, 3).reshape(rows * IMAGE_SIDE, columns * IMAGE_SIDE)


@torch.no_grad()
def generate_digit(
    vae: VAE, latents: LatentMap, digit: int, count: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """New images of a digit: points from its region (count, 2) and their decodes (count, 1, 28, 28)."""
    points = latents.sample_region(digit, count, generator)
    return points, vae.decode(points)


def plot_digits(images: Tensor, columns: int = 8, title: str = "") -> Figure:
    """Draw images (B, 1, 28, 28) side by side."""
    rows = math.ceil(len(images) / columns)
    figure = theme.new_figure(columns * 0.9, rows * 0.9 + (0.4 if title else 0))
    for axes, image in zip(figure.subplots(rows, columns, squeeze=False).flat, images, strict=False):
        theme.draw_image(axes, image[0])
    for axes in figure.axes:
        axes.set_axis_off()
    figure.suptitle(title)
    return figure


def plot_generated_digit(vae: VAE, latents: LatentMap, digit: int, count: int, generator: torch.Generator) -> Figure:
    """Generate `count` images of a digit and draw them."""
    _, images = generate_digit(vae, latents, digit, count, generator)
    return plot_digits(images, columns=min(count, 8), title=f"generated: {digit}")


def plot_latent_space(vae: VAE, scale: float = 1.0, count: int = 30) -> Figure:
    """The manifold: what the decoder makes of each point of the square from -scale to scale."""
    figure = theme.new_figure(8, 8.3)
    axes = figure.add_subplot()
    edge = scale * count / (count - 1)  # tiles are centred on their points
    picture = decode_grid(vae, latent_grid(scale, count))
    theme.draw_image(axes, picture, extent=(-edge, edge, -edge, edge))
    axes.set(title=f"Decoded digits, scale {scale:g}", xlabel="$z_1$", ylabel="$z_2$")
    return figure


def plot_clusters(latents: LatentMap, anchors: dict[int, Tensor], limit: float = 3.5) -> Figure:
    """Latent means coloured by class, each class's anchor marked with its digit."""
    figure = theme.new_figure(8, 8.3)
    axes = figure.add_subplot()
    for radius in (1, 2, 3):
        axes.add_patch(theme.prior_circle(radius))
    for digit in range(CLASSES):
        own = latents.mu[latents.labels == digit]
        axes.scatter(own[:, 0], own[:, 1], s=3, color=theme.CLASS_COLOURS[digit], alpha=0.6, linewidths=0)
    for digit, point in anchors.items():
        theme.mark_class(axes, point[0].item(), point[1].item(), digit)
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xlabel="$z_1$", ylabel="$z_2$")
    axes.set_title(f"{len(latents.mu):,} digits in the latent plane, circles at 1, 2, 3 prior σ")
    return figure
