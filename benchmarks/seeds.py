"""Train three seeds of the shipped recipe and of its like-for-like variant, and evaluate each.

    python -m benchmarks.seeds            # takes about an hour; continues where an earlier call stopped

Seed 0 of the recipe is the one that ships, declared beforehand: its figures are read from the shipped folder
if that was trained with the same settings. The means are what counts.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from tqdm import tqdm

from artifacts.files import read_json, write_json
from vae.checkpoint import CHECKPOINT_DIR, METRICS_FILE
from vae.classifier import Classifier
from vae.config import TrainingConfig, VAEConfig
from vae.data import load_mnist
from vae.evaluate import environment, evaluate
from vae.snapshots import training_map
from vae.training import TrainingState, train

RESULTS = Path(__file__).parent / "results" / "vae.json"
SEEDS = (0, 1, 2)
VARIANTS = (TrainingConfig().binarize, "dynamic")
FIGURES = {
    "test loss, grey": lambda e: e["grey"]["loss"],
    "ELBO, binarised": lambda e: e["binarized"]["elbo"],
    "k = 500 log-likelihood, binarised": lambda e: e["binarized"]["iwae"],
    "log-likelihood by quadrature": lambda e: e["binarized"]["quadrature"]["log_likelihood"],
    "15-NN accuracy": lambda e: e["knn_accuracy"],
    "class kept": lambda e: e["classifier"]["class_kept"],
    "anchors recognised": lambda e: e["classifier"]["anchors_recognised"],
    "least p of an anchor": lambda e: min(e["classifier"]["anchor_probability"].values()),
    "least p of anchors 6 and 8": lambda e: min(e["classifier"]["anchor_probability"][d] for d in "68"),
}


def run_once(config: TrainingConfig) -> dict[str, Any]:
    """Train one model on one core and evaluate it."""
    torch.set_num_threads(1)
    digits, test = load_mnist(), load_mnist(train=False)
    state = TrainingState.start(VAEConfig(), config)
    for report in train(state, digits, test):
        if report.epoch % 10 == 0:
            print(f"{config.binarize} {config.seed}: epoch {report.epoch}, test {report.test.loss:.2f}", flush=True)
    anchors = training_map(state.vae, digits).anchors()
    return {
        "model": dataclasses.asdict(state.vae.config),
        "training": dataclasses.asdict(config),
        "environment": environment(),
        "seconds": round(sum(report.seconds for report in state.history), 1),
        "train_loss": state.history[-1].train.loss,
        "evaluation": evaluate(state.vae, digits, test, Classifier.from_pretrained(), anchors, lambda x, **_: x),
    }


def shipped_run() -> list[dict[str, Any]]:
    """The shipped model as a run of this benchmark."""
    if not (CHECKPOINT_DIR / METRICS_FILE).exists():
        return []
    metrics = read_json(CHECKPOINT_DIR / METRICS_FILE)
    if "evaluation" not in metrics:
        return []
    kept = {key: metrics[key] for key in ("model", "training", "environment", "seconds", "evaluation")}
    return [{**kept, "train_loss": metrics["epochs"][-1]["train"]["loss"]}]


def is_of(run: dict[str, Any], config: TrainingConfig) -> bool:
    """Whether a run's settings are these, with the default network."""
    settings = {"model": dataclasses.asdict(VAEConfig()), "training": dataclasses.asdict(config)}
    return {key: run[key] for key in settings} == json.loads(json.dumps(settings))  # JSON has no tuples


def table(runs: list[dict[str, Any]]) -> str:
    """Each figure by seed, with mean and standard deviation, for each variant."""
    lines = []
    for binarize in VARIANTS:
        mine = [run for run in runs if run["training"]["binarize"] == binarize]
        if not mine:
            continue
        lines += [f"--binarize {binarize}", f"  {'seed':<36}" + "".join(f"{r['training']['seed']:>10}" for r in mine)]
        figures = {name: [f(r["evaluation"]) for r in mine] for name, f in FIGURES.items()}
        for name, values in figures.items():
            spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
            lines.append(
                f"  {name:<36}" + "".join(f"{v:>10.3f}" for v in values) + f"   mean {mean(values):.3f}{spread}"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    configs = [TrainingConfig(seed=seed, binarize=binarize) for binarize in VARIANTS for seed in SEEDS]
    known = shipped_run() + (read_json(RESULTS) if RESULTS.exists() else [])
    runs = [next((run for run in known if is_of(run, config)), None) for config in configs]
    # A process for each core is faster than all cores for each run, and does not mind other work beside it.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        pending = {pool.submit(run_once, c): place for place, c in enumerate(configs) if runs[place] is None}
        for future in tqdm(as_completed(pending), total=len(pending), unit="run", disable=not pending):
            runs[pending[future]] = future.result()
            write_json(RESULTS, [run for run in runs if run])
    write_json(RESULTS, runs)
    print("nats per image, over the 10,000 test images")
    print(table(runs))


if __name__ == "__main__":
    main()
