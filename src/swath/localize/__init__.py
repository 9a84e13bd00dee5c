"""Where in a scene a text fits: heat maps, peaks, GeoTIFF, GeoJSON and pictures."""

from __future__ import annotations

from swath.localize.engine import By, check_texts, localize
from swath.localize.heatmap import HeatMap
from swath.localize.peaks import Peak, find_peaks
from swath.localize.windows import PUBLISHED_SCALES, place_windows

__all__ = ["PUBLISHED_SCALES", "By", "HeatMap", "Peak", "check_texts", "find_peaks", "localize", "place_windows"]
