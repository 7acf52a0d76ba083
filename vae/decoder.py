"""The decoder p(x | z)."""

from __future__ import annotations

from torch import Tensor, nn

from vae.config import VAEConfig
from vae.data import IMAGE_SIDE, PIXELS
from vae.encoder import ResidualBlock


class Decoder(nn.Module):
    """Latent points (B, d) -> Bernoulli logits (B, 1, 28, 28), one for each pixel."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.embed = nn.Linear(config.latent_dim, config.width)
        self.activation = nn.GELU(approximate="tanh")
        self.blocks = nn.Sequential(*(ResidualBlock(config.width) for _ in range(config.decoder_blocks)))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, PIXELS)
        self.unflatten = nn.Unflatten(1, (1, IMAGE_SIDE, IMAGE_SIDE))

    def forward(self, z: Tensor) -> Tensor:
        features = self.blocks(self.activation(self.embed(z)))  # (B, width)
        return self.unflatten(self.head(self.norm(features)))
