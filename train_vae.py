"""Train the variational autoencoder on MNIST and leave a complete artefact folder.

python train_vae.py                      # 50 epochs into checkpoints/vae
python train_vae.py --resume             # go on with a run that was interrupted
python train_vae.py --help               # every option with its default
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from artifacts.files import CheckpointError, read_json, replace_folder, write_json
from artifacts.options import OptionError, add_options, check_options, flag, given, option
from vae.card import describe, write_card
from vae.checkpoint import CHECKPOINT_DIR, METRICS_FILE, snapshot_epochs
from vae.classifier import Classifier
from vae.config import TrainingConfig, VAEConfig
from vae.data import REPOSITORY_DATA, DataError, Digits, download_mnist, load_mnist, split_holdout
from vae.evaluate import environment, evaluate_folder
from vae.latent import plot_latent_space
from vae.model import VAE
from vae.snapshots import save_figure, take_snapshot, write_animation
from vae.training import EpochReport, Losses, TrainingState, report_to_json, train

STATE_FILE, RUN_FILE = "resume/state.safetensors", "resume/run.json"
PRECISION = "float32"  # everywhere: most CPUs only emulate bfloat16, and a run should not depend on that


@dataclass(frozen=True)
class RunConfig:
    """Where a run reads and writes."""

    data_dir: Path = option(REPOSITORY_DATA, "folder in torchvision's layout with MNIST")
    output_dir: Path = option(CHECKPOINT_DIR, "artefact folder; what stands there is kept as <output-dir>.previous")
    snapshot_interval: int = option(10, "epochs between snapshots", low=1, high=10_000)

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def partial(self) -> Path:
        """Where the run lives until it is complete."""
        return self.output_dir.with_name(self.output_dir.name + ".partial")


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Train a variational autoencoder on MNIST.")
    for config in (VAEConfig, TrainingConfig, RunConfig):
        add_options(parser, config)
    parser.add_argument("--download", action="store_true", help="fetch MNIST into --data-dir through torchvision")
    parser.add_argument("--no-evaluation", action="store_true", help="leave out the final evaluation")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--resume", action="store_true", help="go on with the run in <output-dir>.partial")
    group.add_argument("--restart", action="store_true", help="discard <output-dir>.partial and begin anew")
    return parser


def begin(arguments: argparse.Namespace, run: RunConfig) -> tuple[TrainingState, RunConfig]:
    """A new run, or the interrupted one with the settings it began with. Raises before anything is written."""
    model, training = given(VAEConfig, arguments), given(TrainingConfig, arguments)
    if arguments.resume and not run.partial.exists():
        raise CheckpointError(f"there is no {run.partial} to resume; begin a run without --resume.")
    if arguments.resume and (run.partial / STATE_FILE).is_file():  # else it was killed before its first write
        state = TrainingState.load(run.partial / STATE_FILE)
        saved = dataclasses.replace(run, **read_json(run.partial / RUN_FILE))
        for config, wanted in (
            (state.vae.config, model),
            (state.config, training),
            (saved, given(RunConfig, arguments)),
        ):
            for name, value in wanted.items():
                if getattr(config, name) != value:
                    raise OptionError(
                        f"{flag(name)} was {getattr(config, name)} when this run began; "
                        "resume without it, or begin anew with --restart."
                    )
        return state, saved
    if run.partial.exists() and not (arguments.restart or arguments.resume):
        raise CheckpointError(
            f"{run.partial} holds an unfinished run: go on with it by --resume, or discard it by --restart."
        )
    return TrainingState.start(VAEConfig(**model), TrainingConfig(**training)), run


def train_and_record(state: TrainingState, run: RunConfig, digits: Digits, test: Digits, judged_on: Digits) -> None:
    """Train to the end; after each epoch a line, when due a snapshot, and last the state to resume from."""
    config = state.config
    if state.epoch == 0:
        write_json(run.partial / RUN_FILE, {"snapshot_interval": run.snapshot_interval})
        state.save(run.partial / STATE_FILE)
        take_snapshot(run.partial, 0, on_cpu(state.vae), digits, test)
    bar = EpochBar(config.epochs)
    for report in train(state, digits, judged_on, bar.update):
        bar.close()
        tqdm.write(describe_epoch(report, config))
        if report.epoch % run.snapshot_interval == 0 or report.epoch == config.epochs:
            take_snapshot(run.partial, report.epoch, on_cpu(state.vae), digits, test)
        write_json(run.partial / METRICS_FILE, metrics(state))
        state.save(run.partial / STATE_FILE)  # last: what it vouches for is already there


def finish(state: TrainingState, run: RunConfig, evaluation: bool) -> None:
    """Complete the folder, swap it in, evaluate it."""
    vae, here = on_cpu(state.vae), run.partial
    vae.save_pretrained(here)
    write_json(here / METRICS_FILE, metrics(state))
    write_animation(here, snapshot_epochs(here))
    if vae.config.latent_dim == 2:
        for scale in (1.0, 5.0):
            save_figure(here / f"latent_space_{scale:g}.png", plot_latent_space(vae, scale))
    else:
        print(f"{vae.config.latent_dim} latent dimensions: no plane to draw, so no anchors, clusters or manifolds.")
    if evaluation:
        print(describe(evaluate_folder(here, run.data_dir)["evaluation"]))
    write_card(here)
    kept = replace_folder(here, run.output_dir)
    shutil.rmtree(run.output_dir / "resume")
    print(f"{run.output_dir} is complete." + (f" What stood there before is in {kept}." if kept else ""))


class EpochBar:
    """One progress bar an epoch: reconstruction, KL, loss and the time left."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.bar: tqdm | None = None

    def update(self, epoch: int, step: int, steps: int, losses: Losses) -> None:
        if self.bar is None:
            self.bar = tqdm(total=steps, desc=f"epoch {epoch}/{self.epochs}", leave=False, unit="step")
        self.bar.set_postfix({name: f"{value:.1f}" for name, value in losses._asdict().items()}, refresh=False)
        self.bar.update()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
        self.bar = None


def describe_epoch(report: EpochReport, config: TrainingConfig) -> str:
    """The log's line; losses in nats per image."""
    part = "holdout" if config.holdout else "test"
    texts = [
        f"{x.loss:.2f} = reconstruction {x.reconstruction:.2f} + KL {x.kl:.2f}" for x in (report.train, report.test)
    ]
    return f"epoch {report.epoch:3d}/{config.epochs}  train {texts[0]}  {part} {texts[1]}  {report.seconds:.1f} s"


def metrics(state: TrainingState) -> dict[str, Any]:
    """metrics.json: what made the run, and one object per epoch."""
    return {
        "command": " ".join(["python", *sys.argv]),
        "model": dataclasses.asdict(state.vae.config),
        "training": dataclasses.asdict(state.config),
        "judged_on": "holdout" if state.config.holdout else "test",
        "precision": PRECISION,
        "environment": environment(),
        "seconds": round(sum(report.seconds for report in state.history), 1),
        "epochs": [report_to_json(report) for report in state.history],
    }


def on_cpu(vae: VAE) -> VAE:
    """The model itself if it is on the CPU, else a copy there."""
    return vae if next(vae.parameters()).device.type == "cpu" else copy.deepcopy(vae).cpu()


def main() -> None:
    parser = make_parser()
    arguments = parser.parse_args()
    try:
        run = RunConfig(**given(RunConfig, arguments))
        state, run = begin(arguments, run)
        if arguments.download:
            download_mnist(run.data_dir)
        digits, test = load_mnist(run.data_dir), load_mnist(run.data_dir, train=False)
        if not arguments.no_evaluation:
            Classifier.from_pretrained()  # the final evaluation needs it: find out now, not after 50 epochs
    except (OptionError, DataError, CheckpointError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    config = state.config
    if config.threads:
        torch.set_num_threads(config.threads)
    if arguments.restart:
        shutil.rmtree(run.partial, ignore_errors=True)
    judged_on = test
    if config.holdout:
        digits, judged_on = split_holdout(digits, config.holdout)
    print(state.vae.summary())
    print(
        f"{len(digits):,} training images, batch {config.batch_size}, seed {config.seed}, "
        f"{PRECISION} on {state.device}, {torch.get_num_threads()} threads; losses in nats per image"
    )
    train_and_record(state, run, digits, test, judged_on)
    finish(state, run, evaluation=not arguments.no_evaluation)


if __name__ == "__main__":
    main()
