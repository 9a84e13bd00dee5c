"""Image-text pairs: readers, splits, audit, merging, keywords and masking."""

from __future__ import annotations

from swath.data.dataset import Dataset, Failure
from swath.data.pairs import Pair
from swath.data.read import read_annotations, read_dataset

__all__ = ["Dataset", "Failure", "Pair", "read_annotations", "read_dataset"]
