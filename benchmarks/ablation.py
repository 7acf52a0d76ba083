"""What each idea of the recipe is worth, on 5,000 held-out training images.

python -m benchmarks.ablation [--epochs 20]
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import torch
from tqdm import tqdm

from artifacts.files import write_json
from vae.config import TrainingConfig, VAEConfig
from vae.data import load_mnist, split_holdout
from vae.evaluate import environment
from vae.training import TrainingState, train

RESULTS = Path(__file__).parent / "results" / "ablation.json"


def with_adamw(state: TrainingState) -> TrainingState:
    """The same run with AdamW for every parameter."""
    config = state.config
    matrices = [p for p in state.vae.parameters() if p.ndim == 2]
    biases = [p for p in state.vae.parameters() if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay, "peak": config.learning_rate},
        {"params": biases, "weight_decay": 0.0, "peak": config.learning_rate},
    ]
    state.optimizers = [torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)]
    return state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=20)
    recipe = TrainingConfig(epochs=parser.parse_args().epochs, holdout=5000)
    flat = dataclasses.replace(recipe, beta=1.0)
    runs = {
        "the recipe": TrainingState.start(VAEConfig(), recipe),
        "without cooling (beta = 1 throughout)": TrainingState.start(VAEConfig(), flat),
        "without Muon (AdamW for all)": with_adamw(TrainingState.start(VAEConfig(), recipe)),
        "without either": with_adamw(TrainingState.start(VAEConfig(), flat)),
    }
    digits, held = split_holdout(load_mnist(), recipe.holdout)
    results = {}
    print(f"{recipe.epochs} epochs, seed {recipe.seed}, loss on {len(held):,} held-out images, nats per image\n")
    print("| | train | held out | seconds |\n|---|---|---|---|")
    for name, state in runs.items():
        *_, last = tqdm(train(state, digits, held), total=recipe.epochs, desc=name, leave=False)
        seconds = sum(report.seconds for report in state.history)
        results[name] = {"train": last.train.loss, "held_out": last.test.loss, "seconds": round(seconds, 1)}
        tqdm.write(f"| {name} | {last.train.loss:.2f} | {last.test.loss:.2f} | {seconds:.0f} |")
    write_json(RESULTS, {"epochs": recipe.epochs, "environment": environment(), "runs": results})


if __name__ == "__main__":
    main()
