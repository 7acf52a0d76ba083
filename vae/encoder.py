"""The encoder q(z | x), and the stack of layers that both halves of the autoencoder are built from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from vae.config import VAEConfig
from vae.data import PIXELS

LOGVAR_LIMITS = (-12.0, 6.0)  # sigma from 0.0025 to 20: wide enough to be left alone, narrow enough for exp


class Encoder(nn.Module):
    """Images (B, 1, 28, 28) in [0, 1] -> mu (B, d) and logvar (B, d) of a diagonal Gaussian."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.hidden = hidden_layers(PIXELS, config.encoder_widths)
        self.head = nn.Linear(config.encoder_widths[-1], 2 * config.latent_dim)
        nn.init.normal_(self.head.weight, std=0.05)
        nn.init.zeros_(self.head.bias)  # training starts near the prior: mu = 0, logvar = 0

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mu, logvar = self.head(self.hidden(self.flatten(images))).chunk(2, dim=1)
        return mu, logvar.clamp(*LOGVAR_LIMITS)


def hidden_layers(inputs: int, widths: Sequence[int]) -> nn.Sequential:
    """Fully connected layers with ReLU, (B, inputs) -> (B, widths[-1])."""
    layers: list[nn.Module] = []
    for before, after in pairwise((inputs, *widths)):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers)
