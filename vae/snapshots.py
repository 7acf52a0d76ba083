"""What is recorded every ten epochs: pictures of 6 and 8, the plane, and what a page needs to redraw it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

import theme
from artifacts.files import write_bytes, write_json
from vae.checkpoint import save_decoder, save_latents, snapshot_dir
from vae.data import Digits, probe_digits
from vae.latent import LatentMap, generate_digit, plot_clusters, plot_latent_space
from vae.model import VAE

DIGITS = (6, 8)
PROBES = 8
MAP_SIZE = 10_000  # training images whose latents place the anchors
NOISE_SEED = 68
FRAME_MILLISECONDS = 1200


@torch.no_grad()
def take_snapshot(folder: Path | str, epoch: int, vae: VAE, train: Digits, test: Digits) -> Path:
    """Write ``snapshots/epoch_NNN`` into `folder` and return it.

    The test digits and the noise are the same every time, so that only the model changes between snapshots.
    A latent that is no plane gets the test digits with their reconstructions, the decoder and the latents.
    """
    here = snapshot_dir(folder, epoch)
    mu, logvar = encode_all(vae, test.images)
    save_decoder(here / "decoder.safetensors", vae.decoder)
    save_latents(here / "latents.safetensors", mu, logvar, test.labels)
    panels = {digit: [("test digits", probe_digits(test, digit, PROBES).images)] for digit in DIGITS}
    for rows in panels.values():
        rows.append(("reconstructed", vae.decode(vae.encode(rows[0][1])[0])))
    decoded: dict[int, Tensor] = {}
    if vae.config.latent_dim == 2:
        train_map = training_map(vae, train)
        anchors = train_map.anchors()
        write_json(here / "anchors.json", {str(digit): point.tolist() for digit, point in anchors.items()})
        for digit, rows in panels.items():
            generator = torch.Generator().manual_seed(NOISE_SEED)
            rows.append(("sampled", generate_digit(vae, train_map, digit, PROBES, generator)[1]))
        decoded = {digit: vae.decode(anchors[digit][None])[0] for digit in DIGITS}
        save_figure(here / "manifold.png", plot_latent_space(vae, scale=3.0))
        save_figure(here / "clusters.png", plot_clusters(LatentMap(mu, test.labels), anchors))
    for digit in DIGITS:
        save_figure(here / f"digit_{digit}.png", plot_gallery({digit: panels[digit]}, decoded, epoch))
    save_figure(here / "gallery.png", plot_gallery(panels, decoded, epoch))
    return here


def training_map(vae: VAE, train: Digits) -> LatentMap:
    """The plane as the first training images populate it."""
    return LatentMap(encode_all(vae, train.images[:MAP_SIZE])[0], train.labels[:MAP_SIZE])


@torch.no_grad()
def encode_all(vae: VAE, images: Tensor) -> tuple[Tensor, Tensor]:
    """Latent mu and logvar, (N, d) each, of any number of images."""
    parts = [vae.encode(batch) for batch in images.split(2000)]
    return torch.cat([mu for mu, _ in parts]), torch.cat([logvar for _, logvar in parts])


def plot_gallery(panels: dict[int, list[tuple[str, Tensor]]], anchors: dict[int, Tensor], epoch: int) -> Figure:
    """For each digit its anchor's decode, large, and named rows of images (PROBES, 1, 28, 28) beside it."""
    rows = max(len(panel) for panel in panels.values())
    figure = theme.new_figure(10.5, (rows * 0.9 + 0.35) * len(panels) + 0.5)
    title = "before training" if epoch == 0 else f"after epoch {epoch}"
    figure.suptitle(title, color=theme.INK, fontsize=16)
    for part, (digit, panel) in zip(
        figure.subfigures(len(panels), 1, squeeze=False)[:, 0], panels.items(), strict=True
    ):
        left, right = part.subfigures(1, 2, width_ratios=(0.28, 1))
        axes = left.add_subplot()
        axes.set_axis_off()
        if digit in anchors:
            theme.draw_image(axes, anchors[digit][0])
            axes.set_title(f"the plane's best {digit}", color=theme.INK, fontsize=11)
        grid = right.subplots(len(panel), PROBES, squeeze=False)
        for line, (name, images) in zip(grid, panel, strict=True):
            for cell, image in zip(line, images, strict=True):
                theme.draw_image(cell, image[0])
                cell.set(xticks=[], yticks=[])
                cell.spines[:].set_visible(False)
            line[0].set_ylabel(name, color=theme.INK, fontsize=10, rotation=0, ha="right", va="center")
    return figure


def save_figure(path: Path | str, figure: Figure) -> Path:
    """Write a figure as PNG, atomically."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return write_bytes(path, buffer.getvalue())


def write_animation(folder: Path | str, epochs: list[int]) -> Path:
    """Join the galleries and clusters of the snapshots into ``training.gif``."""
    frames = []
    for epoch in epochs:
        here = snapshot_dir(folder, epoch)
        parts = [
            Image.open(here / name).convert("RGB")
            for name in ("gallery.png", "clusters.png")
            if (here / name).is_file()
        ]
        height = parts[0].height
        parts = [part.resize((part.width * height // part.height, height), Image.Resampling.LANCZOS) for part in parts]
        frame = Image.new("RGB", (sum(part.width for part in parts), height), theme.PAPER)
        left = 0
        for part in parts:
            frame.paste(part, (left, 0))
            left += part.width
        frames.append(frame.convert("P", palette=Image.Palette.ADAPTIVE, colors=128))
    durations = [FRAME_MILLISECONDS] * (len(frames) - 1) + [3 * FRAME_MILLISECONDS]
    buffer = BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return write_bytes(Path(folder) / "training.gif", buffer.getvalue())
