"""Evaluation: metrics as functions on arrays, how sure they are, and reports."""

from swath.evaluation.intervals import Difference, bootstrap, compare_runs
from swath.evaluation.placement import Placement
from swath.evaluation.relation import Relation, normalise_caption
from swath.evaluation.retrieval import RetrievalResult, ceilings, evaluate

__all__ = [
    "Difference",
    "Placement",
    "Relation",
    "RetrievalResult",
    "bootstrap",
    "ceilings",
    "compare_runs",
    "evaluate",
    "normalise_caption",
]
