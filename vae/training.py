"""The training loop, as a generator: each epoch yields a report; what to do with it is the caller's affair."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from artifacts.files import CheckpointError, load_tensors, save_tensors
from artifacts.options import from_json
from vae.config import TrainingConfig, VAEConfig
from vae.data import Digits
from vae.loss import LossTerms, binary_cross_entropy, kl_divergence, negative_elbo
from vae.model import VAE
from vae.muon import Muon

MUON_RATE = 10.0  # Muon's learning rate, as a multiple of AdamW's
EVALUATION_SEED = 1


class Losses(NamedTuple):
    """Nats per image (summed over pixels and latent dimensions); ``loss = reconstruction + kl``."""

    reconstruction: float
    kl: float
    loss: float


@dataclass(frozen=True)
class EpochReport:
    """What one epoch came to.

    `train` is the running mean over the epoch, on the images as trained on (sampled pixels, dropout on the
    encoder's input); `test` is taken after the epoch on clean grey images: the test set, or with a holdout
    the images held out.
    """

    epoch: int
    train: Losses
    test: Losses
    seconds: float
    learning_rate: float


@dataclass
class TrainingState:
    """All that a run needs to go on from the end of an epoch as if it had never stopped."""

    vae: VAE
    config: TrainingConfig
    device: torch.device
    epoch: int = 0
    history: list[EpochReport] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.vae.to(self.device)
        self.generator = torch.Generator(self.device).manual_seed(self.config.seed)
        self.optimizers = make_optimizers(self.vae, self.config)

    @classmethod
    def start(cls, model: VAEConfig, config: TrainingConfig) -> TrainingState:
        """A new run: the initial weights are drawn from the config's seed."""
        with torch.random.fork_rng(devices=[]):  # modules draw their weights from the global generator
            torch.manual_seed(config.seed)
            vae = VAE(model)
        return cls(vae, config, choose_device(config.device))

    def save(self, path: Path | str) -> None:
        """Write the state as one safetensors file: it is there whole, or the previous one still is."""
        tensors = {f"model.{name}": value for name, value in self.vae.state_dict().items()}
        tensors["generator"] = self.generator.get_state()
        for o, optimizer in enumerate(self.optimizers):
            for p, values in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{o}.{p}.{key}": value for key, value in values.items()}
        header = {
            "model": dataclasses.asdict(self.vae.config),
            "training": dataclasses.asdict(self.config),
            "history": [report_to_json(report) for report in self.history],
        }
        save_tensors(path, tensors, {key: json.dumps(value) for key, value in header.items()})

    @classmethod
    def load(cls, path: Path | str) -> TrainingState:
        """The state that `save` wrote. Raises CheckpointError naming the file."""
        tensors, header = load_tensors(path)
        try:
            config = from_json(TrainingConfig, json.loads(header["training"]))
            state = cls.start(from_json(VAEConfig, json.loads(header["model"])), config)
            state.history = [report_from_json(report) for report in json.loads(header["history"])]
            state.epoch = len(state.history)
            state.vae.load_state_dict(
                {name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")}
            )
            state.generator.set_state(tensors["generator"])
            for o, optimizer in enumerate(state.optimizers):
                saved: dict[int, dict[str, Tensor]] = {}
                for name, tensor in tensors.items():
                    if name.startswith(f"optimizer.{o}."):
                        _, _, p, key = name.split(".")
                        saved.setdefault(int(p), {})[key] = tensor
                optimizer.load_state_dict({**optimizer.state_dict(), "state": saved})
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(f"{path} is no resume state of this version: {error}") from error
        return state


def train(
    state: TrainingState,
    digits: Digits,
    test: Digits,
    on_step: Callable[[int, int, int, Losses], None] = lambda epoch, step, steps, losses: None,
) -> Iterator[EpochReport]:
    """Train to `state.config.epochs`, yielding after each epoch with `state` brought up to date.

    Args:
        digits: what to train on.   test: what to evaluate on after each epoch.
        on_step: called after each step with the epoch, the step (both from 1), the steps of an epoch, and the
            epoch's mean losses so far.
    """
    config, vae, generator = state.config, state.vae, state.generator
    digits, test = digits.to(state.device), test.to(state.device)
    steps = math.ceil(len(digits) / config.batch_size)
    while state.epoch < config.epochs:
        started, sums = time.perf_counter(), torch.zeros(3, dtype=torch.float64)
        seen = 0
        vae.train()
        order = torch.randperm(len(digits), generator=generator, device=state.device)
        for step, indices in enumerate(order.split(config.batch_size)):
            progress = (state.epoch * steps + step) / (config.epochs * steps)
            factor = rate_factor(progress, config.warmup)
            for optimizer in state.optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = factor * group["peak"]
            images = sample_pixels(digits.images[indices], config.binarize, generator)  # (B, 1, 28, 28)
            terms = train_step(state, images, cooled_beta(progress, config.beta, config.cooling))
            sums += len(images) * torch.tensor([term.item() for term in terms], dtype=torch.float64)
            seen += len(images)
            on_step(state.epoch + 1, step + 1, steps, Losses(*(sums / seen).tolist()))
        vae.eval()
        report = EpochReport(
            epoch=state.epoch + 1,
            train=Losses(*(sums / seen).tolist()),
            test=evaluate_loss(vae, test),
            seconds=time.perf_counter() - started,
            learning_rate=factor * config.learning_rate,
        )
        state.epoch = report.epoch
        state.history.append(report)
        yield report


def train_step(state: TrainingState, images: Tensor, beta: float) -> LossTerms:
    """One step on one batch (B, 1, 28, 28): the encoder sees it with pixels missing, the loss does not.

    It descends reconstruction + beta * KL; the terms it returns are those of the evidence bound, beta = 1.
    """
    keep = 1 - state.config.input_dropout
    mask = torch.rand(images.shape, generator=state.generator, device=images.device) < keep
    mu, logvar = state.vae.encode(images * mask / keep)
    logits = state.vae.decoder(state.vae.reparameterize(mu, logvar, state.generator))
    terms = negative_elbo(logits, images, mu, logvar)
    for optimizer in state.optimizers:
        optimizer.zero_grad()
    (terms.reconstruction + beta * terms.kl).backward()
    for optimizer in state.optimizers:
        optimizer.step()
    return terms


def make_optimizers(vae: VAE, config: TrainingConfig) -> list[torch.optim.Optimizer]:
    """Muon for the matrices between hidden layers; AdamW for those that touch pixels or latents, and for biases."""
    halves = [
        [layer for layer in half.modules() if isinstance(layer, nn.Linear)] for half in (vae.encoder, vae.decoder)
    ]
    outer = [layer.weight for layers in halves for layer in (layers[0], layers[-1])]
    hidden = [layer.weight for layers in halves for layer in layers[1:-1]]
    biases = [layer.bias for layers in halves for layer in layers]
    groups = [
        {"params": outer, "weight_decay": config.weight_decay},
        {"params": biases, "weight_decay": 0.0},
    ]
    optimizers: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)]
    if hidden:
        optimizers.append(Muon(hidden, lr=MUON_RATE * config.learning_rate))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return optimizers


def rate_factor(progress: float, warmup: float) -> float:
    """The learning rate's share of its peak: a linear rise until `warmup`, then half a cosine down to 0 at 1."""
    if progress < warmup:
        return progress / warmup
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


def cooled_beta(progress: float, beta: float, cooling: float) -> float:
    """The KL term's weight: from `beta` linearly down to 1 at `cooling`, then 1.

    Deterministic annealing (Rose 1998): while the KL term is heavy, posteriors are wide and only the coarse
    order of the plane is worth learning, so the classes find their places before the details pin them down.
    (Raising beta from 0, the usual warm-up, does the opposite.)
    """
    return 1 + (beta - 1) * (1 - progress / cooling) if progress < cooling else 1.0


def sample_pixels(images: Tensor, binarize: str, generator: torch.Generator) -> Tensor:
    """Grey images as they are ("none"), each drawn from Bernoulli(pixel) ("dynamic"), or half of them ("half")."""
    if binarize == "none":
        return images
    drawn = torch.bernoulli(images, generator=generator)
    if binarize == "dynamic":
        return drawn
    chosen = torch.rand(len(images), 1, 1, 1, generator=generator, device=images.device) < 0.5
    return torch.where(chosen, drawn, images)


@torch.no_grad()
def evaluate_loss(vae: VAE, digits: Digits, batch_size: int = 2000) -> Losses:
    """Mean reconstruction, KL and loss over grey images: one posterior sample each, the same noise each time."""
    generator = torch.Generator(digits.images.device).manual_seed(EVALUATION_SEED)
    reconstruction = kl = 0.0
    for images in digits.images.split(batch_size):
        output = vae(images, generator)
        reconstruction += binary_cross_entropy(output.logits, images).sum().item()
        kl += kl_divergence(output.mu, output.logvar).sum().item()
    return Losses(reconstruction / len(digits), kl / len(digits), (reconstruction + kl) / len(digits))


def choose_device(name: str) -> torch.device:
    """The device named; "auto" takes CUDA, then MPS, then the CPU. Raises ValueError where it is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, available in there.items() if available)
    if not there[name]:
        raise ValueError(f"--device {name}: no such device here; use --device cpu, or auto.")
    return torch.device(name)


def report_to_json(report: EpochReport) -> dict:
    """The report as metrics.json holds it."""
    losses = {part: getattr(report, part)._asdict() for part in ("train", "test")}
    return {**{f.name: getattr(report, f.name) for f in dataclasses.fields(report)}, **losses}


def report_from_json(value: dict) -> EpochReport:
    """The inverse of `report_to_json`."""
    return EpochReport(**{**value, "train": Losses(**value["train"]), "test": Losses(**value["test"])})
