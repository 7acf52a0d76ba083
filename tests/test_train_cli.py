"""`train_vae.py` as people run it: refusals, a complete folder, and a kill -9 in the middle."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from conftest import ROOT
from PIL import Image

from artifacts.files import CheckpointError, load_tensors
from vae.checkpoint import load_checkpoint
from vae.data import load_mnist
from vae.training import TrainingState

COMMAND = [sys.executable, "train_vae.py"]
NETWORK = ["--encoder-widths", "32", "24", "--decoder-widths", "24", "32"]
SMALL_RUN = [*NETWORK, "--batch-size", "1000", "--threads", "1", "--no-evaluation"]
PICTURES = {"digit_6.png", "digit_8.png", "gallery.png", "clusters.png", "manifold.png"}
RECORDS = {"anchors.json", "decoder.safetensors", "latents.safetensors"}


def train_vae(*options, check=True):
    return subprocess.run([*COMMAND, *map(str, options)], cwd=ROOT, capture_output=True, text=True, check=check)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A complete run of four epochs with a snapshot every two."""
    folder = tmp_path_factory.mktemp("run") / "vae"
    done = train_vae(*SMALL_RUN, "--epochs", 4, "--snapshot-interval", 2, "--output-dir", folder)
    return folder, done


def test_it_leaves_a_complete_folder_that_the_app_can_load(finished):
    folder, _ = finished
    checkpoint = load_checkpoint(folder)
    assert sorted(checkpoint.snapshots) == [0, 2, 4]
    for epoch in (0, 2, 4):
        assert {path.name for path in (folder / f"snapshots/epoch_{epoch:03d}").iterdir()} == PICTURES | RECORDS
    assert not folder.with_name("vae.partial").exists() and not (folder / "resume").exists()
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "config.json", "model.safetensors", "metrics.json", "README.md", "training.gif",
        "latent_space_1.png", "latent_space_5.png", "snapshots",
    }  # fmt: skip
    assert Image.open(folder / "training.gif").n_frames == 3


def test_it_logs_one_line_an_epoch_and_says_what_it_runs_on(finished):
    folder, done = finished
    lines = [line for line in done.stdout.splitlines() if line.startswith("epoch ")]
    assert len(lines) == 4 and "float32 on cpu, 1 threads" in done.stdout
    metrics = json.loads((folder / "metrics.json").read_text())
    assert [epoch["epoch"] for epoch in metrics["epochs"]] == [1, 2, 3, 4]
    assert f"test {metrics['epochs'][3]['test']['loss']:.2f} =" in lines[3]


def test_the_final_snapshot_is_the_model_in_half_precision(finished):
    checkpoint = load_checkpoint(finished[0])
    z = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(checkpoint.final.decode(z), checkpoint.vae.decode(z), rtol=0, atol=1 / 255)
    mu, logvar = checkpoint.vae.encode(load_mnist(train=False).images)
    torch.testing.assert_close(checkpoint.final.latents.mu, mu, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(checkpoint.final.logvar, logvar, rtol=1e-4, atol=1e-4)


def test_a_new_run_keeps_the_previous_folder(finished, tmp_path):
    folder = tmp_path / "vae"
    folder.mkdir()
    (folder / "mine.txt").write_text("precious")
    train_vae(*SMALL_RUN, "--epochs", 1, "--output-dir", folder)
    assert (tmp_path / "vae.previous/mine.txt").read_text() == "precious"
    assert load_checkpoint(folder).vae.config.encoder_widths == (32, 24)


@pytest.mark.parametrize("killed_after", [0, 2])
def test_a_killed_run_resumes_to_the_same_bits(finished, tmp_path, killed_after):
    folder = tmp_path / "vae"
    state_file = tmp_path / "vae.partial/resume/state.safetensors"
    options = [*SMALL_RUN, "--epochs", "4", "--snapshot-interval", "2", "--output-dir", str(folder)]
    process = subprocess.Popen([*COMMAND, *options], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 180
    while not (state_file.exists() and TrainingState.load(state_file).epoch >= killed_after):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert TrainingState.load(state_file).epoch < 4 and not folder.exists()

    refused = train_vae(*options, check=False)
    assert refused.returncode == 2 and "--resume" in refused.stderr and "--restart" in refused.stderr
    other = train_vae("--resume", "--seed", 5, "--output-dir", folder, check=False)
    assert other.returncode == 2 and "--seed was 0" in other.stderr

    train_vae("--resume", "--output-dir", folder, "--no-evaluation")
    expected, _ = load_tensors(finished[0] / "model.safetensors")
    actual, _ = load_tensors(folder / "model.safetensors")
    assert all(torch.equal(expected[name], actual[name]) for name in expected)
    for epoch in (0, 2, 4):
        name = f"snapshots/epoch_{epoch:03d}/decoder.safetensors"
        assert (folder / name).read_bytes() == (finished[0] / name).read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--epochs", "0"], "--epochs is 0; allowed: a whole number from 1 to 10,000"),
        (["--learning-rate", "nan"], "--learning-rate is nan; allowed: a number from"),
        (["--binarize", "some"], "--binarize is 'some'; allowed: none, half, dynamic"),
        (["--holdout", "7"], "--holdout is 7; allowed: 0, 5000"),
        (["--device", "mps"], "--device mps: no such device here"),
        (["--data-dir", "nowhere"], "nowhere/MNIST/raw/train-images-idx3-ubyte is missing"),
        (["--resume"], "to resume"),
    ],
)
def test_bad_values_are_refused_before_anything_is_written(tmp_path, options, message):
    if options == ["--device", "mps"] and torch.backends.mps.is_available():
        pytest.skip("this machine has the device")
    done = train_vae(*options, "--output-dir", tmp_path / "vae", check=False)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_another_latent_dimension_trains_without_plane_and_the_app_declines_it(tmp_path):
    folder = tmp_path / "vae"
    done = train_vae(*SMALL_RUN, "--epochs", 1, "--latent-dim", 5, "--output-dir", folder)
    assert "no plane to draw" in done.stdout
    names = {path.name for path in (folder / "snapshots/epoch_001").iterdir()}
    assert names == {"digit_6.png", "digit_8.png", "gallery.png", "decoder.safetensors", "latents.safetensors"}
    with pytest.raises(CheckpointError, match="5 latent dimensions"):
        load_checkpoint(folder)


def test_help_lists_every_option_with_its_default():
    text = " ".join(train_vae("--help").stdout.split())
    for option, default in {
        "--epochs INT": 50,
        "--latent-dim INT": 2,
        "--binarize STR": "half",
        "--seed INT": 0,
    }.items():
        assert option in text and f"(default: {default}" in text
