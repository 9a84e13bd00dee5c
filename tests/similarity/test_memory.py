from __future__ import annotations

import resource
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
import torch

from swath.similarity import local_similarity, rerank


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def growth_of(work: str) -> float:
    """MiB that the peak of a fresh process grows by, for a test set as large as that of NWPU-Captions."""
    if work == "local":
        images, texts = torch.randn(3150, 49, 512), torch.randn(7662, 15, 512)
        before = peak_mib()
        local_similarity(images, texts, route="fast")
    else:
        scores = torch.randn(15_750, 3150)
        before = peak_mib()
        rerank(scores).apply(scores)
    return peak_mib() - before


@pytest.mark.slow
@pytest.mark.parametrize("work", ["local", "rerank"])
def test_a_large_test_set_needs_less_than_a_gibibyte_more(work):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(growth_of, work).result() < 1024
