"""The decoder p(x | z)."""

from __future__ import annotations

from torch import Tensor, nn

from vae.config import VAEConfig
from vae.data import IMAGE_SIDE, PIXELS
from vae.encoder import hidden_layers


class Decoder(nn.Module):
    """Latent points (B, d) -> Bernoulli logits (B, 1, 28, 28), one for each pixel."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.hidden = hidden_layers(config.latent_dim, config.decoder_widths)
        self.head = nn.Linear(config.decoder_widths[-1], PIXELS)
        self.unflatten = nn.Unflatten(1, (1, IMAGE_SIDE, IMAGE_SIDE))

    def forward(self, z: Tensor) -> Tensor:
        return self.unflatten(self.head(self.hidden(z)))
