"""Published figures for MNIST with exactly two latent dimensions, as far as their source could be checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vae.data import PIXELS


@dataclass(frozen=True)
class PublishedRow:
    """One published result, nats per image; None where the source has no such figure."""

    model: str
    network: str
    data: str
    elbo: float | None
    log_likelihood: float | None
    source: str


DYNAMIC = "dynamically binarised, k = 500"
DAVIDSON = (
    "Davidson et al. 2018, Table 1, as transcribed in blackswan-advitamaeternam/HVAE README.md "
    "(the paper itself could not be opened; the ELBO is its RE - KL)"
)

PUBLISHED = (
    PublishedRow("N-VAE, plane", "MLP 784-256-128", DYNAMIC, -137.08, -135.73, DAVIDSON),
    PublishedRow("S-VAE, sphere (decoder sees 3 coordinates)", "MLP 784-256-128", DYNAMIC, -133.71, -132.50, DAVIDSON),
    PublishedRow(
        "pytorch-mnist-VAE",
        "MLP 784-512-256",
        "grey, one sample",
        -138.40,
        None,
        "lyeoni/pytorch-mnist-VAE, pytorch-mnist-VAE.ipynb, test loss after the last of 50 epochs",
    ),
    PublishedRow(
        "Keras VAE example",
        "convolutional",
        "grey; running mean over train and test images, both trained on",
        -146.95,
        None,
        "keras-team/keras-io, examples/generative/md/vae.md",
    ),
)

NOTE = """\
Their networks are smaller than ours. Like for like in data and estimator is only the IWAE column against the
dynamically binarised rows, and only for a model trained with --binarize dynamic. A grey-pixel ELBO is a lower
bound of the expected dynamically binarised log-likelihood (Jensen), so it may stand beside those rows as the
weaker number. The quadrature counts modes that no encoder proposes: it lies above every sampled figure and is
to be compared with none of them."""


def comparison_table(metrics: dict[str, Any]) -> str:
    """Our rows, from an evaluated metrics.json, beside the published ones: a Markdown table with its sources."""
    results = metrics["evaluation"]
    network = "MLP " + "-".join(map(str, (PIXELS, *metrics["model"]["encoder_widths"])))
    grey, binary = results["grey"], results["binarized"]
    lines = [
        "| model | network | data, estimator | ELBO | log-likelihood |",
        "|---|---|---|---|---|",
        f"| this model | {network} | grey | {-grey['loss']:.2f} | |",
        f"| this model | {network} | binarised by seed {binary['seed']}, k = {binary['iwae_samples']} "
        f"| {binary['elbo']:.2f} | {binary['iwae']:.2f} |",
    ]
    for row in PUBLISHED:
        elbo, likelihood = (f"{v:.2f}" if v is not None else "" for v in (row.elbo, row.log_likelihood))
        lines.append(f"| {row.model} | {row.network} | {row.data} | {elbo} | {likelihood} |")
    sources = [f"- {row.model}: {row.source}." for row in PUBLISHED]
    return "\n".join([*lines, "", NOTE, "", "Sources:", *sources])
