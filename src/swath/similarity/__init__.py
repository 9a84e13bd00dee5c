"""Similarity: exact arithmetic on features, no models."""

from swath.similarity.bank import CaptionBank
from swath.similarity.fusion import PUBLISHED, Fusion
from swath.similarity.late_interaction import maxsim
from swath.similarity.local import content_mask, local_similarity, local_similarity_of
from swath.similarity.moments import packed_moment, second_moment
from swath.similarity.pooled import global_similarity, top_k
from swath.similarity.projection import Projection
from swath.similarity.reranking import Reranked, rerank, rerank_with_bank

__all__ = [
    "PUBLISHED",
    "CaptionBank",
    "Fusion",
    "Projection",
    "Reranked",
    "content_mask",
    "global_similarity",
    "local_similarity",
    "local_similarity_of",
    "maxsim",
    "packed_moment",
    "rerank",
    "rerank_with_bank",
    "second_moment",
    "top_k",
]
