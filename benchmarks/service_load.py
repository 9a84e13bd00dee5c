"""Latency, throughput and recall of semantic search over HTTP, with 1, 8 and 32 clients, beside a plain FAISS index.

    python benchmarks/service_load.py [--rows 20000] [--requests 200] [--clients 1 8 32] [--faiss] [--folder DIR]

An archive of synthetic chips, whose vectors lie around the embeddings of captions, is served by `swath serve`. Clients
ask for other captions, each over a connection of its own, without a filter and within a box that a ninth of the chips
lie in. Latency is that of a whole request: from its first byte to the last of ten STAC items. Recall is that of the ten
items against brute force over all vectors. `p50_ms`, `p95_ms`, `qps` and `recall` are those of 8 clients without a
filter; others carry the number of clients and ``_filtered``.

With ``--faiss`` the same queries are asked of an IVF index of FAISS in this process, by as many threads: it encodes the
caption and finds row numbers, and does nothing else (no footprints, no properties, no HTTP, no growing). Clients share
the machine with the server.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import write_result
from numpy.typing import NDArray
from synthetic import BLOCK, Clusters, Places, blocks, chips, fill, recall, truth

from swath.archive import Archive
from swath.models import DualEncoder

K = 10
BOX = (-60.0, -28.0, 60.0, 28.0)
KINDS = ("airport", "harbour", "forest", "river", "farmland", "town", "stadium", "beach", "bridge", "quarry", "desert")
LOOKS = ("large", "small", "green", "flooded", "snowy", "dry", "crowded", "empty", "winding", "industrial")
BESIDE = ("a lake", "a railway", "a highway", "the sea", "mountains", "houses", "fields", "a canal", "an island")
Answer = tuple[set[int], float]


def captions() -> tuple[list[str], list[str]]:
    """Captions that vectors lie around, and others to ask for."""
    every = [f"a {look} {kind} beside {side}" for look, kind, side in product(LOOKS, KINDS, BESIDE)]
    order = np.random.default_rng(0).permutation(len(every))
    return [every[at] for at in order[200:]], [every[at] for at in order[:200]]


def pooled(model: DualEncoder, texts: Sequence[str]) -> NDArray[np.float32]:
    """(N, D) embeddings."""
    with torch.inference_mode():
        parts = [model.encode_texts(texts[at : at + 64]).pooled for at in range(0, len(texts), 64)]
    return torch.cat(parts).float().numpy()


def build(folder: Path, rows: int, model: DualEncoder, clusters: Clusters) -> dict[str, float]:
    """Fill and optimise the archive."""
    archive = Archive.create(folder, model.model_id, model.dim, model="swath-mini", encoder=model)
    started = time.perf_counter()
    fill(archive, clusters, rows)
    filled = time.perf_counter()
    archive.optimize(keep=timedelta(milliseconds=1))
    archive.ensure_background()
    return {"add_s": filled - started, "optimize_s": time.perf_counter() - filled}


def serve(archive: Path) -> tuple[subprocess.Popen[str], str]:
    """Start the service; gives its process and address."""
    command = [sys.executable, "-m", "swath", "serve", str(archive), "--port", "0", "--json"]
    environment = os.environ | {"SWATH_RATE_LIMIT": "0", "SWATH_LOG_LEVEL": "error", "SWATH_REQUEST_SECONDS": "600"}
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    if running.stdout is None or not (line := running.stdout.readline()):
        raise SystemExit("swath serve did not start; see its messages above")
    return running, json.loads(line)["url"]


class Client:
    """Asks the service over one connection."""

    def __init__(self, address: str, rows: dict[str, int]) -> None:
        where = urllib.parse.urlsplit(address)
        self._connection = http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port or 80, timeout=600)
        self._rows = rows

    def ask(self, text: str, box: Sequence[float] | None) -> Answer:
        """Rows found, and milliseconds."""
        body = json.dumps({"text": text, "limit": K} | ({"bbox": list(box)} if box else {}))
        started = time.perf_counter()
        self._connection.request("POST", "/semantic-search", body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        data = response.read()
        spent = 1000 * (time.perf_counter() - started)
        if response.status != 200:
            raise SystemExit(f"the service answered {response.status}: {data[:300]!r}")
        return {self._rows[item["id"]] for item in json.loads(data)["features"]}, spent


class Plain:
    """Asks a FAISS index in this process: caption to row numbers."""

    def __init__(self, clusters: Clusters, rows: int, model: DualEncoder) -> None:
        import faiss

        self._faiss, self._model = faiss, model
        lists = 2 ** int(np.log2(np.sqrt(rows)))
        self._index = faiss.IndexIVFFlat(faiss.IndexFlatIP(model.dim), model.dim, lists, faiss.METRIC_INNER_PRODUCT)
        sample = [clusters.block(number, count) for number, count in blocks(min(rows, 40 * lists))]
        self._index.train(np.concatenate(sample))
        inside = []
        for number, count in blocks(rows):
            self._index.add(clusters.block(number, count))
            inside.append(number * BLOCK + np.flatnonzero(Places.block(number, count).within(BOX)))
        self._inside = faiss.IDSelectorBatch(np.concatenate(inside))

    def ask(self, text: str, box: Sequence[float] | None) -> Answer:
        """Rows found, and milliseconds; the box's rows are known beforehand."""
        started = time.perf_counter()
        asked = self._faiss.SearchParametersIVF(nprobe=32, **({"sel": self._inside} if box else {}))
        _, found = self._index.search(pooled(self._model, [text]), K, params=asked)
        return {int(row) for row in found[0] if row >= 0}, 1000 * (time.perf_counter() - started)


def load(
    connect: Callable[[], Any], texts: Sequence[str], clients: int, box: Sequence[float] | None
) -> tuple[list[Answer], float]:
    """Ask all texts with several clients: the answers in their order, and the seconds it took."""
    asking = [connect() for _ in range(clients)]

    def work(number: int) -> list[tuple[int, Answer]]:
        return [(at, asking[number].ask(texts[at], box)) for at in range(number, len(texts), clients)]

    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        parts = [pair for part in pool.map(work, range(clients)) for pair in part]
    return [answer for _, answer in sorted(parts, key=lambda pair: pair[0])], time.perf_counter() - started


def measure(
    connect: Callable[[], Any], texts: Sequence[str], counts: Sequence[int], wanted: dict[str, NDArray[np.int64]]
) -> dict[str, float]:
    """Latency, throughput and recall by number of clients and filter."""
    metrics: dict[str, float] = {}
    for box, suffix in ((None, ""), (BOX, "_filtered")):
        load(connect, texts[:4], 1, box)  # loads what is loaded once
        for clients in counts:
            answers, seconds = load(connect, texts, clients, box)
            times = [spent for _, spent in answers]
            metrics |= {
                f"p50_ms_{clients}{suffix}": float(np.median(times)),
                f"p95_ms_{clients}{suffix}": float(np.percentile(times, 95)),
                f"qps_{clients}{suffix}": len(texts) / seconds,
                f"recall_{clients}{suffix}": recall([rows for rows, _ in answers], wanted[suffix]),
            }
    return metrics


def main() -> None:
    """Build, serve, ask."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=20_000)
    options.add_argument("--requests", type=int, default=200, help="at each number of clients")
    options.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    options.add_argument("--faiss", action="store_true")
    options.add_argument("--folder", type=Path, help="where the archive is made (and removed)")
    asked = options.parse_args()
    model = DualEncoder.from_pretrained("swath-mini", device="cpu")
    around, texts = captions()
    texts = [texts[number % len(texts)] for number in range(asked.requests)]
    clusters, queries = Clusters(model.dim, pooled(model, around), noise=3.0), pooled(model, texts)
    wanted = {suffix: truth(clusters, asked.rows, queries, K, box) for suffix, box in (("", None), ("_filtered", BOX))}
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        metrics = build(Path(folder) / "archive", asked.rows, model, clusters)
        rows = {
            chip.id: number * BLOCK + at
            for number, count in blocks(asked.rows)
            for at, chip in enumerate(chips(number, count))
        }
        running, address = serve(Path(folder) / "archive")
        try:
            metrics |= measure(lambda: Client(address, rows), texts, asked.clients, wanted)
        finally:
            running.terminate()
            running.wait(timeout=60)
    if asked.faiss:
        plain = Plain(clusters, asked.rows, model)
        found = measure(lambda: plain, texts, asked.clients, wanted)
        metrics |= {f"faiss_{name}": value for name, value in found.items()}
    middle = 8 if 8 in asked.clients else asked.clients[0]
    metrics = {name: metrics[f"{name}_{middle}"] for name in ("p50_ms", "p95_ms", "qps", "recall")} | metrics
    settings = {"rows": asked.rows, "dim": model.dim, "requests": asked.requests, "clients": asked.clients, "k": K}
    write_result("service_load", settings | {"model": model.model_id, "box": BOX}, metrics)


if __name__ == "__main__":
    main()
