from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swath import __version__

COMMANDS = [
    *(["index"], ["search"], ["sandbox"], ["models"], ["convert"], ["join"], ["train"]),
    *(["data", name] for name in ("audit", "merge", "keywords")),
    *(["archive", name] for name in ("info", "optimize", "verify", "delete")),
    *(["evaluate", name] for name in ("retrieval", "compare", "ranking")),
]


def swath(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with standard output and standard error apart."""
    command = [sys.executable, "-m", "swath", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=240, check=False, env=os.environ | environment
    )


def test_the_version_comes_from_one_place() -> None:
    done = swath("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"swath {__version__}\n", "")


def test_help_imports_nothing_slow() -> None:
    """Help and completion must answer at once, so nothing heavy is imported before a command runs."""
    code = (
        "import sys, swath.cli\n"
        "try:\n    swath.cli.app(['--help'], prog_name='swath')\n"
        "except SystemExit as ending:\n    assert ending.code == 0\n"
        "slow = {'torch', 'lancedb', 'rasterio', 'pyarrow', 'numpy', 'geopandas', 'shapely', 'pydantic'}\n"
        "print(sorted(slow & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=True)
    assert "Usage: swath" in done.stdout
    assert done.stderr == "[]\n"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_and_json(command: list[str], run: Callable[..., Any]) -> None:
    done = run(*command, "--help")
    assert done.exit_code == 0
    assert "--json" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["search", "{tmp}/nothing", "water"], 1, "error: no archive at {tmp}/nothing"),
        (["index", "{tmp}/nothing", "--to", "{tmp}/a"], 1, "error: {tmp}/nothing: no such file or folder"),
        (["search", "{tmp}/nothing", "x", "--near", "1"], 2, "lon,lat"),
        (["search", "{tmp}/nothing", "x", "--near", "200,0"], 2, "error: no such place"),
        (["nonsense"], 2, "nonsense"),
        (["index", "{tmp}"], 2, "--to"),
    ],
)
def test_failures_leave_standard_output_empty_and_say_why(
    tmp_path: Path, run: Callable[..., Any], arguments: list[str], code: int, says: str
) -> None:
    done = run(*(argument.format(tmp=tmp_path) for argument in arguments))
    assert (done.exit_code, done.stdout) == (code, ""), done.output
    assert says.format(tmp=tmp_path) in done.stderr


def test_the_process_exits_with_the_code_and_without_traceback(tmp_path: Path) -> None:
    done = swath("search", tmp_path / "nothing", "water", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: no archive at")
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = swath("search", tmp_path / "nothing", "water", SWATH_DEBUG="1")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ArchiveNotFoundError" in done.stderr
