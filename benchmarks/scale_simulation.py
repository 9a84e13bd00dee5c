"""What an archive of many chips costs: time to add, index and grow, bytes, memory, and searches through its index.

    python benchmarks/scale_simulation.py [--rows 50000] [--dim 512] [--queries 50] [--folder /large/disk]

Synthetic clustered vectors are added, indexed, and searched through the vector index with the vectors left on disk.
Then the archive grows by a quarter, `optimize` adds the new rows to the index without training it anew, and the same
queries are asked of all rows: `recall_incremental` beside `recall` says what growing costs. At last the index is
trained anew (`recall_rebuilt`). Recall is that of the ten best against brute force. Vectors are made block by block, so
that disk and not memory bounds the size. `chip_bytes` is measured on real scenes with thumbnails and tokens, where
there are any.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import data_root, write_result
from numpy.typing import NDArray
from synthetic import BLOCK, Clusters, fill, recall, truth

from swath.archive import Archive, Limits, ingest
from swath.features import Features

K = 10
ON_DISK = Limits(cache_bytes=0, exact_matches=20_000)
BOX = (-60.0, -30.0, 60.0, 30.0)  # a third of longitudes and of latitudes


class LookUp:
    """An encoder that knows the vector of each query, and random ones for the background captions."""

    model_id = "look-up@1"

    def __init__(self, queries: NDArray[np.float32]) -> None:
        self.queries, self.dim = queries, queries.shape[1]
        bank = torch.randn(400, self.dim, generator=torch.Generator().manual_seed(0))
        self._bank = torch.nn.functional.normalize(bank)

    def prepare(self, pixels: Any) -> torch.Tensor:  # noqa: ARG002
        """Not used: nothing is read here."""
        return torch.zeros(1, 1, 1)

    def encode_images(self, batch: torch.Tensor, sensor: str) -> Any:
        """Not used: nothing is read here."""
        return batch, sensor

    def encode_texts(self, texts: Any) -> Features:
        """The vector of query number ``int(text)``."""
        pooled = torch.from_numpy(self.queries[[int(texts[0])]]) if len(texts) == 1 else self._bank[: len(texts)]
        return Features(pooled, pooled[:, None], torch.ones(len(pooled), 1, dtype=torch.bool))


def ask(archive: Archive, count: int, **filters: Any) -> tuple[list[set[int]], list[float]]:
    """Rows found and milliseconds, of each query."""
    archive.search("0", k=K, **filters)  # opens the index
    answers, times = [], []
    for number in range(count):
        started = time.perf_counter()
        hits = archive.search(str(number), k=K, **filters)
        times.append(1000 * (time.perf_counter() - started))
        answers.append({int(Path(hit.href).stem) for hit in hits})
    return answers, times


def timed(work: Any, *arguments: Any, **options: Any) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    work(*arguments, **options)
    return time.perf_counter() - started


def chip_bytes(folder: Path) -> float | None:
    """Bytes that a real chip takes with vector, thumbnail and tokens; None without real scenes."""
    from swath.models import DualEncoder
    from swath.sources import cut, open_source

    try:
        scenes = data_root() / "socal_scenes" / "items.json"
    except SystemExit:
        return None
    model = DualEncoder.from_pretrained("swath-mini")
    archive = Archive.create(folder, model.model_id, model.dim, encoder=model)
    ingest(archive, list(islice(cut(open_source(str(scenes)), 256), 256)), model)
    return (archive.info().size_bytes or 0) / max(1, len(archive))


def simulate(folder: Path, rows: int, dim: int, count: int, rebuild: bool) -> dict[str, float]:
    """Build, grow and search."""
    clusters = Clusters(dim)
    queries = clusters.block(10**6, count)
    archive = Archive.create(folder / "archive", LookUp.model_id, dim, encoder=LookUp(queries))
    keep = timedelta(milliseconds=1)
    metrics = {"add_s_per_million": timed(fill, archive, clusters, rows) / rows * 1e6}
    metrics["index_s_per_million"] = timed(archive.optimize, keep=keep, vector_index=True) / rows * 1e6
    metrics["bytes_per_row"] = (archive.info().size_bytes or 0) / rows
    archive.ensure_background()
    searched = Archive.open(folder / "archive", LookUp(queries), ON_DISK)
    answers, times = ask(searched, count)
    metrics |= {
        "recall": recall(answers, truth(clusters, rows, queries, K)),
        "p50_ms": float(np.median(times)),
        "p95_ms": float(np.percentile(times, 95)),
    }
    answers, times = ask(searched, count, bbox=BOX)
    metrics |= {
        "recall_filtered": recall(answers, truth(clusters, rows, queries, K, BOX)),
        "p50_ms_filtered": float(np.median(times)),
    }
    grown = rows + max(BLOCK, rows // 4 // BLOCK * BLOCK)
    fill(archive, clusters, grown, first=rows)
    spent = timed(archive.optimize, keep=keep, vector_index=True)
    metrics["incremental_s_per_million"] = spent / (grown - rows) * 1e6
    wanted = truth(clusters, grown, queries, K)
    metrics["recall_incremental"] = recall(ask(searched, count)[0], wanted)
    if rebuild:
        metrics["rebuild_s_per_million"] = (
            timed(archive.optimize, keep=keep, vector_index=True, rebuild=True) / grown * 1e6
        )
        metrics["recall_rebuilt"] = recall(ask(searched, count)[0], wanted)
    return metrics


def main() -> None:
    """Read arguments, measure, write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=50_000, help=f"a multiple of {BLOCK}")
    options.add_argument("--dim", type=int, default=512)
    options.add_argument("--queries", type=int, default=50)
    options.add_argument("--no-rebuild", action="store_true")
    options.add_argument("--folder", type=Path, help="where the archive is made (and removed)")
    asked = options.parse_args()
    rows = max(BLOCK, asked.rows // BLOCK * BLOCK)
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        metrics: dict[str, float] = {"rows": rows}
        metrics |= simulate(Path(folder), rows, asked.dim, asked.queries, not asked.no_rebuild)
        status = Path("/proc/self/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        metrics["peak_rss_mib"] = int(peak.split()[1]) / 1024
        real = chip_bytes(Path(folder) / "real")
        if real is not None:
            metrics["chip_bytes"] = real
    settings = {"rows": rows, "dim": asked.dim, "queries": asked.queries, "k": K, "probes": ON_DISK.probes}
    settings |= {"refine": ON_DISK.refine, "box": BOX, "torch_threads": torch.get_num_threads()}
    write_result("scale_simulation", settings, metrics)


if __name__ == "__main__":
    main()
