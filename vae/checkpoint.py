"""The artefact folder ``checkpoints/vae``: what lies where, and how it is read back.

config.json  model.safetensors  metrics.json  README.md  training.gif  latent_space_1.png  latent_space_5.png
snapshots/epoch_000 ... epoch_050/
    digit_6.png  digit_8.png  gallery.png  clusters.png  manifold.png  anchors.json
    decoder.safetensors (float16)  latents.safetensors (the test set's)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from artifacts.files import CheckpointError, load_tensors, read_json, save_tensors
from vae.data import CLASSES
from vae.decoder import Decoder
from vae.latent import LatentMap
from vae.model import VAE

CHECKPOINT_DIR = Path(__file__).resolve().parent.parent / "checkpoints" / "vae"
METRICS_FILE = "metrics.json"


@dataclass(frozen=True)
class Snapshot:
    """The model as it was after an epoch: the decoder (eval mode), the test set's latents, the ten anchors."""

    epoch: int
    decoder: Decoder
    latents: LatentMap
    logvar: Tensor  # (10_000, 2), of the same test digits
    anchors: dict[int, Tensor]
    folder: Path

    @torch.no_grad()
    def decode(self, z: Tensor) -> Tensor:
        """(B, 2) -> (B, 1, 28, 28) in [0, 1]."""
        return self.decoder(z).sigmoid()


@dataclass(frozen=True)
class Checkpoint:
    """A complete artefact folder of a two-dimensional model."""

    vae: VAE
    metrics: dict[str, Any]
    snapshots: dict[int, Snapshot]
    folder: Path

    @property
    def final(self) -> Snapshot:
        return self.snapshots[max(self.snapshots)]


def snapshot_dir(folder: Path | str, epoch: int) -> Path:
    """``folder/snapshots/epoch_010`` for epoch 10."""
    return Path(folder) / "snapshots" / f"epoch_{epoch:03d}"


def snapshot_epochs(folder: Path | str) -> list[int]:
    """The epochs of which the folder holds a snapshot, in order."""
    return sorted(int(path.name.removeprefix("epoch_")) for path in Path(folder).glob("snapshots/epoch_[0-9]*"))


def save_decoder(path: Path | str, decoder: Decoder) -> None:
    """The decoder's weights in float16, half the bytes for a page to fetch."""
    save_tensors(path, {name: weight.half() for name, weight in decoder.state_dict().items()})


def save_latents(path: Path | str, mu: Tensor, logvar: Tensor, labels: Tensor) -> None:
    """The latents of a set of images: mu and logvar (N, d) in float32, labels (N,) in uint8."""
    save_tensors(path, {"mu": mu, "logvar": logvar, "labels": labels.to(torch.uint8)})


def load_checkpoint(folder: Path | str = CHECKPOINT_DIR) -> Checkpoint:
    """Everything the app shows. Raises CheckpointError naming the file at fault, or if the latent is no plane."""
    folder = Path(folder)
    vae = VAE.from_pretrained(folder)
    if vae.config.latent_dim != 2:
        raise CheckpointError(
            f"{folder} holds a model of {vae.config.latent_dim} latent dimensions; the app shows a plane and needs 2."
        )
    epochs = snapshot_epochs(folder)
    if not epochs:
        raise CheckpointError(f"{folder / 'snapshots'} holds no snapshot; train_vae.py writes them.")
    snapshots = {epoch: load_snapshot(folder, epoch, vae) for epoch in epochs}
    return Checkpoint(vae, read_json(folder / METRICS_FILE), snapshots, folder)


def load_anchors(folder: Path | str, epoch: int) -> dict[int, Tensor]:
    """The ten anchors (2,) of a snapshot. Raises CheckpointError."""
    path = snapshot_dir(folder, epoch) / "anchors.json"
    anchors = read_json(path)
    try:
        points = {digit: torch.tensor(anchors[str(digit)], dtype=torch.float32) for digit in range(CLASSES)}
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error
    if not all(point.shape == (2,) and point.isfinite().all() for point in points.values()):
        raise CheckpointError(f"{path} holds something else than ten points of the plane.")
    return points


def load_snapshot(folder: Path | str, epoch: int, vae: VAE) -> Snapshot:
    """One snapshot of a folder whose model is `vae`. Raises CheckpointError."""
    here = snapshot_dir(folder, epoch)
    weights, _ = load_tensors(here / "decoder.safetensors")
    decoder = Decoder(vae.config)
    try:
        decoder.load_state_dict({name: weight.float() for name, weight in weights.items()})
    except RuntimeError as error:
        raise CheckpointError(f"{here / 'decoder.safetensors'} does not fit config.json: {error}") from error
    latents, _ = load_tensors(here / "latents.safetensors")
    try:
        mu, logvar, labels = latents["mu"], latents["logvar"], latents["labels"].long()
        if mu.shape != (len(labels), 2) or logvar.shape != mu.shape or not 0 <= labels.min() <= labels.max() < CLASSES:
            raise ValueError("the shapes or labels are wrong")
    except (KeyError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{here / 'latents.safetensors'} is damaged: {error}") from error
    return Snapshot(epoch, decoder.eval(), LatentMap(mu, labels), logvar, load_anchors(folder, epoch), here)
