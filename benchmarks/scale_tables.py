"""The tables of docs/scale.md: measured cost per million chips, and what follows from it for other sizes."""

from __future__ import annotations

from typing import Any

MILLION = 1e6
PROBES, REFINE, K = 32, 10, 10
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

    row(f"Vectors, {dim} x float32", [amount(size * dim * 4) for size in sizes])
    row(f"Index codes, {dim // 8} bytes and 8 of row id each", [amount(size * (dim // 8 + 8)) for size in sizes])
    row("Thumbnails, tokens, properties and vectors", [amount(size * real) if real else "-" for size in sizes])
    row("Partitions (about the root, a power of two)", [f"{partitions(size):,}" for size in sizes])
    row("Centroids in memory", [amount(partitions(size) * dim * 4) for size in sizes])
    row(
        f"Codes read by a query, {PROBES} partitions", [amount(PROBES * size / partitions(size) * 72) for size in sizes]
    )
    row(f"Full vectors read by a query, {REFINE} x {2 * K + 44}", [f"{REFINE * (2 * K + 44)}"] * len(sizes))
    row("Machines like the measured one that embed it in 30 days", [machines(size, rate) for size in sizes])
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
    return "-" if rate is None else f"{max(1, round(size / rate / 86400 / 30 + 0.5)):,}"


def amount(count: float) -> str:
    """Bytes in a unit that reads well."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def tables(results: Results) -> str:
    """Both tables."""
    return f"Measured:\n\n{measured(results)}\n\nFollowing from it:\n\n{plan(results)}"
