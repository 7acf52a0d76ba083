"""The evaluation against other ways to the same numbers."""

import copy
import math

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal

from vae.data import Digits
from vae.evaluate import (
    QUADRATURE_MARGIN,
    iwae_bound,
    knn_accuracy,
    log_likelihood,
    tile_corners,
    tile_masses,
)
from vae.published import PUBLISHED, comparison_table
from vae.training import evaluate_loss


def quiet(iterable, **_):
    return iterable


@pytest.fixture
def binary(test_digits, generator):
    return torch.bernoulli(test_digits.images[:6], generator=generator)


def test_quadrature_equals_iwae_with_many_samples_of_the_prior(shipped, binary):
    """The trained encoder misses modes, at any k; with the prior as proposal the bound closes."""
    values, how = log_likelihood(shipped.vae, binary, quiet)
    assert how["change_on_halving"] < 0.02
    assert iwae_bound(shipped.vae, binary, k=10_000, progress=quiet) < values.mean() + 0.05
    blind = copy.deepcopy(shipped.vae)
    with torch.no_grad():
        blind.encoder.head.weight.zero_()  # mu = 0, logvar = 0
        blind.encoder.head.bias.zero_()
    assert iwae_bound(blind, binary, k=100_000, progress=quiet) == pytest.approx(values.mean().item(), abs=0.3)


def test_quadrature_of_a_decoder_that_ignores_the_plane_is_its_likelihood(small_vae, binary):
    """Then the integral is of the prior alone, which is one."""
    with torch.no_grad():
        small_vae.decoder.head.weight.zero_()
    pixels = Independent(Bernoulli(logits=small_vae.decoder.head.bias.detach()), 1)
    expected = pixels.log_prob(binary.flatten(1))
    torch.testing.assert_close(log_likelihood(small_vae, binary, quiet)[0], expected, rtol=1e-5, atol=1e-3)


def test_skipping_the_empty_tiles_changes_nothing(shipped, binary):
    everywhere = torch.ones(len(tile_corners()), len(binary), dtype=torch.bool)
    coarse = tile_masses(shipped.vae, binary, 8, everywhere, quiet)
    needed = coarse > coarse.logsumexp(dim=0) - QUADRATURE_MARGIN
    assert needed.float().mean() < 0.2
    whole, part = (
        tile_masses(shipped.vae, binary, 16, which, quiet).logsumexp(dim=0) for which in (everywhere, needed)
    )
    torch.testing.assert_close(part, whole, rtol=0, atol=1e-3)


def test_the_tiles_hold_all_of_the_prior():
    corners = tile_corners()
    prior = Normal(0, 1).cdf(corners + 0.5) - Normal(0, 1).cdf(corners)
    assert prior.prod(dim=1).sum().item() == pytest.approx(1, abs=1e-4)


def test_iwae_with_one_sample_is_an_elbo_and_grows_with_k(shipped, binary):
    bounds = [iwae_bound(shipped.vae, binary, k, quiet) for k in (1, 10, 1000)]
    assert bounds[0] < bounds[1] < bounds[2]


def test_iwae_equals_the_textbook_formula(small_vae, binary):
    k = 7
    generator = torch.Generator().manual_seed(1)  # as in the module
    mu, logvar = small_vae.encode(binary)
    z = mu + torch.exp(0.5 * logvar) * torch.randn((k, *mu.shape), generator=generator)
    logits = small_vae.decoder(z.flatten(0, 1)).view(k, len(binary), -1)
    log_px = Bernoulli(logits=logits).log_prob(binary.flatten(1)).sum(dim=2)
    log_ratio = Normal(0, 1).log_prob(z).sum(dim=2) - Normal(mu, torch.exp(0.5 * logvar)).log_prob(z).sum(dim=2)
    expected = (torch.logsumexp(log_px + log_ratio, dim=0) - math.log(k)).mean().item()
    assert iwae_bound(small_vae, binary, k, quiet) == pytest.approx(expected, abs=1e-3)


def test_the_loss_in_the_metrics_is_the_one_the_weights_give(shipped, test_digits):
    recorded = shipped.metrics["evaluation"]["grey"]
    reconstruction, kl, _ = evaluate_loss(shipped.vae, test_digits)
    assert reconstruction == pytest.approx(recorded["reconstruction"], abs=0.02)
    assert kl == pytest.approx(recorded["kl"], abs=0.01)
    assert recorded["loss"] == pytest.approx(recorded["reconstruction"] + recorded["kl"])


def test_nearest_neighbour_accuracy_of_separate_classes_is_one_and_of_shuffled_ones_chance(generator):
    labels = torch.arange(10).repeat(100)
    points = torch.stack([labels.float() * 10, torch.randn(1000, generator=generator)], dim=1)
    assert knn_accuracy(points, labels, points, labels) == 1
    shuffled = labels[torch.randperm(1000, generator=generator)]
    assert knn_accuracy(points, shuffled, points, shuffled) < 0.4


def test_the_table_holds_our_row_and_every_published_one_with_its_source(shipped):
    table = comparison_table(shipped.metrics)
    assert f"{-shipped.metrics['evaluation']['grey']['loss']:.2f}" in table
    for row in PUBLISHED:
        assert row.model in table and row.source in table


def test_digits_index_images_and_labels_together(test_digits):
    part = test_digits[10:20]
    assert isinstance(part, Digits) and len(part) == len(part.labels) == 10
