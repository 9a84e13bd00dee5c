"""Image-text retrieval: R@k both ways, mean recall, the caption-aware reading, ceilings and median ranks.

The papers' definition: an image query is right at k if at least one of its own captions is among the first k captions;
a caption query is right if its own image is among the first k images; mR is the mean of R@1, R@5 and R@10 both ways.

Two additions, since captions are shared between images. *Caption-aware*: any image that carries the query's very text
is right, and so is any caption whose text the query image carries. *Ceiling* and *bound*: what sharing leaves within
reach under the papers' definition, see `ceilings`.

Ties are counted as expected values over all orders (see `Placement.hits`), so neither the order of the data nor that of
a sort can change a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from swath.errors import EvaluationError
from swath.evaluation.placement import Placement, Relevance, Ties, place
from swath.evaluation.relation import Relation

DIRECTIONS = ("i2t", "t2i")
PROTOCOLS = ("", "caption_aware_")  # prefixes of metric names


@dataclass(frozen=True, slots=True, eq=False)
class RetrievalResult:
    """What a test set's scores say, query by query.

    Attributes:
        relation: the captions of the test set.
        placements: a placement for ``i2t``, ``t2i``, ``caption_aware_i2t`` and ``caption_aware_t2i``.
        ks: the cut-offs.
        ties: how tied candidates count.
    """

    relation: Relation
    placements: Mapping[str, Placement]
    ks: tuple[int, ...] = (1, 5, 10)
    ties: Ties = "expected"

    def hits(self, name: str) -> NDArray[np.float64]:
        """(Q, len(ks)) chance of a hit of each query at each cut-off, for one of the names in `placements`."""
        return np.stack([self.placements[name].hits(k, self.ties) for k in self.ks], axis=1)

    @property
    def metrics(self) -> dict[str, float]:
        """Flat numbers, recalls in per cent: ``mR``, ``i2t_r1`` ... ``caption_aware_mR`` ... ``t2i_r1_ceiling`` ..."""
        found: dict[str, float] = {}
        for protocol in PROTOCOLS:
            recalls = {
                f"{protocol}{direction}_r{k}": 100.0 * float(share)
                for direction in DIRECTIONS
                for k, share in zip(self.ks, self.hits(protocol + direction).mean(axis=0), strict=True)
            }
            found |= {f"{protocol}mR": float(np.mean(list(recalls.values())))} | recalls
        found |= ceilings(self.relation, self.ks, self.ties)
        for direction in DIRECTIONS:
            found[f"{direction}_median_rank"] = float(np.median(self.placements[direction].ranks(self.ties)))
        return found

    def to_dict(self) -> dict[str, Any]:
        """JSON values that `from_dict` reads back: enough to compare this run with another, query by query."""
        return {
            "ks": list(self.ks),
            "ties": self.ties,
            "caption_image": self.relation.caption_image.tolist(),
            "text": self.relation.text.tolist(),
            "placements": {name: placement.to_dict() for name, placement in self.placements.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RetrievalResult:
        """The result that `to_dict` wrote.

        Raises:
            EvaluationError: a field is missing or does not fit the others.
        """
        try:
            image = np.asarray(values["caption_image"], dtype=np.int64)
            relation = Relation(image, np.asarray(values["text"], dtype=np.int64), int(image.max(initial=-1)) + 1)
            placements = {name: Placement.from_dict(values["placements"][name]) for name in _relevances(relation)}
            ks, ties = tuple(int(k) for k in values["ks"]), values["ties"]
        except (KeyError, TypeError) as error:
            raise EvaluationError(f"not the queries of a retrieval report: {error!r}") from error
        _check_options(ks, ties)
        for name, placement in placements.items():
            expected = relation.images if name.endswith("i2t") else relation.captions
            if len(placement) != expected:
                raise EvaluationError(f"{name} has {len(placement)} queries, the captions tell of {expected}")
        return cls(relation, placements, ks, ties)


def evaluate(
    scores: Tensor,
    relation: Relation,
    *,
    i2t_scores: Tensor | None = None,
    ks: Sequence[int] = (1, 5, 10),
    ties: Ties = "expected",
) -> RetrievalResult:
    """Evaluate a test set's similarities.

    Args:
        scores: (T, I) similarity of every caption to every image; higher is better.
        relation: which caption belongs to which image.
        i2t_scores: (I, T), where image queries are ranked by other scores than caption queries (after re-ranking);
            by default the transpose of `scores`.
        ks: cut-offs of recall; mR is the mean over them and both directions.
        ties: how equal scores count, see `Placement.hits`.

    Raises:
        EvaluationError: shapes that do not fit, NaN scores, or an unusable option.
    """
    cutoffs = tuple(ks)
    _check_options(cutoffs, ties)
    relevances = _relevances(relation)
    t2i = {name: relevance for name, relevance in relevances.items() if name.endswith("t2i")}
    i2t = {name: relevance for name, relevance in relevances.items() if name.endswith("i2t")}
    placements = place(scores, t2i)
    if i2t_scores is None:
        placements |= place(scores, i2t, transposed=True)
    else:
        placements |= place(i2t_scores, i2t)
    return RetrievalResult(relation, placements, cutoffs, ties)


def ceilings(relation: Relation, ks: Sequence[int] = (1, 5, 10), ties: Ties = "expected") -> dict[str, float]:
    """What shared captions leave within reach under the papers' definition.

    ``..._ceiling``: the recalls of an oracle that knows which image carries which text, and no more: it scores every
    carrier 1 and every other image 0. This is the figure counted for the benchmarks (RSICD test, caption to image:
    92.6, 99.2, 99.8). The caption-aware protocol's is always 100.

    ``..._bound``: the most that any scores can reach that are equal for equal texts. It can lie above the ceiling: all
    rows of one text share one ranking of the images, which may lead with those that repeat the text; and an image may
    lead with whichever of its texts is rarest.

    Returns:
        ``mR``, ``i2t_r1`` ... ``t2i_r10``, each with ``_ceiling`` and with ``_bound``, in per cent.
    """
    pairs, own = np.unique(np.stack([relation.text, relation.caption_image]), axis=1, return_counts=True)
    text, image = pairs
    rows = np.bincount(relation.text, minlength=relation.texts)
    carriers = np.bincount(text, minlength=relation.texts)[relation.text]
    oracle = {
        "i2t": Placement(
            np.zeros(relation.images, dtype=np.int64),
            np.bincount(image, rows[text], relation.images).astype(np.int64),
            np.bincount(relation.caption_image, minlength=relation.images),
        ),
        "t2i": Placement(np.zeros_like(carriers), carriers, np.ones_like(carriers)),
    }
    found = {
        f"{direction}_r{k}_ceiling": 100.0 * float(placement.hits(k, ties).mean())
        for direction, placement in oracle.items()
        for k in ks
    }
    one_text = Placement(np.zeros_like(own), rows[text], own)
    order = np.lexsort((-own, text))
    starts = np.searchsorted(text[order], np.arange(relation.texts))
    place_in_text = np.arange(len(order)) - starts[text[order]]
    bound: dict[str, float] = {}
    for k in ks:
        best = np.zeros(relation.images)
        np.maximum.at(best, image, one_text.hits(k, ties))
        bound[f"i2t_r{k}_bound"] = 100.0 * float(best.mean())
        bound[f"t2i_r{k}_bound"] = 100.0 * float(own[order][place_in_text < k].sum()) / relation.captions
    means = {"mR_ceiling": float(np.mean(list(found.values()))), "mR_bound": float(np.mean(list(bound.values())))}
    return means | found | bound


def _relevances(relation: Relation) -> dict[str, Relevance]:
    caption_image, text = relation.caption_image, relation.text
    images = np.arange(relation.images)
    return {
        "i2t": Relevance.one_group(images, caption_image),
        "t2i": Relevance.one_group(caption_image, images),
        "caption_aware_i2t": Relevance.many_groups(images, caption_image, text, candidate_group=text),
        "caption_aware_t2i": Relevance.many_groups(text, text, caption_image, candidate_group=images),
    }


def _check_options(ks: tuple[int, ...], ties: str) -> None:
    if not ks or min(ks) < 1 or len(set(ks)) != len(ks):
        raise EvaluationError(f"ks must be different whole numbers from 1 on, got {list(ks)}")
    if ties not in get_args(Ties):
        raise EvaluationError(f"ties is {ties!r}; choose one of {', '.join(get_args(Ties))}")
