"""The variational autoencoder: an encoder, a decoder, and the sampling between them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from artifacts.files import CheckpointError, load_tensors, read_json, save_tensors, write_json
from artifacts.hub import locate
from artifacts.options import OptionError, from_json
from vae.config import VAEConfig
from vae.data import IMAGE_SIDE
from vae.decoder import Decoder
from vae.encoder import Encoder

CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"


class VAEOutput(NamedTuple):
    """What the loss needs: logits (B, 1, 28, 28), mu (B, d), logvar (B, d)."""

    logits: Tensor
    mu: Tensor
    logvar: Tensor


class VAE(nn.Module):
    """A variational autoencoder with Gaussian posterior and Bernoulli pixels (Kingma & Welling 2014)."""

    def __init__(self, config: VAEConfig | None = None) -> None:
        super().__init__()
        self.config = config or VAEConfig()
        self.encoder = Encoder(self.config)
        self.decoder = Decoder(self.config)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 1, 28, 28) -> mu (B, d), logvar (B, d)."""
        return self.encoder(images)

    def reparameterize(self, mu: Tensor, logvar: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """A sample of the posterior, (B, d). It samples in eval mode too: who wants the mean passes `mu` on."""
        eps = torch.randn(mu.shape, generator=generator, dtype=mu.dtype, device=mu.device)
        return mu + torch.exp(0.5 * logvar) * eps  # (B, d)

    def decode(self, z: Tensor) -> Tensor:
        """Points (B, d) -> images (B, 1, 28, 28): each pixel's probability of being ink."""
        return self.decoder(z).sigmoid()

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> VAEOutput:
        mu, logvar = self.encode(images)
        return VAEOutput(self.decoder(self.reparameterize(mu, logvar, generator)), mu, logvar)

    def summary(self) -> str:
        """Every layer with its output shape (for one image) and parameters, and the total, as text."""
        rows: list[tuple[str, str, str, str]] = []

        def record(name: str, layer: nn.Module):
            def hook(_module: nn.Module, _inputs: tuple, output: Tensor) -> None:
                count = sum(p.numel() for p in layer.parameters())
                rows.append((name, type(layer).__name__, str(tuple(output.shape)), f"{count:,}"))

            return hook

        leaves = [(name, layer) for name, layer in self.named_modules() if not list(layer.children())]
        hooks = [layer.register_forward_hook(record(name, layer)) for name, layer in leaves]
        device = next(self.parameters()).device
        try:
            with torch.no_grad():
                self(torch.zeros(1, 1, IMAGE_SIDE, IMAGE_SIDE, device=device), torch.Generator(device))
        finally:
            for hook in hooks:
                hook.remove()
        table = [("layer", "type", "output shape", "parameters"), *rows]
        widths = [max(len(row[i]) for row in table) for i in range(4)]
        lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}" for a, b, c, d in table]
        rule = "-" * len(lines[0])
        halves = {half: sum(p.numel() for p in getattr(self, half).parameters()) for half in ("encoder", "decoder")}
        total = (
            f"total parameters: {sum(halves.values()):,} (encoder {halves['encoder']:,}, decoder {halves['decoder']:,})"
        )
        return "\n".join([lines[0], rule, *lines[1:], rule, total])

    def save_pretrained(self, folder: Path | str) -> None:
        """Write config.json and model.safetensors into `folder`, each atomically."""
        write_json(Path(folder) / CONFIG_FILE, dataclasses.asdict(self.config))
        save_tensors(Path(folder) / WEIGHTS_FILE, self.state_dict())

    @classmethod
    def from_pretrained(cls, folder_or_repo: Path | str, revision: str | None = None) -> VAE:
        """The model of a folder or of a Hub repository ``user/name``, in eval mode.

        Strict: unknown options, missing or surplus weights and wrong shapes raise CheckpointError.
        """
        folder = locate(folder_or_repo, [CONFIG_FILE, WEIGHTS_FILE], revision)
        try:
            model = cls(from_json(VAEConfig, read_json(folder / CONFIG_FILE)))
        except OptionError as error:
            raise CheckpointError(f"{folder / CONFIG_FILE} does not describe this model: {error}") from error
        weights, _ = load_tensors(folder / WEIGHTS_FILE)
        try:
            model.load_state_dict(weights)
        except RuntimeError as error:
            raise CheckpointError(f"{folder / WEIGHTS_FILE} does not fit {CONFIG_FILE}: {error}") from error
        if not all(weight.isfinite().all() for weight in weights.values()):
            raise CheckpointError(f"{folder / WEIGHTS_FILE} holds numbers that are not finite.")
        return model.eval()
