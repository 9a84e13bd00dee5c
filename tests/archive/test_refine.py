from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.nn import functional as F

from archive.fakes import DIM, FakeEncoder, grid, unit, units
from swath.archive import Archive
from swath.archive.background import captions
from swath.archive.tokens import pack, unpack
from swath.errors import QueryError
from swath.features import Features
from swath.similarity import Fusion

COUNT = 60
CHIPS, VECTORS = grid(COUNT), units(COUNT)
# Chips with different numbers of tokens, as those of several sensors have.
TOKENS = [units(2 + number % 5, seed=number) for number in range(COUNT)]
CALIBRATED = Fusion(0.4, 0.6, 0.1, 0.3, 0.2, 0.05, normalise=True, ends=False)


class WordEncoder(FakeEncoder):
    """A text is a start, its words and an end; all of them have vectors of their own."""

    def __init__(self, fusion: Fusion | None = CALIBRATED) -> None:
        super().__init__()
        self.fusion = None if fusion is None else fusion.to_dict()

    def encode_texts(self, texts: list[str]) -> Features:
        self.encoded_texts += len(texts)
        rows = [torch.from_numpy(np.stack([unit(word) for word in ("<s>", *text.split(), "</s>")])) for text in texts]
        longest = max(len(row) for row in rows)
        mask = torch.tensor([[at < len(row) for at in range(longest)] for row in rows])
        tokens = torch.stack([F.pad(row, (0, 0, 0, longest - len(row))) for row in rows])
        return Features(torch.from_numpy(np.stack([unit(text) for text in texts])), tokens, mask)


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("refine") / "archive"
    archive = Archive.create(path, "fake@1", DIM, encoder=WordEncoder())
    archive.add(CHIPS, VECTORS, tokens=[pack(tokens) for tokens in TOKENS])
    return path


@pytest.fixture
def archive(uri: Path) -> Archive:
    return Archive.open(uri, WordEncoder())


def by_einsum(text: str, fusion: Fusion, pooled: NDArray[np.float32] | None = None) -> NDArray[np.float64]:
    """(COUNT,) fused scores, a chip at a time, in double precision."""
    scores = []
    for vector, packed in zip(VECTORS.astype(np.float64), map(pack, TOKENS), strict=True):
        patches = unpack(packed).astype(np.float64)
        words = np.stack([unit(word) for word in text.split()]).astype(np.float64)
        if fusion.ends:
            words = np.vstack([unit("<s>"), words, unit("</s>")])
        local = np.sqrt((np.einsum("nd,md->nm", patches, words) ** 2).sum())
        local /= np.sqrt(len(patches) * len(words)) if fusion.normalise else 1.0
        found = vector @ (unit(text) if pooled is None else pooled)
        scores.append(
            fusion.alpha * (found - fusion.global_mean) / fusion.global_std
            + fusion.beta * (local - fusion.local_mean) / fusion.local_std
        )
    return np.array(scores)


FILTERS: dict[str, tuple[dict[str, Any], NDArray[np.bool_]]] = {
    "none": ({}, np.ones(COUNT, bool)),
    "sensor": ({"sensor": "s1"}, np.array([chip.scene.sensor == "s1-grd" for chip in CHIPS])),
    "one": ({"where": f"id = '{CHIPS[7].id}'"}, np.arange(COUNT) == 7),
    "nothing": ({"where": "id = 'absent'"}, np.zeros(COUNT, bool)),
}


@pytest.mark.parametrize("fusion", [CALIBRATED, Fusion(), Fusion(0.0, 1.0, normalise=True)])
@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("k", [1, 5, COUNT + 1])
def test_fused_scores_equal_the_einsum(archive: Archive, fusion: Fusion, name: str, k: int) -> None:
    filters, keep = FILTERS[name]
    hits = archive.search("a grey port", k=k, similarity="fused", fusion=fusion, **filters)
    expected = by_einsum("a grey port", fusion)
    order = [place for place in np.argsort(-expected) if keep[place]][:k]
    assert [hit.id for hit in hits] == [CHIPS[place].id for place in order]
    np.testing.assert_allclose([hit.score for hit in hits], expected[order], atol=2e-5)


def test_weights_come_from_the_model_and_are_told(archive: Archive) -> None:
    hits = archive.search("a grey port", similarity="fused", k=5)
    given_ = archive.search("a grey port", similarity="fused", k=5, fusion=CALIBRATED)
    assert [hit.score for hit in hits] == [hit.score for hit in given_]
    told = json.loads(hits.to_json())["query"]
    assert (told["similarity"], told["rerank"], told["candidates"]) == ("fused", None, 200)
    assert Fusion.from_dict(told["fusion"]) == CALIBRATED
    plain = archive.search("a grey port").to_dict()["query"]
    assert (plain["similarity"], plain["rerank"]) == ("global", None)
    assert "fusion" not in plain


def test_only_candidates_are_looked_at_again(archive: Archive) -> None:
    first = {hit.id for hit in archive.search("a grey port", k=10)}
    fused = archive.search("a grey port", k=4, similarity="fused", candidates=10)
    assert {hit.id for hit in fused} <= first
    expected = by_einsum("a grey port", CALIBRATED)
    order = [place for place in np.argsort(-expected) if CHIPS[place].id in first][:4]
    assert [hit.id for hit in fused] == [CHIPS[place].id for place in order]
    # As many as are wanted come back, also beyond the candidates.
    assert len(archive.search("a grey port", k=30, similarity="fused", candidates=10)) == 30


def reverse_order(scores: NDArray[np.float64], bank: NDArray[np.float64], keep: NDArray[np.bool_], k: int) -> list[str]:
    """Forward order, of which the first k are sorted by how many captions each of them scores higher."""
    order = [place for place in np.argsort(-scores) if keep[place]]
    above = {place: int((bank[place] > scores[place]).sum()) for place in order}
    return [CHIPS[place].id for place in sorted(order[:k], key=lambda place: above[place]) + order[k:]]


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize(("k", "rerank_k"), [(3, 10), (20, 10), (COUNT + 1, 5), (4, 100)])
def test_asking_back_equals_brute_force(archive: Archive, name: str, k: int, rerank_k: int) -> None:
    filters, keep = FILTERS[name]
    hits = archive.search("a grey port", k=k, rerank="bank", rerank_k=rerank_k, **filters)
    stored = np.stack([unit(caption) for caption in captions()]).astype(np.float16).astype(np.float64)
    expected = reverse_order(VECTORS @ unit("a grey port"), VECTORS @ stored.T, keep, rerank_k)
    assert [hit.id for hit in hits] == expected[:k]
    scores = {chip.id: score for chip, score in zip(CHIPS, VECTORS @ unit("a grey port"), strict=True)}
    np.testing.assert_allclose([hit.score for hit in hits], [scores[hit.id] for hit in hits], atol=1e-6)
    assert hits.query["rerank_k"] == rerank_k


def test_both_together_ask_back_by_fused_similarity(archive: Archive) -> None:
    hits = archive.search("a grey port", k=12, similarity="fused", rerank="bank")
    vectors = [unit(caption).astype(np.float16).astype(np.float32) for caption in captions()]
    bank = np.stack(
        [by_einsum(caption, CALIBRATED, vector) for caption, vector in zip(captions(), vectors, strict=True)], axis=1
    )
    expected = reverse_order(by_einsum("a grey port", CALIBRATED), bank, np.ones(COUNT, bool), 10)
    assert [hit.id for hit in hits] == expected[:12]


def test_words_of_the_bank_are_encoded_once_an_archive(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive", "fake@1", DIM, encoder=WordEncoder())
    archive.add(CHIPS[:3], VECTORS[:3], tokens=[pack(tokens) for tokens in TOKENS[:3]])
    first = archive.search("port", similarity="fused", rerank="bank")
    another = WordEncoder()
    again = Archive.open(tmp_path / "archive", another).search("port", similarity="fused", rerank="bank")
    assert another.encoded_texts == 1
    assert [hit.id for hit in again] == [hit.id for hit in first]


@settings(max_examples=15, deadline=None)
@given(
    alpha=st.floats(0, 1), candidates=st.integers(1, 80), k=st.integers(1, 80), rerank=st.sampled_from([None, "bank"])
)
def test_no_hit_is_lost_and_none_comes_twice(uri: Path, alpha: float, candidates: int, k: int, rerank: Any) -> None:
    archive = Archive.open(uri, WordEncoder())
    fusion = Fusion(alpha, 1 - alpha)
    for filters, keep in FILTERS.values():
        hits = archive.search(
            "port", k=k, similarity="fused", fusion=fusion, candidates=candidates, rerank=rerank, **filters
        )
        ids = [hit.id for hit in hits]
        assert len(ids) == min(k, keep.sum())
        assert set(ids) <= {chip.id for chip, kept in zip(CHIPS, keep, strict=True) if kept}
        assert len(set(ids)) == len(ids)


def test_an_archive_without_tokens_says_how_to_get_them(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive", "fake@1", DIM, encoder=WordEncoder())
    archive.add(CHIPS[:4], VECTORS[:4], tokens=[pack(TOKENS[0]), None, None, pack(TOKENS[3])])
    with pytest.raises(QueryError, match=r"2 of 4 candidates .* indexed without them.*swath index"):
        archive.search("port", similarity="fused")
    assert len(archive.search("port", rerank="bank")) == 4


def test_a_model_without_weights_says_how_to_get_them(uri: Path) -> None:
    archive = Archive.open(uri, WordEncoder(fusion=None))
    with pytest.raises(QueryError, match=r"swath evaluate calibrate.*--fusion"):
        archive.search("port", similarity="fused")
    assert len(archive.search("port", similarity="fused", fusion=Fusion())) == 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"similarity": "magic"}, "'magic'"),
        ({"rerank": "magic"}, "'magic'"),
        ({"fusion": Fusion()}, "'fused'"),
        ({"similarity": "fused", "candidates": 0}, "at least 1"),
        ({"rerank": "bank", "rerank_k": 0}, "at least 1"),
        ({"similarity": "fused", "like": CHIPS[0].id}, "one text"),
        ({"rerank": "bank", "negatives": ["ship"]}, "one text"),
        ({"rerank": "bank", "near": (0, 0), "weights": {"near": 1.0}}, "one text"),
    ],
)
def test_what_cannot_be_done_is_refused(archive: Archive, options: dict[str, Any], message: str) -> None:
    with pytest.raises(QueryError, match=message):
        archive.search("port", **options)


def test_a_place_alone_cannot_be_refined(archive: Archive) -> None:
    with pytest.raises(QueryError, match="one text"):
        archive.search(near=(0, 0), rerank="bank")
