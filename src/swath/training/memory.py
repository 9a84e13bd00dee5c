"""Whether the training images fit into memory, asked before hours go by decoding them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from swath.chips import Chip
from swath.errors import DataError
from swath.models.config import ModelConfig
from swath.models.routing import ANY_BANDS

_MEMINFO = Path("/proc/meminfo")
_CONTROL = Path("/sys/fs/cgroup")


def decoded_bytes(chips: Sequence[Chip], config: ModelConfig, size: int) -> int:
    """Bytes that chips take once they are decoded (see `swath.training.pictures.Pictures`).

    Args:
        chips: the images.
        config: says which tower each sensor goes to: rendered pictures have a byte a value, bands two.
        size: side in pixels.

    Raises:
        SensorError: the model takes no images of a chip's sensor.
    """
    known: dict[str, int] = {}
    for chip in chips:
        if chip.sensor.name not in known:
            route = config.route(chip.sensor)
            bands = config.towers[route.tower].bands
            count = len(chip.sensor.bands) if bands == ANY_BANDS else int(bands)
            known[chip.sensor.name] = 3 * size * size if route.input == "rgb" else 2 * count * size * size
    return sum(known[chip.sensor.name] for chip in chips)


def free_memory() -> int | None:
    """Bytes that this process can still take, by what the system and its control group say; None if they do not."""
    found = [value for value in (_of_machine(), _of_group()) if value is not None]
    return min(found, default=None)


def check_memory(need: int, images: int, size: int) -> None:
    """See that decoded images fit into memory, once for every process of this machine.

    Args:
        need: bytes of one process, from `decoded_bytes`.
        images: how many images.
        size: their side in pixels.

    Raises:
        DataError: they do not.
    """
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    free = free_memory()
    if free is None or need * processes <= free:
        return
    each = f" in each of {processes} processes" if processes > 1 else ""
    raise DataError(
        f"{images} training images of {size} pixels a side (data.cache_size) take {_gib(need)} of memory{each}, and "
        f"{_gib(free)} are free: give data.cache=FOLDER to keep them in files, which processes share, or a smaller "
        "data.cache_size"
    )


def _of_machine() -> int | None:
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    value = fields.get("MemAvailable", "").split()
    return int(value[0]) * 1024 if value else None


def _of_group() -> int | None:
    """What is left under the limit of the control group, in which cached files count as free."""
    try:
        limit = (_CONTROL / "memory.max").read_text(encoding="ascii").strip()
        used = int((_CONTROL / "memory.current").read_text(encoding="ascii"))
        stat = dict(line.split() for line in (_CONTROL / "memory.stat").read_text(encoding="ascii").splitlines())
    except (OSError, ValueError):
        return None
    if not limit.isdecimal():
        return None
    return max(0, int(limit) - used + int(stat.get("inactive_file", 0)) + int(stat.get("active_file", 0)))


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
