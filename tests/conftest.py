"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A loaded machine is slow, not wrong: no property test fails by the clock.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# Tests never reach for a hub: a test that needs a checkpoint writes one in the hub's layout.
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, from $SWATH_DATA or ../shared/data beside the checkout."""
    root = Path(os.environ.get("SWATH_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (root / "README.md").exists():
        pytest.skip(f"real data not found at {root}; set SWATH_DATA to run this test")
    return root
