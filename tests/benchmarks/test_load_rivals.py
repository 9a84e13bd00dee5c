"""What the service is measured beside gets the same rows, and its cheapest setting that finds enough."""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from load_rivals import cheapest, copied
from synthetic import BLOCK, Clusters, Places


def test_rows_are_written_as_binary_copy_reads_them() -> None:
    places, vectors = Places.block(3, 5), Clusters(8).block(3, 5)
    data, at = copied(3, places, vectors), 0

    def read(form: str) -> Any:
        nonlocal at
        (value,) = struct.unpack_from(f">{form}", data, at)
        at += struct.calcsize(f">{form}")
        return value

    for row in range(5):
        assert read("h") == 7
        assert (read("i"), read("i")) == (4, 3 * BLOCK + row)
        centre = [places.lons[row], places.lats[row]]
        for wanted in (*np.subtract(centre, 0.01), *np.add(centre, 0.01), places.days[row]):
            assert read("i") == 8
            assert read("d") == wanted
        assert (read("i"), read("h"), read("h")) == (4 + 4 * 8, 8, 0)
        assert [read("f") for _ in range(8)] == vectors[row].tolist()
    assert at == len(data)


class Growing:
    """Finds more the higher its setting is."""

    settings = (1, 2, 4)

    def client(self, setting: int) -> Any:
        class Client:
            def ask(self, text: str, box: Any, k: int) -> tuple[set[int], float]:
                return set(range(setting)), 0.0

        return Client()


@pytest.mark.parametrize(("least", "setting"), [(0.25, 1), (0.5, 2), (0.75, 4), (2.0, 4)])
def test_the_cheapest_setting_that_finds_enough(least: float, setting: int) -> None:
    def score(answers: list[set[int]]) -> float:
        return float(np.mean([len(answer) / 4 for answer in answers]))

    assert cheapest(Growing(), ["a", "b"], None, 4, score, least) == setting
