"""A tiny world that all tests of the sandbox share; scenes of 1.3 or 2.6 km on a side."""

from __future__ import annotations

from pathlib import Path

import pytest

from swath.corpus import sandbox
from swath.corpus.sandbox import days
from swath.corpus.sandbox.climates import REGIONS


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two regions (one across the antimeridian), two dates, 128 pixels, chips of 64."""
    root = tmp_path_factory.mktemp("sandbox") / "world"
    sandbox.write(root, seed=3, regions=["boreal-lakes", "tropical-island"], dates=2, size=128, window=64)
    return root


@pytest.fixture(scope="package")
def seen() -> dict[str, list[days.Day]]:
    """Days before and after the event of one scene of each climate, 256 pixels."""
    found = {}
    for region in list(REGIONS.values())[:7]:
        place = days.settle(11, region, 0, 256)
        found[region.name] = [days.see(place, visit) for visit in days.schedule(11, region, 0, 2)]
    return found
