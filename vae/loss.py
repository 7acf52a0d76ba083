"""The negative evidence lower bound, written out from its formulas.

The assignment prints L = BCE + 1/2 sum(1 + log sigma^2 - mu^2 - sigma^2). The second term is minus the
Kullback-Leibler divergence, so minimising that L as printed would *reward* a posterior for leaving the
prior, without bound. The evidence lower bound (Kingma & Welling 2014, appendix B) needs

    L = BCE(x_hat, x) - 1/2 sum(1 + log sigma^2 - mu^2 - sigma^2) = BCE + KL,

and that is what stands here. Losses are per image, in nats: summed over the 784 pixels and the latent
dimensions, then averaged over the batch.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus


class LossTerms(NamedTuple):
    """Scalars, in nats per image; ``loss = reconstruction + kl`` is the negative ELBO."""

    reconstruction: Tensor
    kl: Tensor
    loss: Tensor


def binary_cross_entropy(logits: Tensor, images: Tensor) -> Tensor:
    """-x log(s) - (1 - x) log(1 - s) with s = sigmoid(logits), summed over all but the first dimension.

    Since -log sigmoid(l) = softplus(-l) and -log(1 - sigmoid(l)) = softplus(l), no logarithm of a rounded
    probability is taken and nothing cancels, however large the logits are. For images strictly between
    0 and 1 this is the expected code length of a pixel drawn from Bernoulli(x).

    Args:
        logits: (B, ...) any real numbers.
        images: (B, ...) in [0, 1].
    Returns:
        (B,) nats.
    """
    per_pixel = images * softplus(-logits) + (1 - images) * softplus(logits)  # (B, ...)
    return per_pixel.flatten(1).sum(dim=1)  # (B,)


def kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL( N(mu, diag(exp(logvar))) || N(0, I) ) = -1/2 sum(1 + log sigma^2 - mu^2 - sigma^2).

    Args:
        mu, logvar: (B, d).
    Returns:
        (B,) nats, never negative.
    """
    return -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(dim=1)  # (B,)


def negative_elbo(logits: Tensor, images: Tensor, mu: Tensor, logvar: Tensor) -> LossTerms:
    """The loss of one batch: mean over the images of reconstruction + KL.

    Args:
        logits, images: (B, 1, 28, 28); images in [0, 1].
        mu, logvar: (B, d).
    """
    reconstruction = binary_cross_entropy(logits, images).mean()
    kl = kl_divergence(mu, logvar).mean()
    return LossTerms(reconstruction, kl, reconstruction + kl)


def elementwise_kl(mu: Tensor, logvar: Tensor) -> Tensor:
    """The mean KL of each latent dimension, (d,): a dimension below 0.01 nats carries nothing."""
    return torch.stack([kl_divergence(m[:, None], v[:, None]).mean() for m, v in zip(mu.T, logvar.T, strict=True)])
