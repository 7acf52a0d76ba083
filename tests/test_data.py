"""MNIST in memory: what it holds, and what a bad file says."""

import gzip
import shutil

import pytest
import torch
from torchvision.datasets import MNIST

from vae.data import FILES, REPOSITORY_DATA, DataError, download_mnist, load_mnist, probe_digits, split_holdout

RAW = REPOSITORY_DATA / "MNIST" / "raw"


@pytest.fixture
def own_data(tmp_path):
    """A copy of the test set's two files, to be damaged."""
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    for path in RAW.glob("t10k-*"):
        shutil.copy(path, tmp_path / "MNIST" / "raw")
    return tmp_path


def unpack(folder):
    for path in folder.glob("MNIST/raw/*.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()


def test_the_set_is_whole(train_digits, test_digits):
    assert train_digits.images.shape == (60_000, 1, 28, 28) and test_digits.images.shape == (10_000, 1, 28, 28)
    assert train_digits.images.min() == 0 and train_digits.images.max() == 1
    assert torch.bincount(test_digits.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_it_equals_what_torchvision_reads(tmp_path, test_digits):
    shutil.copytree(REPOSITORY_DATA / "MNIST", tmp_path / "MNIST")
    unpack(tmp_path)
    theirs = MNIST(tmp_path, train=False)
    assert torch.equal((test_digits.images[:, 0] * 255).round().to(torch.uint8), theirs.data)
    assert torch.equal(test_digits.labels, theirs.targets)
    assert torch.equal(load_mnist(tmp_path, train=False).images, test_digits.images)  # unpacked files do too


def test_a_missing_file_is_named(own_data):
    (own_data / "MNIST/raw/t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte is missing.*--data-dir"):
        load_mnist(own_data, train=False)


@pytest.mark.parametrize("packed", [True, False])
def test_a_truncated_file_is_named(own_data, packed):
    if not packed:
        unpack(own_data)
    path = next(own_data.glob("MNIST/raw/t10k-images*"))
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(DataError, match="t10k-images"):
        load_mnist(own_data, train=False)


def test_a_single_altered_byte_is_noticed(own_data):
    unpack(own_data)
    path = own_data / "MNIST/raw/t10k-images-idx3-ubyte"
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte was altered.*" + FILES[path.name][0]):
        load_mnist(own_data, train=False)


def test_a_failing_download_points_to_the_shipped_copy(tmp_path, monkeypatch):
    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])
    with pytest.raises(DataError, match="could not be downloaded"):
        download_mnist(tmp_path)


def test_the_holdout_splits_the_set_the_same_way_each_time(train_digits):
    rest, held = split_holdout(train_digits, 5000)
    again = split_holdout(train_digits, 5000)[1]
    assert len(rest) == 55_000 and torch.equal(held.images, again.images)
    pixels = rest.images.double().sum() + held.images.double().sum()
    torch.testing.assert_close(pixels, train_digits.images.double().sum(), rtol=1e-9, atol=0)


def test_probe_digits_are_the_first_of_their_class(test_digits):
    probes = probe_digits(test_digits, 6, 4)
    assert probes.labels.tolist() == [6] * 4
    first = test_digits.labels.tolist().index(6)
    assert torch.equal(probes.images[0], test_digits.images[first])
