from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from swath.service.server import share_cores


@pytest.fixture(autouse=True)
def eight_cores() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(8)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("requests", "threads"), [(1, 8), (4, 2), (5, 1), (64, 1)])
def test_requests_share_the_cores_in_threads_of_their_own(requests: int, threads: int) -> None:
    assert share_cores(requests) == threads
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == threads
