"""Latents & Lyrics: load the artefacts once, compose the tabs, launch.

python app.py [--host 127.0.0.1] [--port 7860] [--share]
"""

from __future__ import annotations

import argparse

import gradio as gr

from artifacts.files import CheckpointError
from vae.checkpoint import load_checkpoint
from vae.classifier import Classifier
from vae.data import DataError, load_mnist
from vae.ui.interpolation_tab import build_interpolation_tab
from vae.ui.plane_tab import build_plane_tab
from vae.ui.training_tab import build_training_tab

TITLE = "Latents & Lyrics"


def build_demo() -> gr.Blocks:
    """The whole page, on the shipped artefacts."""
    try:
        checkpoint, classifier, digits = load_checkpoint(), Classifier.from_pretrained(), load_mnist(train=False)
    except (CheckpointError, DataError) as error:
        raise SystemExit(f"The demo cannot start: {error}") from error
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(3600, 3600)) as demo:
        gr.Markdown(f"# {TITLE}\nA variational autoencoder of handwritten digits with a plane for its latent space.")
        with gr.Tab("Latent space"):
            build_plane_tab(checkpoint, classifier)
        with gr.Tab("Interpolation"):
            build_interpolation_tab(checkpoint, digits)
        with gr.Tab("Training"):
            build_training_tab(checkpoint)
    return demo.queue(default_concurrency_limit=4, max_size=64)


demo = build_demo()


def main() -> None:
    parser = argparse.ArgumentParser(description="Start the demo.")
    parser.add_argument("--host", help="address to listen on (default: GRADIO_SERVER_NAME, or 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port (default: GRADIO_SERVER_PORT, or the first free from 7860)")
    parser.add_argument("--share", action="store_true", help="open a public tunnel")
    arguments = parser.parse_args()
    demo.launch(
        server_name=arguments.host,
        server_port=arguments.port,
        share=arguments.share,
        run_history=False,
        max_file_size="2mb",
    )


if __name__ == "__main__":
    main()
