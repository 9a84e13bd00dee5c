"""What Lance says goes wrong, as errors that tell what is the matter and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from swath.errors import ArchiveCorruptError, ArchiveError, SwathError, VersionGoneError

CONFLICT = ("retryable commit conflict", "too many concurrent writers", "incompatible transaction")
"""Signs of a commit that another process was in the way of."""

_FULL = ("no space left", "os error 28", "file too large", "os error 27", "disk quota", "os error 122")
_DENIED = ("permission denied", "os error 13", "read-only file system", "os error 30", "os error 1)")
_REMEDIES = (
    (
        ("nosuchbucket", "bucket does not exist", "bucket not found"),
        "there is no such bucket; make it, or correct the address",
    ),
    (
        ("accessdenied", "invalidaccesskeyid", "signaturedoesnotmatch", "credential", "403", "401", "forbidden"),
        "access is denied; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN in the environment",
    ),
    (
        ("scheme is not allowed", "allow_http", "only https"),
        "the endpoint is not encrypted; set AWS_ALLOW_HTTP=true if that is meant, or use https",
    ),
    (
        ("error sending request", "connection refused", "connecterror", "dns error", "timed out", "retryerror"),
        "the object store does not answer; check AWS_ENDPOINT, AWS_REGION and the network",
    ),
)
"""Signs in an object store's errors, and what to do about each."""


@contextmanager
def reading(uri: str, fixed: Any = None) -> Iterator[None]:  # noqa: ANN401 - lancedb is untyped
    """Turn Lance's errors while reading into `ArchiveCorruptError` (or `ArchiveError` for a remote store).

    Args:
        uri: of the archive.
        fixed: a table at a version; where there is a newer one by now, whatever goes wrong is a `VersionGoneError`.
    """
    try:
        yield
    except SwathError:
        raise
    except (RuntimeError, OSError, ValueError, pa.ArrowException) as error:
        detail = _short(error)
        if fixed is not None and _is_replaced(fixed):
            raise VersionGoneError(
                f"version {fixed.version} of archive {uri} is not kept any more ({detail}); begin again with the newest"
            ) from error
        if "no field named caption" in str(error).lower():
            raise ArchiveError(f"archive {uri} has no captions yet; write them with: swath caption {uri}") from error
        if any(sign in str(error).lower() for sign in _DENIED):
            raise ArchiveError(f"archive {uri} cannot be read: {detail}; check its permissions") from error
        if not is_local(uri):
            raise ArchiveError(f"archive {uri} cannot be read: {_remedy(str(error))} ({detail})") from error
        raise ArchiveCorruptError(
            f"archive {uri} is damaged: {detail}; restore it from a copy, or remove the folder and index again"
        ) from error


@contextmanager
def writing(uri: str) -> Iterator[None]:
    """Turn Lance's errors while writing into `ArchiveError`s that say what to do."""
    try:
        yield
    except SwathError:
        raise
    except (RuntimeError, OSError, ValueError, pa.ArrowException) as error:
        detail, text = _short(error), str(error).lower()
        if any(sign in text for sign in _FULL):
            reason = "the disk is full; free some space and run again: what was committed is safe and is not redone"
        elif any(sign in text for sign in _DENIED):
            reason = "it is read-only; check its permissions"
        elif any(sign in text for sign in CONFLICT):
            reason = "others keep writing to it; what was committed is safe: run again, or once they have ended"
        elif is_local(uri) and ("not found" in text or "corrupt" in text or "invalid range" in text):
            raise ArchiveCorruptError(
                f"archive {uri} is damaged: {detail}; restore it from a copy, or remove the folder and index again"
            ) from error
        else:
            remedy = "" if is_local(uri) else f"{_remedy(text)}; "
            reason = f"{remedy}what was committed is safe; run again to go on"
        raise ArchiveError(f"archive {uri} cannot be written: {reason} ({detail})") from error


def is_local(address: str) -> bool:
    """Whether an archive is a folder."""
    return "://" not in address


def _remedy(text: str) -> str:
    """What is wrong with an object store, and what to do, from what its client says."""
    for signs, remedy in _REMEDIES:
        if any(sign in text.lower() for sign in signs):
            return remedy
    return "check the address, AWS_ENDPOINT and the network"


def _short(error: BaseException) -> str:
    """The first line of an error, without the tail of Rust source positions."""
    text = (str(error) or type(error).__name__).splitlines()[0]
    return re.sub(r", /\S+\.rs\b.*", "", text)[:300]


def _is_replaced(table: Any) -> bool:  # noqa: ANN401 - lancedb is untyped
    """Whether there is a newer version than that which a table is fixed at."""
    try:
        return any(version["version"] > table.version for version in table.list_versions())
    except (RuntimeError, OSError, ValueError):
        return False
