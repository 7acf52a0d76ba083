"""The plane: density, anchors, neighbours, regions, grids."""

import math

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from vae.latent import (
    BANDWIDTH,
    LatentMap,
    decode_grid,
    generate_digit,
    latent_grid,
    plot_clusters,
    plot_generated_digit,
    prior_grid,
)


@pytest.fixture
def two_crescents(generator):
    """Class 0 is a ring around class 1: the mean of class 0 lies in class 1's midst."""
    angle = 2 * math.pi * torch.rand(500, generator=generator)
    ring = 2 * torch.stack([angle.cos(), angle.sin()], dim=1)
    core = 0.3 * torch.randn(500, 2, generator=generator)
    return LatentMap(torch.cat([ring, core]), torch.arange(2).repeat_interleave(500))


def test_density_equals_a_mixture_of_gaussians(two_crescents, generator):
    points = torch.randn(50, 2, generator=generator)
    kernels = Independent(Normal(two_crescents.mu, BANDWIDTH), 1)
    mixture = MixtureSameFamily(Categorical(torch.ones(1000)), kernels)
    torch.testing.assert_close(two_crescents.density(points), mixture.log_prob(points).exp(), rtol=1e-3, atol=1e-6)


def test_density_integrates_to_one(two_crescents):
    grid = latent_grid(4.0, 161)
    cell = (8 / 160) ** 2
    assert two_crescents.density(grid.view(-1, 2)).sum().item() * cell == pytest.approx(1, abs=0.01)


def test_an_anchor_lies_in_its_own_class_where_the_mean_does_not(two_crescents):
    joint = two_crescents.class_density(two_crescents.mu[:500].mean(dim=0, keepdim=True))[0]
    assert joint[0] < joint[1]
    joint = two_crescents.class_density(two_crescents.anchor(0)[None])[0]
    assert joint[0] > 10 * joint[1]


def test_samples_stay_in_their_region_and_follow_the_generator(two_crescents):
    draw = [two_crescents.sample_region(0, 40, torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert draw[0].shape == (40, 2) and torch.equal(draw[0], draw[1]) and not torch.equal(draw[0], draw[2])
    joint = two_crescents.class_density(draw[0])
    assert (joint[:, 0] >= 0.9 * joint.sum(dim=1)).all()


def test_a_class_that_is_not_there_is_refused(two_crescents, generator):
    for ask in (two_crescents.anchor, lambda digit: two_crescents.sample_region(digit, 1, generator)):
        with pytest.raises(ValueError, match="digit 7"):
            ask(7)


def test_neighbours_are_the_nearest_first(two_crescents):
    point = torch.tensor([[0.1, 0.2]])
    order = (two_crescents.mu - point).norm(dim=1).argsort()[:8]
    assert two_crescents.neighbours(point, 8)[0].tolist() == order.tolist()


def test_grids_put_y_up_and_x_right():
    grid = latent_grid(2.0, 5)
    assert grid[0, 0].tolist() == [-2, 2] and grid[-1, -1].tolist() == [2, -2] and grid[2, 2].tolist() == [0, 0]
    quantiles = prior_grid(4)
    expected = torch.distributions.Normal(0, 1).icdf(torch.tensor([0.125, 0.375, 0.625, 0.875]))
    torch.testing.assert_close(quantiles[0, :, 0], expected)


def test_the_manifold_is_made_of_the_decodes_in_their_places(small_vae):
    grid = latent_grid(1.0, 3)
    picture = decode_grid(small_vae, grid)
    assert picture.shape == (84, 84)
    tile = small_vae.decode(grid[2, 1][None])[0, 0]
    torch.testing.assert_close(picture[56:84, 28:56], tile)


def test_generated_digits_are_the_decodes_of_their_points(shipped, generator):
    points, images = generate_digit(shipped.vae, shipped.final.latents, 8, 5, generator)
    assert images.shape == (5, 1, 28, 28)
    torch.testing.assert_close(images, shipped.vae.decode(points))


def test_generated_digits_are_drawn(shipped, generator):
    figure = plot_generated_digit(shipped.vae, shipped.final.latents, 6, 10, generator)
    drawn = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    expected = generate_digit(shipped.vae, shipped.final.latents, 6, 10, torch.Generator().manual_seed(0))[1]
    torch.testing.assert_close(torch.tensor(drawn[3].data), expected[3, 0])
    assert len(drawn) == 10


def test_clusters_show_every_digit(two_crescents):
    figure = plot_clusters(two_crescents, {1: torch.zeros(2)})
    assert sum(len(c.get_offsets()) for c in figure.axes[0].collections) == 1000
