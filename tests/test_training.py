"""The loop: it learns, it reports honestly, it goes on where it stopped."""

import json

import pytest
import torch
from conftest import SMALL

from artifacts.files import CheckpointError, load_tensors, save_tensors
from vae.config import TrainingConfig, VAEConfig
from vae.muon import Muon, orthogonalize
from vae.training import (
    TrainingState,
    cooled_beta,
    evaluate_loss,
    rate_factor,
    report_from_json,
    report_to_json,
    sample_pixels,
    train,
)

CONFIG = TrainingConfig(epochs=3, batch_size=256)


def run(config, digits, test):
    state = TrainingState.start(SMALL, config)
    return state, list(train(state, digits, test))


@pytest.fixture
def few(train_digits, test_digits):
    return train_digits[:4000], test_digits[:1000]


def test_training_lowers_the_loss(few):
    untrained = evaluate_loss(TrainingState.start(SMALL, CONFIG).vae, few[1]).loss
    state, reports = run(CONFIG, *few)
    assert [report.epoch for report in reports] == [1, 2, 3]
    assert untrained > reports[0].test.loss > reports[2].test.loss
    assert reports[2].train.loss < reports[0].train.loss
    assert evaluate_loss(state.vae, few[1]) == reports[-1].test


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(few):
    weights = [
        run(TrainingConfig(epochs=1, batch_size=256, seed=seed), *few)[0].vae.encoder.hidden[0].weight
        for seed in (0, 0, 1)
    ]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_a_saved_state_goes_on_bit_for_bit(few, tmp_path):
    straight, _ = run(CONFIG, *few)
    first = TrainingState.start(SMALL, CONFIG)
    next(iter(train(first, *few)))
    first.save(tmp_path / "state.safetensors")
    second = TrainingState.load(tmp_path / "state.safetensors")
    list(train(second, *few))
    assert [r.epoch for r in second.history] == [1, 2, 3]
    for (name, expected), actual in zip(
        straight.vae.state_dict().items(), second.vae.state_dict().values(), strict=True
    ):
        assert torch.equal(expected, actual), name
    assert [r.train for r in second.history] == [r.train for r in straight.history]


def test_a_state_of_something_else_is_named(tmp_path):
    save_tensors(tmp_path / "state.safetensors", {"a": torch.zeros(1)})
    with pytest.raises(CheckpointError, match=r"state\.safetensors"):
        TrainingState.load(tmp_path / "state.safetensors")


def test_the_state_holds_every_number_an_optimizer_keeps(few, tmp_path):
    state, _ = run(TrainingConfig(epochs=1, batch_size=256), *few)
    state.save(tmp_path / "state.safetensors")
    tensors, header = load_tensors(tmp_path / "state.safetensors")
    kept = sum(len(values) for o in state.optimizers for values in o.state_dict()["state"].values())
    assert sum(name.startswith("optimizer.") for name in tensors) == kept
    assert json.loads(header["training"])["batch_size"] == 256


def test_reports_survive_json(few):
    _, reports = run(TrainingConfig(epochs=1, batch_size=500), *few)
    assert report_from_json(json.loads(json.dumps(report_to_json(reports[0])))) == reports[0]


@pytest.mark.parametrize("widths", [(32, 24), (32,), (4, 8, 4)])
def test_every_parameter_is_trained_by_exactly_one_optimizer(widths):
    state = TrainingState.start(VAEConfig(encoder_widths=widths, decoder_widths=widths), CONFIG)
    trained = [id(p) for o in state.optimizers for group in o.param_groups for p in group["params"]]
    assert sorted(trained) == sorted(id(p) for p in state.vae.parameters())


def test_the_rate_rises_once_and_falls_to_nothing():
    factors = [rate_factor(step / 100, 0.1) for step in range(100)]
    assert factors[0] == 0 and factors.index(max(factors)) == 10 and factors[10] == 1
    assert factors[:11] == sorted(factors[:11]) and factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[-1] < 0.001
    assert rate_factor(0.0, 0.0) == 1


def test_beta_cools_to_one_and_stays():
    assert [cooled_beta(progress, 3.0, 0.5) for progress in (0, 0.25, 0.5, 0.9)] == [3, 2, 1, 1]
    assert cooled_beta(0.0, 3.0, 0.0) == 1


def test_the_reported_loss_is_the_evidence_bound_whatever_beta_is(few):
    _, reports = run(TrainingConfig(epochs=1, batch_size=500, beta=50.0, cooling=1.0), *few)
    for losses in (reports[0].train, reports[0].test):
        assert losses.loss == pytest.approx(losses.reconstruction + losses.kl, rel=1e-6)


def test_a_heavy_kl_term_keeps_posteriors_near_the_prior(few):
    kl = [run(TrainingConfig(epochs=10, batch_size=100, beta=b, cooling=1.0), *few)[1][7].test.kl for b in (1.0, 100.0)]
    assert kl[1] < kl[0] / 2


def test_pixels_are_sampled_as_asked(test_digits, generator):
    grey = test_digits.images[:2000]
    assert sample_pixels(grey, "none", generator) is grey
    drawn = sample_pixels(grey, "dynamic", generator)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(drawn.mean(), grey.mean(), rtol=0.01, atol=0)
    half = sample_pixels(grey, "half", generator)
    untouched = (half == grey).flatten(1).all(dim=1).float().mean()
    assert 0.45 < untouched < 0.55


@pytest.mark.parametrize("shape", [(8, 8), (6, 20), (20, 6)])
def test_muon_moves_along_the_nearest_orthogonal_matrix(shape, generator):
    matrix = torch.randn(shape, generator=generator)
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    ours = orthogonalize(matrix)
    values = torch.linalg.svdvals(ours)
    assert values.min() > 0.3 and values.max() < 1.3
    cosine = (ours * (u @ vh)).sum() / (ours.norm() * (u @ vh).norm())
    assert cosine > 0.97


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch.optim.Muon exists from torch 2.9 on")
def test_muon_equals_torch_muon_up_to_its_bfloat16(generator):
    start = torch.randn(32, 16, generator=generator)
    gradients = [torch.randn(32, 16, generator=generator) for _ in range(5)]
    ends = []
    for make in (Muon, torch.optim.Muon):
        p = torch.nn.Parameter(start.clone())
        optimizer = make([p], lr=0.02, momentum=0.95, weight_decay=0.1)
        for gradient in gradients:
            p.grad = gradient.clone()
            optimizer.step()
        ends.append(p.detach() - start)
    assert (ends[0] - ends[1]).norm() / ends[1].norm() < 0.02
