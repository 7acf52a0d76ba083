"""The straight line between two digits."""

import pytest
import torch

from vae.interpolation import interpolate, interpolate_random, pick_pair, plot_interpolation, straight_path


def test_both_ends_are_exact_and_the_steps_even(generator):
    a, b = torch.randn(2, 2, generator=generator)
    path = straight_path(a, b, 11)
    assert torch.equal(path[0], a) and torch.equal(path[-1], b)
    torch.testing.assert_close(path.diff(dim=0), ((b - a) / 10).expand(10, 2))


def test_one_step_is_no_path():
    with pytest.raises(ValueError, match="at least 2"):
        straight_path(torch.zeros(2), torch.ones(2), 1)


def test_a_pair_is_of_two_classes_unless_asked(test_digits):
    for seed in range(50):
        first, second = pick_pair(test_digits.labels, torch.Generator().manual_seed(seed))
        assert test_digits.labels[first] != test_digits.labels[second]
    pair = pick_pair(test_digits.labels, torch.Generator().manual_seed(0), classes=(3, 3))
    assert test_digits.labels[list(pair)].tolist() == [3, 3]


def test_the_generator_decides_the_pair(test_digits):
    pairs = [pick_pair(test_digits.labels, torch.Generator().manual_seed(seed)) for seed in (4, 4, 5)]
    assert pairs[0] == pairs[1] != pairs[2]


def test_a_class_that_is_not_there_is_refused(generator):
    with pytest.raises(ValueError, match="class asked for"):
        pick_pair(torch.tensor([1, 2]), generator, classes=(9, None))


def test_frames_run_between_the_reconstructions_of_the_two_digits(small_vae, test_digits):
    path = interpolate(small_vae, test_digits, (0, 1), steps=7)
    mu, _ = small_vae.encode(test_digits.images[:2])
    assert torch.equal(path.points[[0, -1]], mu)
    torch.testing.assert_close(path.frames[[0, -1]], small_vae.decode(mu))
    assert path.labels == (7, 2)


def test_two_random_digits_are_drawn_as_they_are_named(small_vae, test_digits, generator):
    path = interpolate_random(small_vae, test_digits, generator, steps=5)
    assert torch.equal(path.originals, test_digits.images[list(path.indices)])
    assert len(plot_interpolation(path).axes) == 5 + 2
