"""Local similarity from second moments against the padded einsum that the papers' code computes.

    python benchmarks/local_similarity.py

200 images of 49 patches, 1,000 captions padded to 77 positions, 512 dimensions, float32. All ways are timed in turns,
so that other work on the machine meets all of them; a speed-up is a ratio of medians. The einsum takes the texts 400 at
a time, as the published code does (all at once it would need 3 GB); its cost is linear in texts: each round times 400.

`speedup`: every position counts, as in the published code; arithmetic alone bounds it to about 10 (N M against D / 2
per dimension and pair, plus the making of the moments). `speedup_ragged`: captions of 8 to 19 real words, whose padding
the einsum computes, and second moments leave out. `speedup_fast`: the same captions by the bfloat16 route.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from harness import write_result
from torch import Tensor
from torch.nn import functional as F

from swath.similarity import local_similarity

IMAGES, TEXTS, DIM, PATCHES, WORDS = 200, 1000, 512, 49, 77
BLOCK = 400  # texts that the einsum takes at a time


def by_einsum(images: Tensor, texts: Tensor) -> Tensor:
    """Two norms in a row over the cosines."""
    return torch.einsum("ind,tmd->itnm", images, texts).norm(dim=-1).norm(dim=-1)


def seconds(call) -> float:  # noqa: ANN001
    """Wall-clock time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    """Time, check, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    generator = torch.Generator().manual_seed(0)
    images = F.normalize(torch.randn(IMAGES, PATCHES, DIM, generator=generator), dim=-1)
    texts = F.normalize(torch.randn(TEXTS, WORDS, DIM, generator=generator), dim=-1)
    mask = torch.arange(WORDS) < torch.randint(8, 20, (TEXTS, 1), generator=generator)
    ways = {
        "einsum": lambda: by_einsum(images, texts[:BLOCK]),
        "moments": lambda: local_similarity(images, texts, route="moments"),
        "ragged": lambda: local_similarity(images, texts, text_mask=mask, route="moments"),
        "fast": lambda: local_similarity(images, texts, text_mask=mask, route="fast"),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(options.rounds + 1):
        for name, call in ways.items():
            taken = seconds(call) * (TEXTS / BLOCK if name == "einsum" else 1.0)
            if turn:  # the first turn warms up
                times[name].append(taken)
    medians = {name: statistics.median(own) for name, own in times.items()}
    reference = by_einsum(images[:40].double(), texts[:200].double())
    error = ((local_similarity(images[:40], texts[:200], route="moments") - reference) / reference).abs().max()
    write_result(
        "local_similarity",
        {
            "images": IMAGES,
            "texts": TEXTS,
            "dim": DIM,
            "patches": PATCHES,
            "words": WORDS,
            "dtype": "float32",
            "threads": options.threads,
            "rounds": options.rounds,
            "features": "random unit vectors",
            "error_against": "the einsum in float64, 40 x 200 pairs",
        },
        {
            "speedup": medians["einsum"] / medians["moments"],
            "max_relative_error": float(error),
            "speedup_ragged": medians["einsum"] / medians["ragged"],
            "speedup_fast": medians["einsum"] / medians["fast"],
        }
        | {f"{name}_seconds": value for name, value in medians.items()},
    )


if __name__ == "__main__":
    main()
