"""A synthetic world for demonstrations and tests on a machine without data. See `swath.corpus.sandbox.world`."""

from __future__ import annotations

from swath.corpus.sandbox.climates import CLIMATES, REGIONS
from swath.corpus.sandbox.world import SandboxReport, write

__all__ = ["CLIMATES", "REGIONS", "SandboxReport", "write"]
