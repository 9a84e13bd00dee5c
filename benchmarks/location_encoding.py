"""How many places a second the location encoders take, features alone and whole vectors, at their published sizes.

Weights are random: they change no speed. Both are run as `DualEncoder.encode_locations` runs them, in batches.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

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


def rate(encode: Callable[[Tensor], Tensor], lonlat: Tensor, batch: int, rounds: int) -> float:
    """Places a second, the median of the rounds; one batch before them warms up."""
    encode(lonlat[:batch])
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        for first in range(0, len(lonlat), batch):
            encode(lonlat[first : first + batch])
        seconds.append(time.perf_counter() - start)
    return len(lonlat) / statistics.median(seconds)


@torch.inference_mode()
def main() -> None:
    """Measure and write `results/location_encoding.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
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
        {f"{name}_points_per_s": rate(side, lonlat, options.batch, options.rounds) for name, side in sides.items()},
    )


if __name__ == "__main__":
    main()
