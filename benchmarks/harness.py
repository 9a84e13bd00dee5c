"""What every benchmark shares: one way to write a result, and to name the machine it was measured on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def data_root() -> Path:
    """The folder of real data, from $SWATH_DATA or ../shared/data beside the checkout."""
    root = Path(os.environ.get("SWATH_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (root / "README.md").exists():
        sys.exit(f"real data not found at {root}; set SWATH_DATA")
    return root


def write_result(
    name: str,
    settings: Mapping[str, Any],
    metrics: Mapping[str, float],
    intervals: Mapping[str, tuple[float, float]] | None = None,
    command: str | None = None,
) -> Path:
    """Write `benchmarks/results/<name>.json` and print its metrics.

    Args:
        name: the benchmark's name; docs quote it.
        settings: everything needed to repeat the run.
        metrics: flat numbers.
        intervals: 95 % intervals of some of the metrics.
        command: the command that repeats it; by default the one that was run.
    """
    result = {
        "name": name,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "machine": _machine(),
        "command": command or " ".join(["python", "benchmarks/" + Path(sys.argv[0]).name, *sys.argv[1:]]),
        "settings": dict(settings),
        "metrics": dict(metrics),
        "intervals": {key: list(value) for key, value in (intervals or {}).items()},
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result["metrics"], indent=2))
    return path


def _commit() -> str:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=RESULTS.parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def _machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    flags = ""
    if cpuinfo.exists():
        text = cpuinfo.read_text()
        model = next(
            (line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), model
        )
        flags = ", AMX" if "amx_bf16" in text else ""
    return f"{os.cpu_count()} cores, {model}{flags}, {platform.system()}"
