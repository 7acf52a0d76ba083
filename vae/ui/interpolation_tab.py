"""The tab that walks the straight line between two random test digits."""

from __future__ import annotations

import gradio as gr
import numpy as np
import torch

from vae.checkpoint import Checkpoint
from vae.data import Digits
from vae.interpolation import interpolate_random
from vae.ui.pictures import to_strip

STEPS = (2, 30)


def build_interpolation_tab(checkpoint: Checkpoint, digits: Digits) -> None:
    """Lay the tab out inside the current Blocks context, and publish /interpolate."""

    @torch.no_grad()
    def interpolate(seed: int, steps: int) -> tuple[np.ndarray, np.ndarray, dict]:
        """The straight line in the latent plane between two random test digits of different classes.

        Returns the two originals, the decoded frames from one to the other, and their classes and points.
        """
        if seed is None or steps is None or not STEPS[0] <= steps <= STEPS[1] or not 0 <= seed < 2**31:
            raise gr.Error(
                f"give a seed from 0 to {2**31 - 1} and {STEPS[0]} to {STEPS[1]} steps.", print_exception=False
            )
        path = interpolate_random(checkpoint.vae, digits, torch.Generator().manual_seed(int(seed)), int(steps))
        told = {"indices": path.indices, "classes": path.labels, "points": path.points.tolist()}
        return to_strip(path.originals, 5), to_strip(path.frames), told

    gr.Markdown("Two test digits and what the decoder makes of the straight line between them.")
    with gr.Row():
        seed = gr.Number(0, label="Seed", precision=0, minimum=0, maximum=2**31 - 1)
        steps = gr.Slider(*STEPS, value=12, step=1, label="Steps")
        button = gr.Button("Two random digits", variant="primary")
    first_originals, first_strip, first_told = interpolate(0, 12)
    originals = gr.Image(first_originals, label="The two digits", interactive=False, buttons=[], height=180)
    gr.Markdown("From one to the other:")
    strip = gr.Image(first_strip, label="Frames", show_label=False, interactive=False, buttons=["download"])
    told = gr.JSON(first_told, label="Classes and points", open=False)
    button.click(lambda: int(np.random.default_rng().integers(2**31)), None, seed, api_visibility="private").then(
        interpolate, [seed, steps], [originals, strip, told], api_name="interpolate"
    )
    for control in (seed.submit, steps.release):
        control(interpolate, [seed, steps], [originals, strip, told], api_visibility="private")
