"""Where scenes come from, and how they are cut into chips."""

from __future__ import annotations

from swath.sources.base import Failure, Source
from swath.sources.cutting import cut, cut_scene
from swath.sources.opening import open_source

__all__ = ["Failure", "Source", "cut", "cut_scene", "open_source"]
