"""Shared by all tests: real MNIST, the shipped checkpoint, a small model."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from vae.checkpoint import Checkpoint, load_checkpoint  # noqa: E402
from vae.config import VAEConfig  # noqa: E402
from vae.data import Digits, load_mnist  # noqa: E402
from vae.model import VAE  # noqa: E402


@pytest.fixture(scope="session")
def train_digits() -> Digits:
    return load_mnist()


@pytest.fixture(scope="session")
def test_digits() -> Digits:
    return load_mnist(train=False)


@pytest.fixture(scope="session")
def shipped() -> Checkpoint:
    return load_checkpoint()


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def small_vae() -> VAE:
    torch.manual_seed(0)
    return VAE(SMALL).eval()


SMALL = VAEConfig(encoder_widths=(32, 24), decoder_widths=(24, 32))
