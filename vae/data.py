"""MNIST as tensors in memory.

Reads any folder in torchvision's layout (``DIR/MNIST/raw``), each of the four files as it is or gzipped,
and checks it against the published MD5 of its contents. The whole set is one tensor: a `DataLoader` that
turns one image at a time into a tensor costs more than the model does.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

IMAGE_SIDE = 28
PIXELS = IMAGE_SIDE**2
CLASSES = 10
HOLDOUT_SEED = 123
REPOSITORY_DATA = Path(__file__).resolve().parent.parent / "data"

# The MD5 of each file unpacked, its header's length in bytes, and the shape of what follows.
FILES = {
    "train-images-idx3-ubyte": ("6bbc9ace898e44ae57da46a324031adb", 16, (60_000, 1, IMAGE_SIDE, IMAGE_SIDE)),
    "train-labels-idx1-ubyte": ("a25bea736e30d166cdddb491f175f624", 8, (60_000,)),
    "t10k-images-idx3-ubyte": ("2646ac647ad5339dbf082846283269ea", 16, (10_000, 1, IMAGE_SIDE, IMAGE_SIDE)),
    "t10k-labels-idx1-ubyte": ("27ae3e4e09519cfbb04c329615203637", 8, (10_000,)),
}


class DataError(Exception):
    """A data file is missing, truncated or corrupt. The message names it and says what to do."""


@dataclass(frozen=True)
class Digits:
    """Images (N, 1, 28, 28) float32 in [0, 1] and their classes (N,) int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: slice | Tensor) -> Digits:
        return Digits(self.images[index], self.labels[index])

    def to(self, device: torch.device | str) -> Digits:
        return Digits(self.images.to(device), self.labels.to(device))


def load_mnist(data_dir: Path | str = REPOSITORY_DATA, train: bool = True) -> Digits:
    """The 60,000 training digits or the 10,000 test digits. Raises DataError naming the file at fault."""
    part = "train" if train else "t10k"
    raw = Path(data_dir) / "MNIST" / "raw"
    images = _read_idx(raw, f"{part}-images-idx3-ubyte")
    labels = _read_idx(raw, f"{part}-labels-idx1-ubyte")
    return Digits(images.float().div_(255), labels.long())


def download_mnist(data_dir: Path | str) -> None:
    """Fetch MNIST into `data_dir` through torchvision. Raises DataError when the network fails."""
    from torchvision.datasets import MNIST  # only this needs it, and it is slow to import

    try:
        MNIST(data_dir, download=True)
    except (RuntimeError, OSError) as error:
        raise DataError(
            f"MNIST could not be downloaded to {data_dir} ({error}). "
            f"The repository ships a copy in {REPOSITORY_DATA}: leave out --download and --data-dir to use it."
        ) from error


def split_holdout(digits: Digits, holdout: int) -> tuple[Digits, Digits]:
    """(the rest, `holdout` images): the same images in every run, whatever its seed."""
    order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(HOLDOUT_SEED))
    return digits[order[holdout:].sort().values], digits[order[:holdout].sort().values]


def probe_digits(test: Digits, digit: int, count: int) -> Digits:
    """The first `count` test images of a class: the same in every snapshot of every run."""
    return test[(test.labels == digit).nonzero()[:count, 0]]


def _read_idx(raw: Path, name: str) -> Tensor:
    md5, header, shape = FILES[name]
    path = next((p for p in (raw / name, raw / f"{name}.gz") if p.is_file()), None)
    if path is None:
        raise DataError(
            f"{raw / name} is missing (nor is there a {name}.gz). "
            "Give a folder in torchvision's layout with --data-dir, or fetch one with --download."
        )
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged: {error}. Replace it, or fetch MNIST with --download.") from error
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        expected = header + int(np.prod(shape))
        found = f"has {len(content):,} bytes instead of {expected:,}" if len(content) != expected else "was altered"
        raise DataError(
            f"{path} {found}: it is not MNIST as published (MD5 {md5}). Replace it, or fetch MNIST with --download."
        )
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=header).copy()).view(shape)
