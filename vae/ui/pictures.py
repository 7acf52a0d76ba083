"""Tensors as pictures for the page: grey tensors in [0, 1] (0 is paper) to 8-bit arrays, enlarged by whole pixels."""

from __future__ import annotations

import numpy as np
from torch import Tensor


def to_picture(image: Tensor, enlarge: int = 1) -> np.ndarray:
    """(H, W) in [0, 1] -> (H * enlarge, W * enlarge) uint8, ink black on white paper."""
    pixels = ((1 - image.detach()) * 255).round().clamp(0, 255).byte().numpy()
    return pixels.repeat(enlarge, axis=0).repeat(enlarge, axis=1)


def to_strip(images: Tensor, enlarge: int = 3) -> np.ndarray:
    """(B, 1, 28, 28) -> one row of B pictures."""
    return to_picture(images[:, 0].permute(1, 0, 2).flatten(1), enlarge)
