"""Recall and latency of searches in an archive of 200,000 chips, without and with filters of three selectivities.

Vectors are clustered as embeddings are: 2,000 clusters under 40 super-clusters, noise mostly in a subspace of 64 of 512
dimensions. Queries are held out. Recall@10 is measured against brute force under the same filter. Two ways are
measured, each in a process of its own: through the vector index with vectors left on disk (the metrics without prefix),
and exactly with vectors in memory (``exact_``), which is what an archive of this size uses by default.

Latency is that of a whole `Archive.search`, from the query's text (its embedding is looked up) to ten hits with their
footprints, properties and confidences.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import write_result
from numpy.typing import NDArray
from torch import Tensor

ROWS, DIM, QUERIES, K = 200_000, 512, 100, 10
START = datetime(2015, 1, 1, tzinfo=UTC)
DAYS = 3650
SHARES = {"50pct": 0.5, "1pct": 0.01, "001pct": 0.0001}


@dataclass(frozen=True)
class World:
    """Vectors with a place and a day each."""

    vectors: NDArray[np.float32]
    lons: NDArray[np.float64]
    lats: NDArray[np.float64]
    days: NDArray[np.float64]


def clustered(rows: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(rows, DIM) unit vectors in clusters."""
    supers = rng.standard_normal((40, DIM))
    centres = supers[rng.integers(0, 40, 2000)] + 0.7 * rng.standard_normal((2000, DIM))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    basis = np.linalg.qr(rng.standard_normal((DIM, 64)))[0]
    out = np.empty((rows, DIM), np.float32)
    for at in range(0, rows, 20_000):
        part = min(20_000, rows - at)
        noise = 0.08 * rng.standard_normal((part, 64)) @ basis.T + 0.01 * rng.standard_normal((part, DIM))
        out[at : at + part] = centres[rng.integers(0, 2000, part)] + noise
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def make_world() -> tuple[World, NDArray[np.float32]]:
    """The archive's content and the queries."""
    rng = np.random.default_rng(0)
    vectors = clustered(ROWS + QUERIES, rng)
    order = rng.permutation(ROWS + QUERIES)
    world = World(
        vectors[order[:ROWS]], rng.uniform(-180, 180, ROWS), rng.uniform(-85, 85, ROWS), rng.uniform(0, DAYS, ROWS)
    )
    return world, vectors[order[ROWS:]]


class LookUp:
    """An encoder that knows the vector of each query; the background captions get random ones."""

    model_id, dim = "look-up@1", DIM

    def __init__(self, queries: NDArray[np.float32]) -> None:
        self.queries = queries
        self._bank = torch.nn.functional.normalize(torch.randn(400, DIM, generator=torch.Generator().manual_seed(0)))

    def prepare(self, pixels: Any) -> Tensor:  # noqa: ARG002
        """Not used: nothing is read here."""
        return torch.zeros(1, 1, 1)

    def encode_images(self, batch: Tensor, sensor: str) -> Any:
        """Not used: nothing is read here."""
        return batch, sensor

    def encode_texts(self, texts: Sequence[str]) -> Any:
        """The vector of query number ``int(text)``."""
        from swath.features import Features

        pooled = torch.from_numpy(self.queries[[int(texts[0])]]) if len(texts) == 1 else self._bank[: len(texts)]
        return Features(pooled, pooled[:, None], torch.ones(len(pooled), 1, dtype=torch.bool))


def build(uri: Path, world: World, encoder: LookUp) -> dict[str, float]:
    """Fill and optimise an archive."""
    import shapely

    from swath.archive import Archive
    from swath.chips import Chip, Footprint, SceneRef, Window

    archive = Archive.create(uri, encoder.model_id, DIM, encoder=encoder)
    started = time.perf_counter()
    boxes = shapely.box(world.lons - 0.01, world.lats - 0.01, world.lons + 0.01, world.lats + 0.01)
    for at in range(0, ROWS, 20_000):
        chips = [
            Chip(
                SceneRef(str(n), f"/scenes/{n}.tif", "rgb", (), None, START + timedelta(days=float(world.days[n]))),
                Window(0, 0, 256, 256),
                Footprint(boxes[n], "EPSG:4326"),
            )
            for n in range(at, at + 20_000)
        ]
        archive.add(chips, world.vectors[at : at + 20_000])
    filled = time.perf_counter()
    archive.optimize(keep=timedelta(milliseconds=1))
    archive.ensure_background()
    done = time.perf_counter()
    size = archive.info().size_bytes or 0
    return {"add_s": filled - started, "optimize_s": done - filled, "disk_mib": size / 2**20}


def filters_of(share: float, rng: np.random.Generator) -> tuple[tuple[float, ...], tuple[float, float]]:
    """A box and a span of days that about `share` of all rows pass."""
    side = share ** (1 / 3)  # the same share of longitudes, latitudes and days
    width, height, length = 360 * side, 170 * side, DAYS * side
    west, south = rng.uniform(-180, 180 - width), rng.uniform(-85, 85 - height)
    first = rng.uniform(0, DAYS - length)
    return (west, south, west + width, south + height), (first, first + length)


def passing(world: World, box: tuple[float, ...], days: tuple[float, float]) -> NDArray[np.bool_]:
    """Which rows pass, by brute force (a chip reaches 0.01 degrees from its centre)."""
    west, south, east, north = box
    return (
        (world.lons + 0.01 >= west)
        & (world.lons - 0.01 <= east)
        & (world.lats + 0.01 >= south)
        & (world.lats - 0.01 <= north)
        & (world.days >= days[0])
        & (world.days <= days[1])
    )


def measure(uri: Path, queries: NDArray[np.float32], asked: list[dict[str, Any]], limits: dict[str, int]) -> Any:
    """Answer all queries: (hrefs, milliseconds) of each, and the peak memory of this process in MiB."""
    from swath.archive import Archive, Limits

    archive = Archive.open(uri, LookUp(queries), Limits(**limits))
    for parts in asked[:3]:  # loads vectors or opens the index
        archive.search(k=K, **parts)
    answers = []
    for parts in asked:
        started = time.perf_counter()
        hits = archive.search(k=K, **parts)
        answers.append(([hit.href for hit in hits], 1000 * (time.perf_counter() - started)))
    return answers, peak_mib()


def peak_mib() -> float:
    """Peak memory of this process alone (``ru_maxrss`` would count what its parent held when it was started)."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def main() -> None:
    """Build, ask, compare."""
    world, queries = make_world()
    rng = np.random.default_rng(1)
    asked: list[dict[str, Any]] = []
    wanted: list[list[int]] = []
    groups: list[str] = []
    truth = queries @ world.vectors.T
    for name, share in {"unfiltered": 1.0, **SHARES}.items():
        for number in range(QUERIES):
            parts: dict[str, Any] = {"text": str(number)}
            scores = truth[number]
            if share < 1:
                box, days = filters_of(share, rng)
                span = tuple(START + timedelta(days=day) for day in days)
                parts |= {"bbox": box, "datetime": span}
                scores = np.where(passing(world, box, days), scores, -np.inf)
            best = np.argsort(-scores)[:K]
            asked.append(parts)
            wanted.append([int(n) for n in best if np.isfinite(scores[n])])
            groups.append(name)
    del truth
    metrics: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        uri = Path(folder) / "archive"
        metrics |= build(uri, world, LookUp(queries))
        del world
        modes = {"": {"cache_bytes": 0}, "exact_": {}}
        with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            for prefix, limits in modes.items():
                answers, peak = pool.apply(measure, (uri, queries, asked, limits))
                metrics |= summary(prefix, answers, wanted, groups)
                metrics[f"{prefix}peak_rss_mib"] = peak
    metrics["exact_p50_ms"] = metrics["exact_p50_ms_unfiltered"]
    settings = {"rows": ROWS, "dim": DIM, "queries": QUERIES, "k": K, "filters": "bbox and datetime", "shares": SHARES}
    write_result("search_recall", settings, metrics)


def summary(
    prefix: str, answers: list[tuple[list[str], float]], wanted: list[list[int]], groups: list[str]
) -> dict[str, float]:
    """Recall and latency over all queries of each group; a query with fewer than k matches must find them all."""
    recalls: dict[str, list[float]] = {}
    times: dict[str, list[float]] = {}
    for (hrefs, milliseconds), best, group in zip(answers, wanted, groups, strict=True):
        found = {int(Path(href).stem) for href in hrefs}
        recalls.setdefault(group, []).append(len(found & set(best)) / len(best) if best else float(not found))
        times.setdefault(group, []).append(milliseconds)
    filtered = [value for group in SHARES for value in times[group]]
    out = {
        f"{prefix}recall_filtered_min": min(float(np.mean(recalls[group])) for group in SHARES),
        f"{prefix}p50_ms_filtered": float(np.median(filtered)),
        f"{prefix}p95_ms_filtered": float(np.percentile(filtered, 95)),
    }
    for group, values in recalls.items():
        out[f"{prefix}recall_{group}"] = float(np.mean(values))
        out[f"{prefix}p50_ms_{group}"] = float(np.median(times[group]))
    return out


if __name__ == "__main__":
    main()
