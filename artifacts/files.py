"""Atomic writes and strict reads of JSON and safetensors files, and the swap of whole folders.

A file written here is either the old one or the new one, whatever happens to the process:
the bytes go to a temporary file beside the target, reach the disk, and are renamed over it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save


class CheckpointError(Exception):
    """An artefact is missing, damaged or not what was asked for. The message names the file."""


def write_bytes(path: Path | str, data: bytes) -> Path:
    """Write `data` to `path` atomically, creating its folder if needed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp makes private files; artefacts are to be shared
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path


def write_json(path: Path | str, value: Any) -> Path:
    """Write `value` as indented JSON; NaN and infinity are refused, since JSON has neither."""
    text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    return write_bytes(path, text.encode())


def read_json(path: Path | str) -> Any:
    """The value in a JSON file. Raises CheckpointError naming the file."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} is missing.") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged or unreadable: {error}") from error


def save_tensors(path: Path | str, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> Path:
    """Write named tensors as one safetensors file; `metadata` goes into its header."""
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return write_bytes(path, save(on_cpu, metadata=metadata))


def load_tensors(path: Path | str) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors and the header's metadata. Raises CheckpointError naming the file."""
    if not Path(path).is_file():
        raise CheckpointError(f"{path} is missing.")
    try:
        with safe_open(str(path), framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error


def replace_folder(new: Path | str, target: Path | str) -> Path | None:
    """Put the folder `new` at `target`; what stood there is kept as ``<target>.previous``.

    Killed between the renames, both folders still exist under other names: nothing is lost.
    Returns where the earlier folder is kept, or None if there was none.
    """
    new, target = Path(new), Path(target)
    kept = target.with_name(target.name + ".previous")
    if target.exists():
        shutil.rmtree(kept, ignore_errors=True)
        target.rename(kept)
    new.rename(target)
    return kept if kept.exists() else None
