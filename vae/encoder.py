"""The encoder q(z | x) and the residual block that both halves of the autoencoder are built from."""

from __future__ import annotations

from torch import Tensor, nn

from vae.config import VAEConfig
from vae.data import PIXELS

LOGVAR_LIMITS = (-12.0, 6.0)  # sigma from 0.0025 to 20: wide enough to be left alone, narrow enough for exp


class ResidualBlock(nn.Module):
    """x + W2 act(W1 norm(x)), (B, width) -> (B, width): starts as the identity, since W2 starts at zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, width)
        self.activation = nn.GELU(approximate="tanh")
        self.project = nn.Linear(width, width)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.project.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.project(self.activation(self.expand(self.norm(x))))


class Encoder(nn.Module):
    """Images (B, 1, 28, 28) in [0, 1] -> mu (B, d) and logvar (B, d) of a diagonal Gaussian."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.embed = nn.Linear(PIXELS, config.width)
        self.blocks = nn.Sequential(*(ResidualBlock(config.width) for _ in range(config.encoder_blocks)))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, 2 * config.latent_dim)
        nn.init.normal_(self.head.weight, std=0.05)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.blocks(self.embed(self.flatten(images)))  # (B, width)
        mu, logvar = self.head(self.norm(features)).chunk(2, dim=1)
        return mu, logvar.clamp(*LOGVAR_LIMITS)
