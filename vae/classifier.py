"""A small, independent digit classifier: it judges what the autoencoder decodes.

It never takes part in the autoencoder's training. `python -m vae.classifier` trains it on the 60,000
training images, prints its accuracy on the test set and writes ``checkpoints/classifier``.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from artifacts.files import CheckpointError, load_tensors, read_json, save_tensors, write_json
from vae.data import CLASSES, REPOSITORY_DATA, DataError, Digits, load_mnist

CLASSIFIER_DIR = Path(__file__).resolve().parent.parent / "checkpoints" / "classifier"
ARCHITECTURE = "conv32-conv64-dense128"


class Classifier(nn.Module):
    """Two convolutions and a hidden layer: (B, 1, 28, 28) in [0, 1] -> (B, 10) logits."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, 5, padding=2), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),  # (B, 32, 14, 14)
            nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),  # (B, 64, 7, 7)
        )  # fmt: skip
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Linear(128, CLASSES))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> Tensor:
        """(B, 1, 28, 28) -> (B, 10), rows summing to one; in batches, so any B will do."""
        return torch.cat([self(batch).softmax(dim=1) for batch in images.split(1000)])

    @classmethod
    def from_pretrained(cls, folder: Path | str = CLASSIFIER_DIR) -> Classifier:
        """The trained classifier in eval mode. Raises CheckpointError."""
        folder = Path(folder)
        if read_json(folder / "config.json") != {"architecture": ARCHITECTURE}:
            raise CheckpointError(f"{folder / 'config.json'} does not describe a {ARCHITECTURE} classifier.")
        model = cls()
        try:
            model.load_state_dict(load_tensors(folder / "model.safetensors")[0])
        except RuntimeError as error:
            raise CheckpointError(f"{folder / 'model.safetensors'} does not fit: {error}") from error
        return model.eval()


def train_classifier(train: Digits, epochs: int = 6, batch_size: int = 128, seed: int = 0) -> Iterator[Classifier]:
    """Yields the classifier after each epoch. Images are shifted by up to two pixels at random."""
    torch.manual_seed(seed)  # nn.Module initialises from the global generator
    generator = torch.Generator().manual_seed(seed)
    model = Classifier()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.02)
    steps = epochs * math.ceil(len(train) / batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=steps)
    for _ in range(epochs):
        model.train()
        for indices in torch.randperm(len(train), generator=generator).split(batch_size):
            rows, columns = torch.randint(-2, 3, (2,), generator=generator).tolist()  # one shift a batch
            images = train.images[indices].roll((rows, columns), dims=(2, 3))  # the border is blank
            loss = cross_entropy(model(images), train.labels[indices])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        yield model.eval()


def accuracy(model: Classifier, digits: Digits) -> float:
    """The share of the digits that the classifier names rightly."""
    return (model.probabilities(digits.images).argmax(dim=1) == digits.labels).float().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the digit classifier that judges the autoencoder's decodes.")
    parser.add_argument("--data-dir", type=Path, default=REPOSITORY_DATA, help="torchvision-layout folder")
    parser.add_argument("--output-dir", type=Path, default=CLASSIFIER_DIR, help="where the weights go")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        train, test = load_mnist(arguments.data_dir), load_mnist(arguments.data_dir, train=False)
    except DataError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    epochs = train_classifier(train, arguments.epochs, seed=arguments.seed)
    *_, model = tqdm(epochs, total=arguments.epochs, unit="epoch")
    score = accuracy(model, test)  # of the last epoch: none is chosen on the test set
    save_tensors(arguments.output_dir / "model.safetensors", model.state_dict())
    write_json(arguments.output_dir / "config.json", {"architecture": ARCHITECTURE})
    write_json(
        arguments.output_dir / "metrics.json",
        {
            "command": f"python -m vae.classifier --epochs {arguments.epochs} --seed {arguments.seed}",
            "epochs": arguments.epochs,
            "seed": arguments.seed,
            "test_accuracy": score,
            "parameters": sum(p.numel() for p in model.parameters()),
            "torch": torch.__version__,
        },
    )
    print(f"{score:.2%} of the 10,000 test digits named rightly; weights in {arguments.output_dir}")


if __name__ == "__main__":
    main()
