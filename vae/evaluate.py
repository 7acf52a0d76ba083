"""How good a trained autoencoder is, on the whole test set: `python -m vae.evaluate checkpoints/vae`.

Every figure is in nats per image unless it says otherwise. On grey images: reconstruction, KL and their sum,
the negative ELBO. On the same images binarised by a fixed seed: the ELBO, the IWAE bound with k = 500, and
the marginal log-likelihood by quadrature over the plane.
"""

from __future__ import annotations

import argparse
import math
import platform
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus
from tqdm import tqdm

from artifacts.files import CheckpointError, read_json, write_json
from vae.card import describe, write_card
from vae.checkpoint import CHECKPOINT_DIR, METRICS_FILE, load_anchors, snapshot_epochs
from vae.classifier import Classifier
from vae.data import CLASSES, REPOSITORY_DATA, DataError, Digits, load_mnist
from vae.latent import prior_grid
from vae.loss import elementwise_kl
from vae.model import VAE
from vae.published import comparison_table
from vae.snapshots import encode_all
from vae.training import EVALUATION_SEED, evaluate_loss

BINARIZE_SEED = 2026
IWAE_SAMPLES = 500
QUADRATURE_TOLERANCE = 0.02  # nats
QUADRATURE_RADIUS = 5.0  # the prior's mass outside is e^-12.5
QUADRATURE_MARGIN = 16.0  # nats
TILE = 0.5  # latent units
SURE = 0.9

Progress = Callable[..., Iterable]


@torch.no_grad()
def iwae_bound(vae: VAE, images: Tensor, k: int = IWAE_SAMPLES, progress: Progress = tqdm) -> float:
    """log 1/k sum p(x, z_i) / q(z_i | x) with z_i from q, mean over the images (Burda et al. 2016, eq. 8)."""
    generator = torch.Generator().manual_seed(EVALUATION_SEED)
    total = 0.0
    batches = images.split(max(1, 10_000 // k))  # so many that their samples fit the cache
    for batch in progress(batches, desc=f"IWAE k={k}", leave=False):
        mu, logvar = vae.encode(batch)  # (B, d)
        eps = torch.randn((k, *mu.shape), generator=generator)
        z = mu + torch.exp(0.5 * logvar) * eps  # (k, B, d)
        logits = vae.decoder(z.flatten(0, 1)).view(k, len(batch), -1)
        log_px = torch.einsum("kbp,bp->kb", logits, batch.flatten(1)) - softplus(logits).sum(dim=2)
        log_prior_over_q = 0.5 * (eps.square() + logvar - z.square()).sum(dim=2)  # the 2 pi cancel
        total += (torch.logsumexp(log_px + log_prior_over_q, dim=0) - math.log(k)).sum().item()
    return total / len(images)


@torch.no_grad()
def tile_masses(vae: VAE, images: Tensor, cells: int, needed: Tensor, progress: Progress = tqdm) -> Tensor:
    """log integral of p(x | z) p(z) over each tile of the plane, for binary images (N, 1, 28, 28) -> (T, N).

    Midpoint rule with `cells` x `cells` points a tile. For binary pixels log p(x | z) = x . l(z) - sum softplus(l(z)),
    so a tile costs one matrix product, with those images only that `needed` (T, N) names; the others get -inf.
    """
    spacing = TILE / cells
    ticks = (torch.arange(cells) + 0.5) * spacing
    inside = torch.cartesian_prod(ticks, ticks)  # (K, 2)
    pixels = images.flatten(1)  # (N, 784)
    masses = torch.full(needed.shape, -math.inf)
    corners = list(zip(tile_corners(), needed, masses, strict=True))
    for corner, wanted, mass in progress(corners, desc=f"quadrature, spacing {spacing:g}", leave=False):
        chosen = wanted.nonzero()[:, 0]
        if len(chosen) == 0:
            continue
        points = corner + inside
        logits = vae.decoder(points).flatten(1)  # (K, 784)
        log_prior = -0.5 * points.square().sum(dim=1) - math.log(2 * math.pi)
        offset = log_prior - softplus(logits).sum(dim=1)  # (K,)
        blocks = [torch.logsumexp(torch.addmm(offset, x, logits.T), dim=1) for x in pixels[chosen].split(2000)]
        mass[chosen] = torch.cat(blocks) + 2 * math.log(spacing)
    return masses


def tile_corners() -> Tensor:
    """Lower left corners (T, 2) of the tiles whose middle lies within QUADRATURE_RADIUS."""
    ticks = torch.arange(-QUADRATURE_RADIUS, QUADRATURE_RADIUS, TILE)
    corners = torch.cartesian_prod(ticks, ticks)
    return corners[(corners + TILE / 2).norm(dim=1) <= QUADRATURE_RADIUS]


def log_likelihood(vae: VAE, images: Tensor, progress: Progress = tqdm) -> tuple[Tensor, dict[str, float]]:
    """log p(x) = log integral p(x | z) p(z) dz over the plane, (N, 1, 28, 28) binary -> (N,), and how it was got.

    The spacing is halved until the mean moves by less than QUADRATURE_TOLERANCE. From the second pass on, an
    image skips the tiles that held less than exp(-QUADRATURE_MARGIN) of its mass.
    """
    needed = torch.ones(len(tile_corners()), len(images), dtype=torch.bool)
    cells, previous = 8, math.inf
    while True:
        masses = tile_masses(vae, images, cells, needed, progress)
        values = torch.logsumexp(masses, dim=0)  # (N,)
        mean = values.mean().item()
        if abs(mean - previous) < QUADRATURE_TOLERANCE:
            how = {"log_likelihood": mean, "spacing": TILE / cells, "change_on_halving": abs(mean - previous)}
            return values, how
        needed = masses > values - QUADRATURE_MARGIN
        cells, previous = 2 * cells, mean


def knn_accuracy(train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, k: int = 15) -> float:
    """Share of the test latents whose k nearest training latents mostly bear their class."""
    right = 0
    for points, labels in zip(test.split(500), test_labels.split(500), strict=True):
        nearest = torch.cdist(points, train).topk(k, largest=False).indices
        votes = torch.nn.functional.one_hot(train_labels[nearest], CLASSES).sum(dim=1)
        right += (votes.argmax(dim=1) == labels).sum().item()
    return right / len(test)


@torch.no_grad()
def judge(vae: VAE, classifier: Classifier, test: Digits, mu: Tensor, anchors: dict[int, Tensor]) -> dict[str, Any]:
    """What the classifier makes of the decodes: of the test digits, the anchors and the prior's quantiles."""
    decoded = torch.cat([vae.decode(batch) for batch in mu.split(1000)])
    kept = (classifier.probabilities(decoded).argmax(dim=1) == test.labels).float().mean().item()
    on_anchors = classifier.probabilities(vae.decode(torch.stack([anchors[d] for d in range(CLASSES)])))
    on_prior = classifier.probabilities(vae.decode(prior_grid(30).view(-1, 2))).max(dim=1).values
    return {
        "sure": SURE,
        "class_kept": kept,
        "anchor_probability": {str(d): on_anchors[d, d].item() for d in range(CLASSES)},
        "anchors_recognised": int((on_anchors.diagonal() > SURE).sum()),
        "prior_grid_recognised": (on_prior > SURE).float().mean().item(),
    }


def evaluate(
    vae: VAE, train: Digits, test: Digits, classifier: Classifier, anchors: dict[int, Tensor], progress: Progress = tqdm
) -> dict[str, Any]:
    """All figures of the final evaluation, as metrics.json holds them. Without a plane: no quadrature, no judge."""
    started = time.perf_counter()
    train_mu, _ = encode_all(vae, train.images)
    mu, logvar = encode_all(vae, test.images)
    binary = torch.bernoulli(test.images, generator=torch.Generator().manual_seed(BINARIZE_SEED))
    results: dict[str, Any] = {
        "images": len(test),
        "grey": evaluate_loss(vae, test)._asdict(),
        "binarized": {
            "seed": BINARIZE_SEED,
            "elbo": -evaluate_loss(vae, Digits(binary, test.labels)).loss,
            "iwae_samples": IWAE_SAMPLES,
            "iwae": iwae_bound(vae, binary, progress=progress),
        },
        "active_units": int((mu.var(dim=0) > 0.01).sum()),
        "kl_per_unit": elementwise_kl(mu, logvar).tolist(),
        "knn_accuracy": knn_accuracy(train_mu, train.labels, mu, test.labels),
    }
    if vae.config.latent_dim == 2:
        results["binarized"]["quadrature"] = log_likelihood(vae, binary, progress)[1]
        results["classifier"] = judge(vae, classifier, test, mu, anchors)
    results["seconds"] = round(time.perf_counter() - started, 1)
    return results


def environment() -> dict[str, Any]:
    """Versions and threads: what a figure depends on beside the seed."""
    return {"python": platform.python_version(), "torch": torch.__version__, "threads": torch.get_num_threads()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Evaluate a trained autoencoder on the MNIST test set.")
    parser.add_argument("folder", type=Path, nargs="?", default=CHECKPOINT_DIR, help="artefact folder")
    parser.add_argument("--data-dir", type=Path, default=REPOSITORY_DATA, help="torchvision-layout folder")
    arguments = parser.parse_args()
    try:
        metrics = evaluate_folder(arguments.folder, arguments.data_dir)
    except (CheckpointError, DataError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    write_card(arguments.folder)
    print(describe(metrics["evaluation"]))
    print()
    print(comparison_table(metrics))


def evaluate_folder(folder: Path, data_dir: Path = REPOSITORY_DATA) -> dict[str, Any]:
    """Evaluate the model in an artefact folder; write its metrics.json with the result, and return it."""
    vae = VAE.from_pretrained(folder)
    metrics = read_json(folder / METRICS_FILE)
    anchors: dict[int, Tensor] = {}
    if vae.config.latent_dim == 2:
        anchors = load_anchors(folder, max(snapshot_epochs(folder), default=0))
    train, test = load_mnist(data_dir), load_mnist(data_dir, train=False)
    results = evaluate(vae, train, test, Classifier.from_pretrained(), anchors)
    metrics["evaluation"] = {**results, "environment": environment()}
    write_json(folder / METRICS_FILE, metrics)
    return metrics


if __name__ == "__main__":
    main()
