"""Label systems of land-cover maps and crisis data sets, harmonised into one vocabulary by tables."""

from __future__ import annotations

from swath.data.labels.systems import NODATA, LabelSystem, Vocabulary, read_system, system_names, vocabulary

__all__ = ["NODATA", "LabelSystem", "Vocabulary", "read_system", "system_names", "vocabulary"]
