"""Images of one place by several sensors, cut alike and split by place: `write_pairs`."""

from __future__ import annotations

from swath.corpus.paired.build import Options, PairedChip, PairsReport, paired_chips, write_pairs
from swath.corpus.paired.matching import SceneGroup, co_located, matching_window
from swath.corpus.paired.separation import too_near

__all__ = [
    "Options",
    "PairedChip",
    "PairsReport",
    "SceneGroup",
    "co_located",
    "matching_window",
    "paired_chips",
    "too_near",
    "write_pairs",
]
