"""What the model is and how it is trained: the only place where a default lives."""

from __future__ import annotations

from dataclasses import dataclass

from artifacts.options import check_options, option


@dataclass(frozen=True)
class VAEConfig:
    """The shape of the network. A saved ``config.json`` holds one and rebuilds the model by itself."""

    latent_dim: int = option(2, "dimensions of the latent space", low=1, high=64)
    encoder_widths: tuple[int, ...] = option(
        (512, 256, 256, 256), "units of the encoder's hidden layers", low=4, high=4096
    )
    decoder_widths: tuple[int, ...] = option(
        (128, 256, 256, 256), "units of the decoder's hidden layers", low=4, high=4096
    )

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class TrainingConfig:
    """One training run. The same values on the same machine give the same weights, bit for bit."""

    epochs: int = option(50, "passes over the training images", low=1, high=10_000)
    batch_size: int = option(512, "images per step", low=1, high=60_000)
    learning_rate: float = option(0.002, "peak rate of AdamW; Muon's matrices take ten times it", low=1e-6, high=0.1)
    weight_decay: float = option(0.01, "decoupled weight decay, on matrices only", low=0.0, high=1.0)
    warmup: float = option(
        0.1, "share of the steps in which the rate rises; a cosine brings it to 0", low=0.0, high=0.9
    )
    beta: float = option(
        3.0, "weight of the KL term at the start; it cools to 1, the evidence bound", low=1.0, high=100.0
    )
    cooling: float = option(0.3, "share of the steps over which beta falls to 1", low=0.0, high=1.0)
    input_dropout: float = option(0.1, "share of the encoder's input pixels blanked in training", low=0.0, high=0.9)
    binarize: str = option(
        "half",
        "training pixels: grey as they are (none), half the images drawn from Bernoulli(pixel), or all (dynamic)",
        choices=("none", "half", "dynamic"),
    )
    holdout: int = option(
        0, "training images kept out, to choose settings by instead of the test set", choices=(0, 5000)
    )
    seed: int = option(0, "of the initial weights, the order, the noise", low=0, high=2**31 - 1)
    device: str = option("cpu", "where to train", choices=("cpu", "cuda", "mps", "auto"))
    threads: int = option(0, "processor threads; 0 takes all cores", low=0, high=1024)

    def __post_init__(self) -> None:
        check_options(self)
