"""Fixtures shared by all tests, and what makes every run of them the same."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# A loaded machine is slow, not wrong: no property test fails by the clock. Examples are the same in every run, so that
# none fails by luck either; `--hypothesis-profile=search` draws others, to look for what those do not meet.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("same", settings.get_profile("search"), derandomize=True)
settings.load_profile("same")

# Tests never reach for a hub: a test that needs a checkpoint writes one in the hub's layout.
os.environ["HF_HUB_OFFLINE"] = "1"

# Nor for a proxy: their servers are on this machine.
for name in ("NO_PROXY", "no_proxy"):
    os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost")))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin every test, and the fixtures made for it, with the same random numbers, whatever ran before."""
    random.seed(7)
    np.random.seed(7)  # libraries draw from it
    if (torch := sys.modules.get("torch")) is not None:
        torch.manual_seed(7)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, from $SWATH_DATA or ../shared/data beside the checkout."""
    root = Path(os.environ.get("SWATH_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (root / "README.md").exists():
        pytest.skip(f"real data not found at {root}; set SWATH_DATA to run this test")
    return root
