"""Files that are whole or not there, and options that are checked."""

import argparse
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from artifacts import files
from artifacts.files import CheckpointError, load_tensors, read_json, replace_folder, save_tensors, write_json
from artifacts.options import OptionError, add_options, check_options, from_json, given, option


def test_tensors_and_metadata_survive_the_round_trip(tmp_path):
    tensors = {"a": torch.randn(3, 4).T, "b": torch.arange(5, dtype=torch.uint8), "c": torch.tensor(2.5).half()}
    save_tensors(tmp_path / "x.safetensors", tensors, {"note": "σ"})
    loaded, metadata = load_tensors(tmp_path / "x.safetensors")
    assert metadata == {"note": "σ"} and loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = write_json(tmp_path / "metrics.json", {"epoch": 1})

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_json(path, {"epoch": 2})
    assert read_json(path) == {"epoch": 1} and list(tmp_path.iterdir()) == [path]


def test_json_has_no_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_damaged_files_are_named(tmp_path, content):
    (tmp_path / "x.json").write_bytes(content)
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"x\.json"):
        read_json(tmp_path / "x.json")
    with pytest.raises(CheckpointError, match=r"x\.safetensors"):
        load_tensors(tmp_path / "x.safetensors")


def test_replacing_a_folder_keeps_only_the_last_one(tmp_path):
    target = tmp_path / "vae"
    for content in "abc":
        new = tmp_path / "vae.partial"
        new.mkdir()
        (new / "x").write_text(content)
        kept = replace_folder(new, target)
    assert (target / "x").read_text() == "c" and (kept / "x").read_text() == "b"
    assert {path.name for path in tmp_path.iterdir()} == {"vae", "vae.previous"}


@dataclass(frozen=True)
class Example:
    count: int = option(3, "how many", low=1, high=10)
    rate: float = option(0.5, "how fast", low=0.0, high=1.0)
    kind: str = option("a", "which", choices=("a", "b"))
    folder: Path = option(Path("x"), "where")
    widths: tuple[int, ...] = option((8, 4), "how wide", low=1, high=9)

    def __post_init__(self):
        check_options(self)


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"count": 11},
        {"count": 2.0},
        {"count": True},
        {"rate": float("nan")},
        {"rate": "1"},
        {"kind": "c"},
    ],
)
def test_values_outside_their_limits_are_refused_by_name(wrong):
    with pytest.raises(OptionError, match=f"--{next(iter(wrong))} is .*; allowed: "):
        Example(**wrong)


def test_the_command_line_gives_only_what_was_said():
    parser = argparse.ArgumentParser()
    add_options(parser, Example)
    assert given(Example, parser.parse_args(["--count", "7", "--widths", "9", "1"])) == {"count": 7, "widths": (9, 1)}
    text = " ".join(parser.format_help().split())
    assert "how many (default: 3; allowed: a whole number from 1 to 10)" in text
    assert "how wide (default: 8 4; allowed: one or more, each a whole number from 1 to 9)" in text
    assert "which (default: a; allowed: a, b)" in text


def test_options_survive_json():
    example = Example(count=4, folder=Path("z"), widths=(1, 2, 3))
    values = json.loads(json.dumps({**dataclasses.asdict(example), "folder": None}))
    assert from_json(Example, {**values, "folder": Path("z")}) == example


@pytest.mark.parametrize("values", [[], 3, {"speed": 1}, {"count": "four"}])
def test_other_values_are_no_options(values):
    with pytest.raises(OptionError):
        from_json(Example, values)
