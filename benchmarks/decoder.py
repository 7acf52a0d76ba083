"""How long the shipped decoder takes, and how large it is: `python -m benchmarks.decoder`."""

from __future__ import annotations

import time
from statistics import median

import torch

from vae.checkpoint import load_checkpoint


def milliseconds(decode, z: torch.Tensor, runs: int) -> float:
    """Median time of one call."""
    for _ in range(5):
        decode(z)
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        decode(z)
        times.append(time.perf_counter() - started)
    return 1000 * median(times)


@torch.no_grad()
def main() -> None:
    checkpoint = load_checkpoint()
    decode = checkpoint.vae.decode
    size = (checkpoint.final.folder / "decoder.safetensors").stat().st_size
    print(f"decoder.safetensors (float16): {size / 1e6:.2f} MB")
    for threads in {1, torch.get_num_threads()}:
        torch.set_num_threads(threads)
        one, many = milliseconds(decode, torch.randn(1, 2), 200), milliseconds(decode, torch.randn(900, 2), 30)
        print(f"{threads} thread(s): one point {one:.3f} ms, 900 points {many:.1f} ms")


if __name__ == "__main__":
    main()
