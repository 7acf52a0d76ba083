"""The network: shapes, sampling, saving, and what a damaged folder says."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from conftest import ROOT, SMALL

from artifacts.files import CheckpointError
from vae.config import VAEConfig
from vae.encoder import LOGVAR_LIMITS
from vae.model import VAE


@pytest.mark.parametrize("batch", [1, 2, 33])
@pytest.mark.parametrize("latent_dim", [1, 2, 10])
def test_shapes(batch, latent_dim):
    vae = VAE(replace(SMALL, latent_dim=latent_dim))
    output = vae(torch.rand(batch, 1, 28, 28))
    assert output.logits.shape == (batch, 1, 28, 28)
    assert output.mu.shape == output.logvar.shape == (batch, latent_dim)


def test_decoded_pixels_are_probabilities(small_vae, generator):
    pixels = small_vae.decode(10 * torch.randn(64, 2, generator=generator))
    assert pixels.min() >= 0 and pixels.max() <= 1


def test_logvar_stays_within_its_limits(small_vae):
    with torch.no_grad():
        small_vae.encoder.head.weight.mul_(1000)
    _, logvar = small_vae.encode(torch.rand(20, 1, 28, 28))
    assert logvar.min() >= LOGVAR_LIMITS[0] and logvar.max() <= LOGVAR_LIMITS[1]


def test_noise_is_scaled_by_the_standard_deviation(small_vae, generator):
    """The best-known tutorial scales it by logvar: at logvar = 0 that is no noise at all."""
    logvar = torch.tensor([[0.0, -4.0]]).expand(200_000, 2)
    z = small_vae.reparameterize(torch.zeros(200_000, 2), logvar, generator)
    torch.testing.assert_close(z.std(dim=0), torch.tensor([1.0, 0.1353]), rtol=0.01, atol=0)


def test_sampling_does_not_depend_on_the_mode(small_vae):
    images = torch.rand(3, 1, 28, 28)
    one = small_vae.eval()(images, torch.Generator().manual_seed(5))
    other = small_vae.train()(images, torch.Generator().manual_seed(5))
    assert torch.equal(one.logits, other.logits)
    assert not torch.equal(small_vae.eval()(images).logits, small_vae(images).logits)


def test_summary_counts_every_parameter():
    vae = VAE()
    text = vae.summary()
    total = sum(p.numel() for p in vae.parameters())
    layers = [line.split() for line in text.splitlines() if line.startswith(("encoder.", "decoder."))]
    assert sum(int(line[-1].replace(",", "")) for line in layers) == total
    assert f"total parameters: {total:,}" in text
    assert {line[0] for line in layers} == {name for name, m in vae.named_modules() if not list(m.children())}


def test_save_and_load_give_the_same_model(small_vae, tmp_path):
    small_vae.save_pretrained(tmp_path)
    loaded = VAE.from_pretrained(tmp_path)
    assert loaded.config == small_vae.config and not loaded.training
    images = torch.rand(4, 1, 28, 28)
    assert all(torch.equal(a, b) for a, b in zip(loaded.encode(images), small_vae.encode(images), strict=True))


def test_a_truncated_weights_file_is_named(small_vae, tmp_path):
    small_vae.save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        VAE.from_pretrained(tmp_path)


def test_weights_of_another_shape_are_refused(small_vae, tmp_path):
    small_vae.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "decoder_widths": [24, 48]}))
    with pytest.raises(CheckpointError, match="does not fit"):
        VAE.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    "config",
    [
        "",
        "[]",
        '{"encoder_widths": ["wide"]}',
        '{"encoder_widths": []}',
        '{"no_such_option": 1}',
        '{"latent_dim": NaN}',
    ],
)
def test_a_damaged_config_is_named(small_vae, tmp_path, config):
    small_vae.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        VAE.from_pretrained(tmp_path)


def test_weights_that_are_not_finite_are_refused(small_vae, tmp_path):
    with torch.no_grad():
        small_vae.decoder.head.bias[0] = float("nan")
    small_vae.save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="not finite"):
        VAE.from_pretrained(tmp_path)


def test_a_missing_folder_says_how_to_name_a_hub_repository(tmp_path):
    with pytest.raises(CheckpointError, match="user/name"):
        VAE.from_pretrained(tmp_path / "nothing")


def test_importing_the_package_imports_no_page_and_no_pyplot():
    code = "import sys, vae.evaluate, vae.training; print('gradio' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_options_are_checked_when_made():
    with pytest.raises(ValueError, match=r"--latent-dim is 0; allowed: a whole number from 1 to 64"):
        VAEConfig(latent_dim=0)
