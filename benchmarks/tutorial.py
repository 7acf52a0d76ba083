"""Ours and the usual tutorial set-up side by side, alternating epochs in one process.

    python -m benchmarks.tutorial [--epochs 50]

The tutorial: a 784-400-200-2 MLP with LeakyReLU, Adam at 1e-3, batches of 100 from a `DataLoader` with
`ToTensor`. (Its noise is scaled by the standard deviation here, so that its loss is an ELBO.)
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

from artifacts.files import write_json
from vae.config import TrainingConfig, VAEConfig
from vae.data import REPOSITORY_DATA, Digits, load_mnist
from vae.loss import negative_elbo
from vae.model import VAE
from vae.training import Losses, TrainingState, evaluate_loss, train

RESULTS = Path(__file__).parent / "results" / "tutorial.json"


class TutorialEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 400), nn.LeakyReLU(0.2), nn.Linear(400, 200), nn.LeakyReLU(0.2)
        )
        self.mean, self.logvar = nn.Linear(200, 2), nn.Linear(200, 2)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(images)
        return self.mean(features), self.logvar(features)


def tutorial_vae() -> VAE:
    """The tutorial's network behind our interface."""
    vae = VAE(VAEConfig())
    vae.encoder = TutorialEncoder()
    vae.decoder = nn.Sequential(
        nn.Linear(2, 200), nn.LeakyReLU(0.2), nn.Linear(200, 400), nn.LeakyReLU(0.2), nn.Linear(400, 784),
        nn.Unflatten(1, (1, 28, 28)),
    )  # fmt: skip
    return vae


def tutorial_epochs(folder: Path, test: Digits, epochs: int) -> Iterator[tuple[float, Losses]]:
    """(seconds of training, test losses) of each epoch."""
    torch.manual_seed(0)
    vae = tutorial_vae()
    optimizer = torch.optim.Adam(vae.parameters(), lr=1e-3)
    loader = DataLoader(MNIST(folder, transform=ToTensor()), batch_size=100, shuffle=True)
    for _ in range(epochs):
        started = time.perf_counter()
        for images, _labels in loader:
            output = vae(images)
            terms = negative_elbo(output.logits, images, output.mu, output.logvar)
            optimizer.zero_grad()
            terms.loss.backward()
            optimizer.step()
        yield time.perf_counter() - started, evaluate_loss(vae, test)


def our_epochs(digits: Digits, test: Digits, epochs: int) -> Iterator[tuple[float, Losses]]:
    """Likewise for the shipped recipe; the evaluation's time is taken off."""
    state = TrainingState.start(VAEConfig(), TrainingConfig(epochs=epochs))
    for report in train(state, digits, test):
        started = time.perf_counter()
        losses = evaluate_loss(state.vae, test)
        yield report.seconds - (time.perf_counter() - started), losses


def unpack_mnist(folder: Path) -> None:
    """torchvision reads only unpacked files."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in (REPOSITORY_DATA / "MNIST" / "raw").glob("*.gz"):
        (raw / path.stem).write_bytes(gzip.decompress(path.read_bytes()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=TrainingConfig().epochs)
    epochs = parser.parse_args().epochs
    digits, test = load_mnist(), load_mnist(train=False)
    with tempfile.TemporaryDirectory() as folder:
        unpack_mnist(Path(folder))
        runs: dict[str, list[tuple[float, Losses]]] = {"ours": [], "tutorial": []}
        pairs = zip(our_epochs(digits, test, epochs), tutorial_epochs(Path(folder), test, epochs), strict=True)
        for epoch, pair in enumerate(pairs, start=1):
            for name, result in zip(runs, pair, strict=True):
                runs[name].append(result)
            row = "   ".join(
                f"{name} {seconds:.1f} s, test {loss.loss:.2f}"
                for name, (seconds, loss) in zip(runs, pair, strict=True)
            )
            print(f"epoch {epoch:3d}/{epochs}   {row}", flush=True)

    seconds = {name: [s for s, _ in run] for name, run in runs.items()}
    losses = {name: [loss.loss for _, loss in run] for name, run in runs.items()}
    budget = min(sum(values) for values in seconds.values())
    at_budget = {name: float(np.interp(budget, np.cumsum(seconds[name]), losses[name])) for name in runs}
    ratio = median(a / b for a, b in zip(seconds["ours"], seconds["tutorial"], strict=True))
    print(f"\n{datetime.date.today()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {epochs} epochs\n")
    print("| | ours | tutorial |\n|---|---|---|")
    print("| seconds per epoch, median | {:.2f} | {:.2f} |".format(*(median(seconds[name]) for name in runs)))
    print(
        "| training images per second | {:,.0f} | {:,.0f} |".format(*(60_000 / median(seconds[name]) for name in runs))
    )
    print(f"| test loss after {epochs} epochs | " + " | ".join(f"{losses[name][-1]:.2f}" for name in runs) + " |")
    print(f"| test loss after {budget:.0f} s | " + " | ".join(f"{at_budget[name]:.2f}" for name in runs) + " |")
    print(f"\nseconds per epoch, ours / tutorial, median of the pairs: {ratio:.2f}")
    write_json(
        RESULTS,
        {
            "date": str(datetime.date.today()),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "epochs": epochs,
            "seconds_per_epoch": seconds,
            "test_loss": losses,
            "epoch_ratio": ratio,
            "equal_time": {"seconds": budget, **at_budget},
        },
    )


if __name__ == "__main__":
    main()
