"""The compact answerer: questions about images, answered from a dual encoder's own frozen features."""

from __future__ import annotations

from swath.models.answerer.compact import CompactAnswerer, is_dual_encoder, load_answerer, order_of_magnitude
from swath.models.answerer.config import AnswererConfig
from swath.models.answerer.parsing import Asked, parse

__all__ = [
    "AnswererConfig",
    "Asked",
    "CompactAnswerer",
    "is_dual_encoder",
    "load_answerer",
    "order_of_magnitude",
    "parse",
]
