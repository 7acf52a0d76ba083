"""The loss against PyTorch's own functions, values and gradients."""

import pytest
import torch
from torch.distributions import Normal
from torch.distributions import kl_divergence as torch_kl
from torch.nn.functional import binary_cross_entropy_with_logits

from vae.encoder import LOGVAR_LIMITS
from vae.loss import binary_cross_entropy, elementwise_kl, kl_divergence, negative_elbo

TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-5}
SHAPE = (5, 1, 28, 28)

logit_cases = pytest.mark.parametrize("scale", [1.0, 10.0, 100.0])
dtypes = pytest.mark.parametrize("dtype", list(TOLERANCE))


def make_logits(scale, dtype, generator):
    """Random logits up to +-scale, the extremes themselves among them."""
    logits = scale * (2 * torch.rand(SHAPE, generator=generator, dtype=dtype) - 1)
    logits[:, :, 0] = scale
    logits[:, :, 1] = -scale
    return logits.requires_grad_()


def make_images(dtype, generator):
    """Grey pixels, with pure paper and pure ink among them."""
    images = torch.rand(SHAPE, generator=generator, dtype=dtype)
    images[..., ::3] = 0
    images[..., 1::3] = 1
    return images


@dtypes
@logit_cases
def test_binary_cross_entropy_equals_torch(scale, dtype, generator):
    logits, images = make_logits(scale, dtype, generator), make_images(dtype, generator)
    expected = binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(dim=1)
    torch.testing.assert_close(binary_cross_entropy(logits, images), expected, rtol=TOLERANCE[dtype], atol=0)


@dtypes
@logit_cases
def test_binary_cross_entropy_gradient_equals_torch(scale, dtype, generator):
    logits, images = make_logits(scale, dtype, generator), make_images(dtype, generator)
    (ours,) = torch.autograd.grad(binary_cross_entropy(logits, images).sum(), logits)
    (theirs,) = torch.autograd.grad(binary_cross_entropy_with_logits(logits, images, reduction="sum"), logits)
    torch.testing.assert_close(ours, theirs, rtol=TOLERANCE[dtype], atol=1e-7 if dtype == torch.float32 else 1e-12)


@pytest.mark.parametrize("logit", [-100.0, 100.0])
def test_binary_cross_entropy_keeps_what_rounding_would_lose(logit):
    """The pixel that is right at a huge logit still costs exp(-100), not 0 and not NaN."""
    right = torch.full((1, 1), float(logit > 0), dtype=torch.float64)
    cost = binary_cross_entropy(torch.full((1, 1), logit, dtype=torch.float64), right)
    torch.testing.assert_close(cost, torch.tensor([-100.0], dtype=torch.float64).exp(), rtol=1e-6, atol=0)


def latent_cases(dtype, generator):
    mu = 3 * torch.randn(7, 2, generator=generator, dtype=dtype)
    logvar = torch.linspace(*LOGVAR_LIMITS, 14, dtype=dtype).view(7, 2)  # both clamps included
    return mu.requires_grad_(), logvar.requires_grad_()


@dtypes
def test_kl_and_its_gradient_equal_torch(dtype, generator):
    mu, logvar = latent_cases(dtype, generator)
    ours = kl_divergence(mu, logvar)
    theirs = torch_kl(Normal(mu, torch.exp(0.5 * logvar)), Normal(torch.zeros_like(mu), 1.0)).sum(dim=1)
    torch.testing.assert_close(ours, theirs, rtol=TOLERANCE[dtype], atol=0)
    for mine, other in zip(
        torch.autograd.grad(ours.sum(), (mu, logvar)), torch.autograd.grad(theirs.sum(), (mu, logvar)), strict=True
    ):
        torch.testing.assert_close(mine, other, rtol=TOLERANCE[dtype], atol=1e-7)


def test_kl_is_zero_at_the_prior_and_positive_elsewhere(generator):
    assert kl_divergence(torch.zeros(1, 2), torch.zeros(1, 2)).item() == 0
    mu, logvar = latent_cases(torch.float64, generator)
    assert (kl_divergence(mu, logvar) > 0).all()


def test_kl_per_unit_adds_up_to_the_mean_kl(generator):
    mu, logvar = latent_cases(torch.float64, generator)
    torch.testing.assert_close(elementwise_kl(mu, logvar).sum(), kl_divergence(mu, logvar).mean())


def test_loss_is_reconstruction_plus_kl_averaged_over_the_batch(generator):
    logits, images = make_logits(3.0, torch.float64, generator), make_images(torch.float64, generator)
    mu, logvar = (x[:5] for x in latent_cases(torch.float64, generator))
    terms = negative_elbo(logits, images, mu, logvar)
    torch.testing.assert_close(terms.reconstruction, binary_cross_entropy(logits, images).mean())
    torch.testing.assert_close(terms.loss, terms.reconstruction + terms.kl)


def test_leaving_the_prior_is_punished_not_rewarded():
    """The assignment's printed sign would make this gradient negative."""
    mu = torch.tensor([[2.0, 0.0]], requires_grad=True)
    terms = negative_elbo(torch.zeros(1, 1, 28, 28), torch.zeros(1, 1, 28, 28), mu, torch.zeros(1, 2))
    terms.loss.backward()
    assert mu.grad[0, 0] > 0
