"""How a model's files are written: whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from swath.errors import CheckpointError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place beside `path` to write a file to; it takes its name when the block ends well, and goes when it does not.

    Raises:
        CheckpointError: the file cannot be written, as on a full disk; what was at `path` before is still there.
    """
    part = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())  # network file systems report a full disk only here
        part.replace(path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        # A full disk is an OSError to Python, an error of their own to safetensors, a RuntimeError to torch.save.
        if isinstance(error, OSError | RuntimeError | SafetensorError):
            reason = getattr(error, "strerror", None) or error
            raise CheckpointError(f"cannot write {path}: {reason}; make room there or choose another place") from error
        raise


def same(one: Path, other: Path) -> bool:
    """Whether two paths lead to one place, through links too and on disks where upper and lower case are the same."""
    try:
        return one.samefile(other)
    except OSError:
        return False
