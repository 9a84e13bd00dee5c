"""Local similarity from second moments against the padded einsum that the papers' code computes.

    python benchmarks/local_similarity.py

Both are timed in turns, so that other work on the machine meets both; the speed-up is the ratio of medians. The einsum
goes over blocks of 50 images x 100 texts (3 GB would be needed at once) and, since its cost is linear in images, over a
fifth of the images a round.
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
SHARE = 5  # the einsum takes every fifth image a round


def by_einsum(images: Tensor, texts: Tensor) -> Tensor:
    """Two norms in a row over the cosines, in blocks."""
    found = images.new_empty(len(images), len(texts))
    for i in range(0, len(images), 50):
        for t in range(0, len(texts), 100):
            cosines = torch.einsum("ind,tmd->itnm", images[i : i + 50], texts[t : t + 100])
            found[i : i + 50, t : t + 100] = cosines.norm(dim=-1).norm(dim=-1)
    return found


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
    local_similarity(images, texts)
    by_einsum(images[:5], texts[:100])
    moments, gram, einsum = [], [], []
    for turn in range(options.rounds):
        moments.append(seconds(lambda: local_similarity(images, texts, route="moments")))
        part = images[turn % SHARE :: SHARE]
        einsum.append(seconds(lambda part=part: by_einsum(part, texts)) * IMAGES / len(part))
        gram.append(seconds(lambda part=part: local_similarity(part, texts, route="gram")) * IMAGES / len(part))
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
            "features": "random unit vectors, no mask",
            "error_against": "the einsum in float64, 40 x 200 pairs",
        },
        {
            "speedup": statistics.median(einsum) / statistics.median(moments),
            "max_relative_error": float(error),
            "moments_seconds": statistics.median(moments),
            "einsum_seconds": statistics.median(einsum),
            "gram_seconds": statistics.median(gram),
        },
    )


if __name__ == "__main__":
    main()
