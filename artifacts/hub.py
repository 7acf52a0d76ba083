"""Where a checkpoint folder comes from: this machine, or a repository on the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from artifacts.files import CheckpointError


def locate(folder_or_repo: Path | str, files: Sequence[str], revision: str | None = None) -> Path:
    """A folder on this machine that holds `files`: the one named, or the Hub repository ``user/name`` fetched.

    Only the named files are fetched. Raises CheckpointError if it is neither.
    """
    folder = Path(folder_or_repo)
    if folder.is_dir():
        return folder
    name = str(folder_or_repo)
    if isinstance(folder_or_repo, Path) or name.count("/") != 1 or name.startswith((".", "/")):
        raise CheckpointError(f"there is no folder {name}; a Hub repository is named like user/name.")
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(files)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(
            f"{name} is no folder here and could not be fetched from the Hub: {error} "
            "Check the name, the network, and (for a private repository) `hf auth login`."
        ) from error
