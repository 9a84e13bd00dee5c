"""A synthetic world for demonstrations and tests on a machine without data. See `swath.corpus.sandbox.write`."""

from __future__ import annotations

from swath.corpus.sandbox.climates import CLIMATES, REGIONS
from swath.corpus.sandbox.write import SandboxReport, write

__all__ = ["CLIMATES", "REGIONS", "SandboxReport", "write"]
