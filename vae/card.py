"""The figures of metrics.json as text, and the model card of an artefact folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from artifacts.files import read_json, write_bytes
from vae.checkpoint import METRICS_FILE, snapshot_epochs
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


def describe(results: dict[str, Any]) -> str:
    """The evaluation as a few lines of text."""
    grey, binary = results["grey"], results["binarized"]
    lines = [
        f"test images                      {results['images']:,}",
        "grey pixels, nats per image",
        f"  reconstruction                 {grey['reconstruction']:.2f}",
        f"  KL                             {grey['kl']:.2f}",
        f"  loss (negative ELBO)           {grey['loss']:.2f}",
        f"pixels binarised by seed {binary['seed']}",
        f"  ELBO                           {binary['elbo']:.2f}",
        f"  IWAE bound, k = {binary['iwae_samples']}            {binary['iwae']:.2f}",
    ]
    if "quadrature" in binary:
        quadrature, judged = binary["quadrature"], results["classifier"]
        lines += [
            f"  log-likelihood by quadrature   {quadrature['log_likelihood']:.2f}"
            f"  (spacing {quadrature['spacing']:g}; halving it last changed {quadrature['change_on_halving']:.4f})",
            f"test digits that keep their class through encode and decode   {judged['class_kept']:.1%}",
            f"anchors recognised with p > {judged['sure']}   {judged['anchors_recognised']} of 10; p = "
            + ", ".join(f"{d}: {p:.3f}" for d, p in judged["anchor_probability"].items()),
            f"prior-grid decodes recognised with p > {judged['sure']}   {judged['prior_grid_recognised']:.1%} of 900",
        ]
    lines += [
        f"active units                     {results['active_units']}",
        f"15-nearest-neighbour accuracy    {results['knn_accuracy']:.4f}",
        f"evaluated in                     {results['seconds']} s",
    ]
    return "\n".join(lines)


def write_card(folder: Path | str) -> Path:
    """Write the folder's README.md from its metrics.json."""
    return write_bytes(Path(folder) / "README.md", model_card(folder).encode())


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
            comparison_table(metrics) + "\n",
        ]
    sections += ["## Layers\n", f"```\n{VAE.from_pretrained(folder).summary()}\n```\n"]
    return "\n".join(sections)
