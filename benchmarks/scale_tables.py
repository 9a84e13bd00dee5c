"""The tables of docs/scale.md: measured cost per million chips, and what follows from it for other sizes."""

from __future__ import annotations

import math
from typing import Any

MILLION = 1e6
PROBES, REFINE, K = 64, 40, 10
WANTED = max(2 * K, 64)  # hits that a search asks the index for, so that filters and equal scores lose none
CODE = 8  # bytes of a row id beside each code
TRAINING = 256  # vectors a partition that the index is trained on
ID = 32  # bytes of a chip's id
DISK = 2e9  # bytes a second, of one NVMe disk
Results = dict[str, dict[str, Any]]


def measured(results: Results) -> str:
    """What was measured, per million chips; a dash where a benchmark has not been run."""
    rows = [
        ("Embed on this machine, with reading and committing", "index_rate", "index_per_s", per_hour, "h"),
        ("Add rows with vectors at hand", "scale_simulation", "add_s_per_million", lambda value: value / 60, "min"),
        ("Train and fill the vector index", "scale_simulation", "index_s_per_million", lambda value: value / 60, "min"),
        ("Add new rows to the index", "scale_simulation", "incremental_s_per_million", lambda value: value / 60, "min"),
        ("Disk, rows with vectors and all indexes", "scale_simulation", "bytes_per_row", gigabytes, "GB"),
        ("Disk, with thumbnails and tokens", "scale_simulation", "chip_bytes", gigabytes, "GB"),
        ("Search through the index, median", "scale_simulation", "p50_ms", float, "ms"),
        ("Recall@10 of it", "scale_simulation", "recall", float, ""),
        ("Recall@10 after growing by a quarter, not trained anew", "scale_simulation", "recall_incremental", float, ""),
        ("Search over HTTP, 8 clients, median", "service_load", "p50_ms", float, "ms"),
    ]  # fmt: skip
    lines = ["| what | per million chips | benchmark |", "|---|---:|---|"]
    for says, name, metric, convert, unit in rows:
        value = results.get(name, {}).get("metrics", {}).get(metric)
        shown = "-" if value is None else f"{convert(value):.3g} {unit}".strip()
        lines.append(f"| {says} | {shown} | `{name}` |")
    return "\n".join(lines)


def plan(results: Results, sizes: tuple[float, ...] = (1e6, 1e8, 1e9), dim: int = 512) -> str:
    """Arithmetic for several sizes: storage, memory, index, work."""
    rate = results.get("index_rate", {}).get("metrics", {}).get("index_per_s")
    real = results.get("scale_simulation", {}).get("metrics", {}).get("chip_bytes")
    lines = ["| | " + " | ".join(f"{size:.0e} chips" for size in sizes) + " |", "|---|" + "---:|" * len(sizes)]

    def row(says: str, values: list[str]) -> None:
        lines.append(f"| {says} | {' | '.join(values)} |")

    code = dim // 8 + CODE
    scored = [PROBES * size / partitions(size) for size in sizes]
    full = REFINE * WANTED
    row(f"Vectors, {dim} x float32", [amount(size * dim * 4) for size in sizes])
    row(f"Index codes, {dim // 8} bytes and {CODE} of row id each", [amount(size * code) for size in sizes])
    row(
        "Whole rows with thumbnails and tokens, at the size measured",
        [amount(size * real) if real else "-" for size in sizes],
    )
    row("Partitions (about the root, a power of two)", [f"{partitions(size):,}" for size in sizes])
    row("Memory: centroids", [amount(partitions(size) * dim * 4) for size in sizes])
    row(
        f"Memory: training, {TRAINING} vectors a partition",
        [amount(partitions(size) * TRAINING * dim * 4) for size in sizes],
    )
    row(
        "Memory: ids, while one process indexes (Ray's workers ask for a fragment's alone)",
        [amount(size * ID) for size in sizes],
    )
    row(f"A query scores, {PROBES} partitions", [f"{count:,.0f} codes" for count in scored])
    row("and reads of them, unless cached", [amount(count * code) for count in scored])
    row(f"and full vectors, {REFINE} x {WANTED}", [f"{full}, {amount(full * dim * 4)}" for _ in sizes])
    rates = [DISK / (count * code + full * dim * 4) for count in scored]
    row("Queries a second of a disk with 2 GB/s, nothing cached", [f"{each:,.0f}" for each in rates])
    row("Hours to embed, one machine like the measured one", [hours(size, rate) for size in sizes])
    row("Machines like it that embed it in 30 days", [machines(size, rate) for size in sizes])
    return "\n".join(lines)


def per_hour(rate: float) -> float:
    """Hours for a million at so many a second."""
    return MILLION / rate / 3600


def gigabytes(each: float) -> float:
    """GB of a million."""
    return each * MILLION / 1e9


def partitions(rows: float) -> int:
    """As `swath.archive.maintenance` chooses."""
    return int(2 ** int(0.5 * (int(rows).bit_length() - 1)))


def machines(size: float, rate: float | None) -> str:
    """Machines that embed so many chips in 30 days."""
    return "-" if rate is None else f"{math.ceil(size / rate / 86400 / 30):,}"


def hours(size: float, rate: float | None) -> str:
    """Hours of one machine for so many chips."""
    return "-" if rate is None else f"{size / rate / 3600:,.0f}"


def amount(count: float) -> str:
    """Bytes in a unit that reads well."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def tables(results: Results) -> str:
    """Both tables, and the size at which the first was measured."""
    settings = results.get("scale_simulation", {}).get("settings", {})
    at = f" (`scale_simulation`: {settings['rows']:,} rows of {settings['dim']} numbers)" if settings else ""
    return f"Measured{at}:\n\n{measured(results)}\n\nFollowing from it:\n\n{plan(results)}"
