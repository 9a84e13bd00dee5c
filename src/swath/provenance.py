"""What software made a number: versions, and the commit of a checkout."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from swath._version import __version__

_PACKAGES = ("torch", "numpy", "accelerate", "transformers", "timm", "open_clip_torch", "rasterio", "pillow", "lancedb")
_HERE = Path(__file__).parent
_PATIENCE_S = 10


@cache
def made_with() -> dict[str, Any]:
    """JSON values: swath's version and commit, Python, the system, and the packages that numbers depend on.

    Returns:
        ``swath``, ``commit`` (with ``-dirty`` where files of the package were changed since; None where swath does not
        run from a checkout), ``python``, ``system``, ``packages`` (installed ones only).
    """
    return {
        "swath": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": {name: found for name in _PACKAGES if (found := _installed(name)) is not None},
    }


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the checkout that this file is tracked in; an environment inside another project's is none."""
    if _git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    found = _git("rev-parse", "--short=12", "HEAD")
    if found is None:
        return None
    return f"{found}-dirty" if _git("status", "--porcelain", "--untracked-files=no", ".") else found


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are those above
            ["git", *arguments],  # noqa: S607
            cwd=_HERE,
            capture_output=True,
            text=True,
            check=True,
            timeout=_PATIENCE_S,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
