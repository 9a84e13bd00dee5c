"""Whether an archive that several processes index on Ray, one of them killed midway, is that of a single process.

    python benchmarks/ray_index.py [--scenes 24] [--side 512] [--workers 2] [--no-kill] [--address HOST:PORT]

Generated scenes are indexed twice with the packaged model: by the local engine, and by the Ray engine, one of whose
workers is killed as soon as rows are committed. `equal` is 1 if both archives hold the same chips, once each, with the
same footprints and properties, and vectors that differ by no more than `max_abs_error` (batches are composed
differently, which rounds differently). `speedup` is the ratio of chips a second, with Ray's start and the models'
loading on the side of Ray: it grows with the work.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import rasterio
from harness import write_result
from rasterio.transform import from_origin

from swath.archive import Archive, ingest
from swath.archive.distributed import RayOptions, ingest_on_ray
from swath.models import DualEncoder
from swath.sources import cut, cut_scene, open_source

CHIP = 64
COMPARED = ["id", "scene_id", "sensor", "href", "window", "geometry", "properties", "model_id"]


def write_scenes(folder: Path, count: int, side: int) -> None:
    """RGB scenes of coloured fields, one beside the other."""
    folder.mkdir()
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 3, "dtype": "uint8", "crs": "EPSG:4326"}
    for number in range(count):
        fields = np.random.default_rng(number).integers(0, 255, (3, 16, 16), dtype=np.uint8)
        place = from_origin(number * 0.2, 0.1, 0.1 / side, 0.1 / side)
        with rasterio.open(folder / f"scene{number:03d}.tif", "w", **profile, transform=place) as out:
            out.write(np.kron(fields, np.ones((1, side // 16, side // 16), np.uint8)))


def load(pids: Path) -> DualEncoder:
    """The model, in a worker that leaves the number of its process."""
    (pids / str(os.getpid())).touch()
    return DualEncoder.from_pretrained("swath-mini", device="cpu")


def kill_one(pids: Path, archive: str, killed: list[int]) -> None:
    """Kill a worker once something is committed."""
    watched = Archive.open(archive)
    while not len(watched):
        time.sleep(0.05)
    killed.append(int(min(path.name for path in pids.iterdir())))
    os.kill(killed[0], signal.SIGKILL)


def compare(one: Archive, other: Archive) -> tuple[bool, float]:
    """Whether all columns but the vectors are equal, and by how much vectors differ at most."""
    tables = [
        archive.snapshot().table.search().select([*COMPARED, "vector"]).limit(None).to_arrow().sort_by("id")
        for archive in (one, other)
    ]
    same = tables[0].select(COMPARED).to_pylist() == tables[1].select(COMPARED).to_pylist()
    if len(tables[0]) != len(tables[1]):
        return False, float("inf")
    first, second = (np.stack(table["vector"].to_numpy()) for table in tables)
    return same, float(np.abs(first - second).max(initial=0.0))


def main() -> None:
    """Index twice and compare."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scenes", type=int, default=24)
    options.add_argument("--side", type=int, default=512)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--fragment", type=int, default=64)
    options.add_argument("--no-kill", action="store_true")
    options.add_argument("--address")
    asked = options.parse_args()
    model = DualEncoder.from_pretrained("swath-mini", device="cpu")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_scenes(folder / "scenes", asked.scenes, asked.side)
        (folder / "pids").mkdir()
        archives = [Archive.create(folder / kind, model.model_id, model.dim, encoder=model) for kind in ("one", "ray")]
        source = open_source(str(folder / "scenes"))
        single = ingest(archives[0], cut(source, CHIP), model)
        killed: list[int] = []
        if not asked.no_kill:
            arguments = (folder / "pids", archives[1].uri, killed)
            threading.Thread(target=kill_one, args=arguments, daemon=True).start()
        started = time.perf_counter()
        spread = ingest_on_ray(
            archives[1],
            source.scenes(),
            partial(load, folder / "pids"),
            partial(cut_scene, size=CHIP, stride=CHIP),
            spread=RayOptions(asked.address, asked.workers, asked.fragment, gpus=False),
        )
        seconds = time.perf_counter() - started
        same, error = compare(*archives)
        failures = len(spread.failures)
        rows = len(archives[1])
    metrics = {
        "equal": int(same and error < 1e-3 and not failures and (asked.no_kill or len(killed) == 1)),
        "max_abs_error": error,
        "rows": rows,
        "killed": len(killed),
        "single_per_s": single.added / single.seconds,
        "ray_per_s": rows / seconds,
        "speedup": rows / seconds * single.seconds / max(1, single.added),
    }
    settings = {"scenes": asked.scenes, "side": asked.side, "chip": CHIP, "workers": asked.workers}
    write_result("ray_index", settings | {"fragment": asked.fragment, "model": model.model_id}, metrics)


if __name__ == "__main__":
    main()
