"""Latency, throughput and recall of semantic search over HTTP, with 1, 8 and 32 clients, beside FAISS and pgvector.

    python benchmarks/service_load.py [--rows 20000] [--requests 200] [--clients 1 8 32] [--faiss] [--pgvector hnsw]
                                      [--folder DIR] [--only-build]

An archive of synthetic chips, whose vectors lie around the embeddings of captions, is served by `swath serve`. Clients
ask for other captions, each over a connection of its own, without a filter and within a box that a ninth of the chips
lie in. Latency is that of a whole request: from its first byte to the last of ten STAC items. Recall is that of the ten
items against brute force over all vectors. `p50_ms`, `p95_ms`, `qps` and `recall` are those of 8 clients without a
filter; others carry the number of clients and ``_filtered``.

With ``--faiss`` and ``--pgvector`` the same queries are asked by as many threads of an index in memory and of a
PostgreSQL of its own (`load_rivals`): each at the cheapest of its settings that reaches the recall of `LEAST`, without
and with the filter. ``speedup_`` is the ratio of searches a second with 8 clients, HTTP and STAC items included on our
side alone. Clients share the machine with what they ask.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import write_result
from load_rivals import Answer, Faiss, Postgres, cheapest
from numpy.typing import NDArray
from synthetic import Box, Clusters, fill, recall, truth

from swath.archive import Archive
from swath.models import DualEncoder

K = 10
LEAST = 0.98
BOX = (-60.0, -28.0, 60.0, 28.0)
KINDS = ("airport", "harbour", "forest", "river", "farmland", "town", "stadium", "beach", "bridge", "quarry", "desert")
LOOKS = ("large", "small", "green", "flooded", "snowy", "dry", "crowded", "empty", "winding", "industrial")
BESIDE = ("a lake", "a railway", "a highway", "the sea", "mountains", "houses", "fields", "a canal", "an island")


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
    """Fill and optimise the archive, unless that has been done."""
    if folder.exists():
        archive = Archive.open(folder)
        archive.check_model(model.model_id)
        if len(archive) != rows:
            raise SystemExit(f"the archive in that folder has {len(archive)} chips, not {rows}; choose another folder")
        return {}
    archive = Archive.create(folder, model.model_id, model.dim, model="swath-mini", encoder=model)
    started = time.perf_counter()
    fill(archive, clusters, rows)
    filled = time.perf_counter()
    archive.optimize(keep=timedelta(milliseconds=1))
    archive.ensure_background()
    done = time.perf_counter()
    size = (archive.info().size_bytes or 0) / 2**20
    return {"add_s": filled - started, "optimize_s": done - filled, "disk_mib": size}


def remembered(folder: Path, name: str, found: dict[str, float]) -> dict[str, float]:
    """What building took, when it was done: now, or in an earlier run with the same folder."""
    file = folder / f"{name}.json"
    if found:
        file.write_text(json.dumps(found))
    return dict(json.loads(file.read_text()))


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

    def ask(self, text: str, box: Box | None, k: int) -> Answer:
        """Rows found, and milliseconds."""
        body = json.dumps({"text": text, "limit": k} | ({"bbox": list(box)} if box else {}))
        started = time.perf_counter()
        self._connection.request("POST", "/semantic-search", body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        data = response.read()
        spent = 1000 * (time.perf_counter() - started)
        if response.status != 200:
            raise SystemExit(f"the service answered {response.status}: {data[:300]!r}")
        return {self._rows[item["id"]] for item in json.loads(data)["features"]}, spent


def load(connect: Callable[[], Any], texts: Sequence[str], clients: int, box: Box | None) -> tuple[list[Answer], float]:
    """Ask all texts with several clients: the answers in their order, and the seconds it took."""
    asking = [connect() for _ in range(clients)]

    def work(number: int) -> list[tuple[int, Answer]]:
        return [(at, asking[number].ask(texts[at], box, K)) for at in range(number, len(texts), clients)]

    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        parts = [pair for part in pool.map(work, range(clients)) for pair in part]
    return [answer for _, answer in sorted(parts, key=lambda pair: pair[0])], time.perf_counter() - started


def measure(
    connect: Callable[[str], Callable[[], Any]],
    texts: Sequence[str],
    counts: Sequence[int],
    wanted: dict[str, NDArray[np.int64]],
) -> dict[str, float]:
    """Latency, throughput and recall by number of clients and filter; `connect` gives what connects, by filter."""
    metrics: dict[str, float] = {}
    for box, suffix in ((None, ""), (BOX, "_filtered")):
        load(connect(suffix), texts[:4], 1, box)  # loads what is loaded once
        for clients in counts:
            answers, seconds = load(connect(suffix), texts, clients, box)
            times = [spent for _, spent in answers]
            metrics |= {
                f"p50_ms_{clients}{suffix}": float(np.median(times)),
                f"p95_ms_{clients}{suffix}": float(np.percentile(times, 95)),
                f"qps_{clients}{suffix}": len(texts) / seconds,
                f"recall_{clients}{suffix}": recall([rows for rows, _ in answers], wanted[suffix]),
            }
    return metrics


def measure_rival(
    rival: Faiss | Postgres, texts: Sequence[str], counts: Sequence[int], wanted: dict[str, NDArray[np.int64]]
) -> tuple[dict[str, float], dict[str, int]]:
    """The same of another, at its cheapest settings that find enough; and those settings."""
    chosen = {
        suffix: cheapest(rival, texts, box, K, lambda found, suffix=suffix: recall(found, wanted[suffix]), LEAST)
        for box, suffix in ((None, ""), (BOX, "_filtered"))
    }
    metrics = measure(lambda suffix: lambda: rival.client(chosen[suffix]), texts, counts, wanted)
    return rival.built | metrics, {"setting": chosen[""], "setting_filtered": chosen["_filtered"]}


def measure_service(
    archive: Path, texts: Sequence[str], counts: Sequence[int], wanted: dict[str, NDArray[np.int64]]
) -> dict[str, float]:
    """Serve the archive and ask it."""
    named = Archive.open(archive).snapshot().table.search().select(["id", "scene_id"]).limit(None).to_arrow()
    numbers = dict(zip(named["id"].to_pylist(), map(int, named["scene_id"].to_pylist()), strict=True))
    running, address = serve(archive)
    try:
        return measure(lambda _: lambda: Client(address, numbers), texts, counts, wanted)
    finally:
        running.terminate()
        running.wait(timeout=60)


@contextlib.contextmanager
def place(folder: Path | None) -> Iterator[Path]:
    """A folder that stays, for further runs, or one for this run only."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        yield Path(made)


def arguments() -> argparse.Namespace:
    """What was asked for."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=20_000)
    options.add_argument("--requests", type=int, default=200, help="at each number of clients")
    options.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    options.add_argument("--faiss", action="store_true")
    options.add_argument("--pgvector", choices=("hnsw", "ivfflat"), help="the kind of its index")
    options.add_argument("--folder", type=Path, help="where archive and database are made, kept, and found again")
    options.add_argument("--only-build", action="store_true", help="make archive and database in that folder")
    options.add_argument("--shared", action="store_true", help="note that the machine had other work meanwhile")
    return options.parse_args()


def main() -> None:
    """Build, serve, ask."""
    asked = arguments()
    torch.set_num_threads(1)  # clients are threads of this process
    model = DualEncoder.from_pretrained("swath-mini", device="cpu")
    around, others = captions()
    texts = [others[number % len(others)] for number in range(asked.requests)]
    clusters = Clusters(model.dim, pooled(model, around), noise=3.0)

    def encode(text: str) -> NDArray[np.float32]:
        return pooled(model, [text])

    with place(asked.folder) as folder, contextlib.ExitStack() as stack:
        metrics = remembered(folder, "built", build(folder / "archive", asked.rows, model, clusters))
        server = None
        if asked.pgvector:
            server = stack.enter_context(Postgres(folder / "pgvector", clusters, asked.rows, asked.pgvector, encode))
            server.built = remembered(folder, f"pgvector_{asked.pgvector}", server.built)
        if asked.only_build:
            return
        queries = pooled(model, texts)
        wanted = {name: truth(clusters, asked.rows, queries, K, box) for name, box in (("", None), ("_filtered", BOX))}
        metrics |= measure_service(folder / "archive", texts, asked.clients, wanted)
        settings: dict[str, Any] = {}
        if asked.faiss:
            found, settings["faiss"] = measure_rival(
                Faiss(clusters, asked.rows, BOX, encode), texts, asked.clients, wanted
            )
            metrics |= {f"faiss_{name}": value for name, value in found.items()}
        if server is not None:
            found, settings["pgvector"] = measure_rival(server, texts, asked.clients, wanted)
            metrics |= {f"pgvector_{name}": value for name, value in found.items()}
    middle = 8 if 8 in asked.clients else asked.clients[0]
    metrics = {name: metrics[f"{name}_{middle}"] for name in ("p50_ms", "p95_ms", "qps", "recall")} | metrics
    for rival in settings:
        for suffix in ("", "_filtered"):
            theirs = metrics[f"{rival}_qps_{middle}{suffix}"]
            metrics[f"speedup_{rival}{suffix}"] = metrics[f"qps_{middle}{suffix}"] / theirs
    settings |= {"rows": asked.rows, "dim": model.dim, "requests": asked.requests, "clients": asked.clients, "k": K}
    settings |= {"model": model.model_id, "box": BOX, "least_recall": LEAST, "machine_shared": asked.shared}
    command = f"python benchmarks/service_load.py --rows {asked.rows} --requests {asked.requests}"
    command += " --faiss" * asked.faiss + (f" --pgvector {asked.pgvector}" if asked.pgvector else "")
    write_result("service_load", settings, metrics, command=command)


if __name__ == "__main__":
    main()
