"""The tab in which one clicks a point of the latent plane and sees it decoded."""

from __future__ import annotations

import math

import gradio as gr
import numpy as np
import torch

from vae.checkpoint import Checkpoint
from vae.classifier import Classifier
from vae.latent import decode_grid, latent_grid
from vae.ui.pictures import to_picture

LIMIT = 6.0  # latent units: beyond it no digit was ever seen
SCALE = 3.0
GRID = 25


def build_plane_tab(checkpoint: Checkpoint, classifier: Classifier) -> None:
    """Lay the tab out inside the current Blocks context, and publish /decode."""

    @torch.no_grad()
    def decode(x: float, y: float) -> tuple[np.ndarray, dict[str, float]]:
        """Decode one point of the latent plane, in latent units from -6 to 6.

        Returns the digit's image and the classifier's probability of each class for it.
        """
        for name, value in (("x", x), ("y", y)):
            if value is None or not math.isfinite(value) or abs(value) > LIMIT:
                raise gr.Error(f"{name} is {value}; give a number from {-LIMIT:g} to {LIMIT:g}.", print_exception=False)
        image = checkpoint.vae.decode(torch.tensor([[x, y]], dtype=torch.float32))
        probabilities = classifier.probabilities(image)[0].tolist()
        return to_picture(image[0, 0], enlarge=10), {str(digit): p for digit, p in enumerate(probabilities)}

    with torch.no_grad():
        manifold = to_picture(decode_grid(checkpoint.vae, latent_grid(SCALE, GRID)))

    def point_at(event: gr.SelectData) -> tuple[float, float]:
        """The latent point under a click: tile centres run from -SCALE to SCALE."""
        column, row = event.index
        tile = 2 * SCALE / (GRID - 1)
        to_latent = [-SCALE - tile / 2 + tile * GRID * (pixel + 0.5) / len(manifold) for pixel in (column, row)]
        return round(to_latent[0], 3), round(-to_latent[1], 3)

    gr.Markdown("Click anywhere on the plane: the digit at that point is decoded beside it.")
    with gr.Row():
        plane = gr.Image(
            manifold,
            label=f"The latent plane, from -{SCALE:g} to {SCALE:g}",
            interactive=False,
            buttons=[],
            elem_id="plane",
        )
        with gr.Column():
            with gr.Row():
                x = gr.Number(0.0, label="x (latent units)", step=0.05)
                y = gr.Number(0.0, label="y (latent units)", step=0.05)
            button = gr.Button("Decode", variant="primary")
            start, start_classes = decode(0.0, 0.0)
            digit = gr.Image(start, label="Decoded digit", interactive=False, buttons=["download"], height=300)
            classes = gr.Label(start_classes, label="What a separate classifier sees", num_top_classes=3)
    button.click(decode, [x, y], [digit, classes], api_name="decode")
    plane.select(point_at, None, [x, y], api_visibility="private", show_progress="hidden").then(
        decode, [x, y], [digit, classes], api_visibility="private", show_progress="hidden"
    )
