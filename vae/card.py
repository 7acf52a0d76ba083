"""The model card of an artefact folder, written from its metrics.json."""

from __future__ import annotations

from pathlib import Path

from artifacts.files import read_json
from vae.checkpoint import METRICS_FILE, snapshot_epochs
from vae.evaluate import describe
from vae.model import VAE
from vae.published import comparison_table

HEADER = """\
---
license: mit
library_name: pytorch
pipeline_tag: unconditional-image-generation
datasets:
- ylecun/mnist
tags:
- vae
- variational-autoencoder
- mnist
- latent-space
---
"""

USAGE = """\
```python
from vae.model import VAE

vae = VAE.from_pretrained("checkpoints/vae")  # or a Hub repository, user/name
```
"""


def model_card(folder: Path | str) -> str:
    """Markdown: what the model is, its gallery by epoch, its figures, how they were made."""
    folder = Path(folder)
    metrics = read_json(folder / METRICS_FILE)
    last = metrics["epochs"][-1]
    sections = [
        HEADER,
        f"# A variational autoencoder of MNIST with {metrics['model']['latent_dim']} latent dimensions\n",
        f"Trained by `{metrics['command']}` ({last['epoch']} epochs, seed {metrics['training']['seed']}, "
        f"{metrics['precision']}, torch {metrics['environment']['torch']}, "
        f"{metrics['environment']['threads']} threads, {metrics['seconds']:.0f} s). "
        "Losses are in nats per image: summed over the 784 pixels and the latent dimensions.\n",
        USAGE,
        "## Six and eight as training goes on\n",
        *(f"![after epoch {epoch}](snapshots/epoch_{epoch:03d}/gallery.png)\n" for epoch in snapshot_epochs(folder)),
    ]
    if "evaluation" in metrics:
        sections += [
            "## Evaluation\n",
            f"```\n{describe(metrics['evaluation'])}\n```\n",
            comparison_table(metrics["evaluation"]) + "\n",
        ]
    sections += ["## Layers\n", f"```\n{VAE.from_pretrained(folder).summary()}\n```\n"]
    return "\n".join(sections)
