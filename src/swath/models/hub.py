"""From a model's name to a directory that holds it."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from swath.errors import CheckpointError, ModelError
from swath.models import zoo
from swath.models.checkpoint import WEIGHTS_FILE
from swath.models.config import CONFIG_FILE

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_PARTIAL = "*.incomplete"
"""What the hub's client calls a file that it has not fetched to the end."""
_WANTED = ["*.json", "*.safetensors", "*.md", "*.txt"]


def resolve(name: str, revision: str | None = None) -> Path:
    """The directory of a model, fetched from the hub where need be.

    Looked for in this order: a directory, a packaged model, a zoo name, a hub id.

    Args:
        name: what the user calls the model.
        revision: branch, tag or commit on the hub.

    Raises:
        ModelError: no such model, or it cannot be fetched, or it has no revisions and one is asked for.
        CheckpointError: `name` is a file, which must be converted first.
    """
    if not name:
        raise ModelError(
            "the model's name is empty; give a directory, a name (list them with: swath models) or a hub id"
        )
    path = Path(name).expanduser()
    if path.is_file():
        raise CheckpointError(f"{name} is a file, not a model directory; turn it into one with: swath convert {name}")
    found = path if path.is_dir() else packaged(name)
    if found is not None:
        refuse_revision(name, revision)
        return found
    if (entry := zoo.find(name)) is not None:
        return zoo.obtain(entry, revision)
    if _HUB_ID.fullmatch(name):
        return fetch(name, revision)
    raise ModelError(
        f"there is no model {name!r}: not a directory, not packaged ({', '.join(packaged_names()) or 'none'}), not in "
        "the zoo (list it with: swath models), and not a hub id (org/name)"
    )


def refuse_revision(name: str, revision: str | None) -> None:
    """Refuse a revision of what is not on the hub, where it would be passed over in silence.

    Raises:
        ModelError: there is one.
    """
    if revision is not None:
        raise ModelError(
            f"{name} is not fetched from the hub, so there is no revision {revision!r} of it; leave it out"
        )


def packaged_names() -> list[str]:
    """Names of the models that ship inside the package."""
    root = resources.files("swath") / "weights"
    return sorted(entry.name for entry in root.iterdir() if entry.is_dir()) if root.is_dir() else []


def packaged(name: str) -> Path | None:
    """The directory of a model that ships inside the package; None where it has no such model."""
    if name not in packaged_names():
        return None
    directory = Path(str(resources.files("swath") / "weights" / name))
    return directory if (directory / CONFIG_FILE).is_file() else None


def fetch(repo: str, revision: str | None = None) -> Path:
    """The snapshot of a hub repository: configuration, safetensors and card, nothing that could run.

    Raises:
        ModelError: no such repository or revision, no access, no network and no copy in the cache, or a download that
            was interrupted and cannot go on.
    """
    from huggingface_hub import snapshot_download

    try:
        directory = Path(snapshot_download(repo, revision=revision, allow_patterns=_WANTED))
    except Exception as error:
        raise ModelError(_refusal(repo, revision, error)) from error
    # Offline, the client gives a snapshot without looking whether all of its files are there.
    missing = [name for name in (CONFIG_FILE, WEIGHTS_FILE) if not (directory / name).is_file()]
    partial = sorted((directory.parents[1] / "blobs").glob(_PARTIAL))
    if missing and partial:
        raise ModelError(
            f"the download of {repo} was interrupted: {' and '.join(missing)} not there yet, {partial[0]} holds a "
            "part; run the same command again online, it goes on where it stopped"
        )
    if CONFIG_FILE in missing:
        raise ModelError(
            f"{repo} has no {CONFIG_FILE} and is no swath model, or not all of it was fetched: run the same command "
            f"again online; OpenCLIP's models are called open_clip:hf-hub:{repo}"
        )
    return directory


def fetch_file(repo: str, file: str, revision: str | None = None) -> Path:
    """One file of a hub repository.

    Raises:
        ModelError: no such repository, revision or file, no access, or no network and no copy in the cache.
    """
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(repo, file, revision=revision))
    except Exception as error:
        raise ModelError(_refusal(f"{repo} ({file})", revision, error)) from error


def _refusal(what: str, revision: str | None, error: Exception) -> str:
    """What went wrong, in the user's terms."""
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    at = f" at revision {revision!r}" if revision else ""
    if isinstance(error, GatedRepoError):
        return f"{what}{at} asks for permission: accept its terms on the hub and log in with: hf auth login"
    if isinstance(error, RevisionNotFoundError):
        return f"{what} has no revision {revision!r}"
    if isinstance(error, LocalEntryNotFoundError | OfflineModeIsEnabled | ConnectionError | TimeoutError):
        return f"{what}{at} is not in the local cache and the hub cannot be reached (offline?); fetch it once online"
    if isinstance(error, EntryNotFoundError | RepositoryNotFoundError):
        return f"there is no {what}{at} on the hub (or it is private and you are not logged in)"
    return f"cannot fetch {what}{at}: {error}"
