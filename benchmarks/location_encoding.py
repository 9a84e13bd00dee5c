"""How many places a second the location encoders take, features alone and whole vectors, at their published sizes.

Weights are random: they change no speed. Places are checked before, and run in the batches of
`DualEncoder.encode_locations`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from harness import write_result
from torch import Tensor

from swath.lonlat import as_lonlat
from swath.models.location import (
    GeoCLIPEncoder,
    GeoCLIPOptions,
    SatCLIPEncoder,
    SatCLIPOptions,
    equal_earth,
    spherical_harmonics,
)


def places(count: int, seed: int = 0) -> Tensor:
    """(count, 2) places, even on the sphere."""
    rng = np.random.default_rng(seed)
    lon, z = rng.uniform(-180, 180, count), rng.uniform(-1, 1, count)
    return torch.from_numpy(as_lonlat(np.stack([lon, np.degrees(np.arcsin(z))], axis=1)))


def rates(encode: Callable[[Tensor], Tensor], batches: list[Tensor], threads: int, rounds: int) -> tuple[float, float]:
    """Places a second of all threads by the clock, and of one core by its own time; medians of the rounds.

    Each thread takes whole batches. The second number hardly feels what else the machine is doing, the first one does.
    """

    @torch.inference_mode()
    def run(batch: Tensor) -> float:
        start = time.thread_time()
        encode(batch)
        return time.thread_time() - start

    clock, core = [], []
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        list(pool.map(run, batches[:threads]))  # warm up
        for _ in range(rounds):
            start = time.perf_counter()
            core.append(sum(pool.map(run, batches)))
            clock.append(time.perf_counter() - start)
    count = sum(map(len, batches))
    return count / statistics.median(clock), count / statistics.median(core)


def main() -> None:
    """Measure and write `results/location_encoding.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.manual_seed(0)
    sides: dict[str, Callable[[Tensor], Tensor]] = {
        "harmonics_l10": lambda part: spherical_harmonics(part, 10, torch.float32),
        "harmonics_l40": lambda part: spherical_harmonics(part, 40, torch.float32),
        "equal_earth": equal_earth,
        "satclip_l10": SatCLIPEncoder(SatCLIPOptions(legendre_polys=10)).eval(),
        "satclip_l40": SatCLIPEncoder(SatCLIPOptions(legendre_polys=40)).eval(),
        "geoclip": GeoCLIPEncoder(GeoCLIPOptions()).eval(),
    }
    lonlat = places(options.points)
    batches = [lonlat[first : first + options.batch] for first in range(0, len(lonlat), options.batch)]
    metrics: dict[str, float] = {}
    for name, side in sides.items():
        clock, core = rates(side, batches, options.threads, options.rounds)
        metrics |= {f"{name}_points_per_s": clock, f"{name}_points_per_core_s": core}
    write_result(
        "location_encoding",
        {
            "points": options.points,
            "batch": options.batch,
            "rounds": options.rounds,
            "threads": options.threads,
            "satclip": "2 hidden layers of 512, vectors of 256",
            "geoclip": "3 branches of 256 frequencies and 3 hidden layers of 1024, vectors of 512",
            "dtype": "float32 weights and results; positions and recurrence in float64",
        },
        metrics,
    )


if __name__ == "__main__":
    main()
