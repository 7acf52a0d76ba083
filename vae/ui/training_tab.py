"""The tab that shows how the model learned: galleries by epoch, both latent spaces, the layers."""

from __future__ import annotations

import gradio as gr

from vae.card import describe
from vae.checkpoint import Checkpoint


def build_training_tab(checkpoint: Checkpoint) -> None:
    """Lay the tab out inside the current Blocks context, and publish /snapshots and /model_summary."""
    epochs = sorted(checkpoint.snapshots)

    def snapshots(epoch: int) -> tuple[list[tuple[str, str]], dict]:
        """The pictures and metrics of one snapshot: epoch 0 (untrained), 10, 20, 30, 40 or 50."""
        if epoch not in checkpoint.snapshots:
            raise gr.Error(f"there is a snapshot of epochs {', '.join(map(str, epochs))}, not of {epoch}.")
        here = checkpoint.snapshots[epoch].folder
        reports = [report for report in checkpoint.metrics["epochs"] if report["epoch"] == epoch]
        pictures = [(str(here / f"{name}.png"), name) for name in ("gallery", "clusters", "manifold")]
        return pictures, reports[0] if reports else {"epoch": epoch}

    def model_summary() -> str:
        """The autoencoder's layers, their output shapes and parameters, and the total."""
        return checkpoint.vae.summary()

    gr.Markdown("Six and eight every ten epochs: the same test digits and the same noise, only the model changes.")
    epoch = gr.Dropdown(epochs, value=epochs[-1], label="Epoch")
    pictures, report = snapshots(epochs[-1])
    gallery = gr.Gallery(pictures, label="Snapshot", columns=3, object_fit="contain", height="auto")
    metrics = gr.JSON(report, label="Losses of that epoch, in nats per image", open=True)
    epoch.change(snapshots, epoch, [gallery, metrics], api_name="snapshots")
    with gr.Row():
        for scale in (1, 5):
            path = checkpoint.folder / f"latent_space_{scale}.png"
            gr.Image(str(path), label=f"The latent space at scale {scale}.0", interactive=False, buttons=["fullscreen"])
    if "evaluation" in checkpoint.metrics:
        gr.Code(describe(checkpoint.metrics["evaluation"]), label="Evaluation", language=None, interactive=False)
    gr.Code(model_summary(), label="Layers", language=None, interactive=False)
    gr.api(model_summary, api_name="model_summary")
