"""A corpus with short and long captions of every image: `write_long_captions`."""

from __future__ import annotations

from swath.corpus.long.build import LongReport, write_long_captions
from swath.corpus.long.summary import summarise

__all__ = ["LongReport", "summarise", "write_long_captions"]
