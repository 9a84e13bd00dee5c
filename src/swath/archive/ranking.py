"""From a query to ranked rows: embed its parts, combine them into one vector, walk down the ranking until k rows pass.

Standardised parts (see `swath.archive.query`) sum to one inner product,

    sum_i w_i (<x, e_i> - m_i) / s_i  =  <x, sum_i (w_i / s_i) e_i>  -  sum_i w_i m_i / s_i,

so a query of many parts costs as much as one of a single part, and uses the same index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from swath.archive.encoder import Encoder
from swath.archive.merging import Ranking, best_first
from swath.archive.places import great_circle_km
from swath.archive.query import ChipId, Query, read_example
from swath.archive.scale import Scale
from swath.archive.schema import HIT_COLUMNS
from swath.archive.snapshot import Snapshot
from swath.chips import Pixels
from swath.errors import InputError, QueryError

if TYPE_CHECKING:
    from swath.features import Features


Relation = Literal["intersects", "within", "contains", "touches", "overlaps", "crosses", "equals"]
"""How a footprint may stand to a geometry (OGC Simple Features); all of them imply that it intersects."""

_RELATIONS: dict[Relation, Callable[..., Any]] = {
    "intersects": shapely.intersects, "within": shapely.within, "contains": shapely.contains,
    "touches": shapely.touches, "overlaps": shapely.overlaps, "crosses": shapely.crosses, "equals": shapely.equals,
}  # fmt: skip

_SECOND_LOOK, _LONGEST_LOOK = 64, 8192
"""Footprints tested at once: as many as are wanted at first, more while they keep failing."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One embedded part of a query.

    Attributes:
        kind: ``text``, ``like``, ``like_place``, ``positives`` or ``negatives``.
        weight: what it counts; negative for what is to be avoided.
        vector: (D,), L2-normalised.
    """

    kind: str
    weight: float
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """A combined query: a row x scores ``(<x, vector> - offset) / scale``."""

    vector: NDArray[np.float32]
    offset: float = 0.0
    scale: float = 1.0


def embed(query: Query, encoder: Callable[[], Encoder], snapshot: Snapshot) -> list[Part]:
    """Embed every part of a query that has an embedding; texts in one batch.

    Args:
        query: the query.
        encoder: gives the encoder; called only if something must be encoded.
        snapshot: gives the vectors of chips that serve as examples.

    Raises:
        QueryError: a chip id is not in the archive, an image cannot be read, or the model encodes no places.
    """
    wanted: list[tuple[str, float, Any]] = []
    if query.text is not None:
        wanted.append(("text", query.weight("text"), query.text.strip()))
    if query.like is not None:
        like = read_example(query.like)
        wanted.append(("like", query.weight("like"), Path(like) if isinstance(like, str) else like))
    if query.like_place is not None:
        wanted.append(("like_place", query.weight("like_place"), query.like_place))
    for kind, sign, examples in (("positives", 1, query.positives), ("negatives", -1, query.negatives)):
        share = sign * query.weight(kind) / max(len(examples), 1)
        wanted += [(kind, share, read_example(example)) for example in examples]
    wanted = [part for part in wanted if part[1] != 0]
    texts = [example for _, _, example in wanted if isinstance(example, str)]
    embedded = iter(pooled(encode_texts(texts, query, encoder()))) if texts else iter(())
    ids = list(dict.fromkeys(example.id for _, _, example in wanted if isinstance(example, ChipId)))
    stored = snapshot.vectors_of(ids) if ids else {}
    if missing := [name for name in ids if name not in stored]:
        raise QueryError(f"there is no chip {missing[0]} in the archive to search by")
    parts = []
    for kind, weight, example in wanted:
        if isinstance(example, str):
            vector = next(embedded)
        elif isinstance(example, ChipId):
            vector = stored[example.id]
        elif isinstance(example, tuple):
            vector = _place_vector(example, encoder())
        else:
            vector = _image_vector(example, encoder())
        parts.append(Part(kind, weight, vector))
    return parts


def encode_texts(texts: Sequence[str], query: Query, encoder: Encoder) -> Features:
    """Features of a query's texts; one over the model's context is treated as the query says."""
    if query.truncation == "warn":  # an encoder need not know any policy but its own
        return encoder.encode_texts(texts)
    return encoder.encode_texts(texts, truncation=query.truncation)


def combine(parts: Sequence[Part], snapshot: Snapshot, standardise: bool) -> Direction:
    """One direction for all parts.

    Args:
        parts: at least one.
        snapshot: gives the sample that scales are measured on.
        standardise: also bring a single part to standard units (it will be added to a score of another kind).
    """
    if len(parts) == 1 and not standardise:
        return Direction(parts[0].vector)
    sample = snapshot.sample()
    vector, offset = np.zeros(snapshot.dim, np.float64), 0.0
    for part in parts:
        mean, deviation = moments(sample @ part.vector)
        vector += part.weight / deviation * part.vector
        offset += part.weight * mean / deviation
    return Direction(vector.astype(np.float32), offset, sum(abs(part.weight) for part in parts))


def moments(scores: NDArray[np.float32]) -> tuple[float, float]:
    """Mean and deviation of scores; the deviation is 1 where there is no spread (one row, or all the same)."""
    if len(scores) == 0:
        return 0.0, 1.0
    deviation = float(scores.std())
    return float(scores.mean()), deviation if deviation > 1e-6 else 1.0


def search(
    query: Query,
    parts: Sequence[Part],
    snapshot: Snapshot,
    k: int,
    columns: Sequence[str] = (*HIT_COLUMNS, "vector"),
    scale: Scale | None = None,
) -> Iterator[tuple[float, dict[str, Any], BaseGeometry | None]]:
    """The k best rows that satisfy the query's filters; fewer only where fewer satisfy them.

    The ranking is walked down part by part. Rows are read with everything a hit needs, and where a filter is spatial
    those whose footprint does not pass the exact test are dropped.

    Args:
        query: what to look for.
        parts: its embedded parts.
        snapshot: the archive.
        k: rows wanted.
        columns: what is read of each row; at least ``id`` and ``geometry``.
        scale: brings the scores of embedded parts to one scale for all sensors; None leaves them as they are.

    Yields:
        (score, row, footprint), best first; equal scores in the order of their ids.
    """
    left = k
    for rows, scores in _rankings(query, parts, snapshot, k, scale):
        at, width = 0, left
        while at < len(rows) and left:
            step = slice(at, at + width)
            for hit in _passing(query, snapshot, rows[step], scores[step], left, columns):
                yield hit
                left -= 1
            at, width = at + width, max(_SECOND_LOOK, min(2 * width, _LONGEST_LOOK))
        if not left:
            return


def newest(
    query: Query, snapshot: Snapshot, limit: int, offset: int
) -> list[tuple[dict[str, Any], BaseGeometry | None]]:
    """(row, footprint) of rows that satisfy the query's filters, newest first."""
    rows = snapshot.newest_first(query.filters.sql())
    if query.filters.is_spatial:
        rows = _kept(query, snapshot, rows, offset + limit)
    return [(row, footprint(row)) for row in snapshot.take(rows[offset : offset + limit], HIT_COLUMNS)]


def count(query: Query, snapshot: Snapshot) -> int:
    """How many rows satisfy the query's filters, exactly."""
    sql = query.filters.sql()
    if not query.filters.is_spatial:
        return snapshot.count(sql)
    return len(_kept(query, snapshot, snapshot.row_ids(sql), snapshot.rows))


def footprint(row: Mapping[str, Any]) -> BaseGeometry | None:
    """The footprint of a row; None without georeference."""
    return None if row["geometry"] is None else shapely.from_wkb(row["geometry"])


def keeps(query: Query, snapshot: Snapshot, rows: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """(N,) whether rows that satisfy the SQL of a query's filters pass its exact spatial test."""
    parts = [rows[at : at + _LONGEST_LOOK] for at in range(0, len(rows), _LONGEST_LOOK)]
    tested = [query.filters.keeps(snapshot.footprints(part)) for part in parts]
    return np.concatenate([np.empty(0, np.bool_), *tested])


def related(query: Query, relation: Relation, snapshot: Snapshot, most: int) -> list[str]:
    """Ids of the rows whose footprint stands in a relation to the query's geometry.

    Raises:
        QueryError: more than `most` rows intersect the geometry.
    """
    rows = snapshot.row_ids(query.filters.sql())
    if len(rows) > most:
        raise QueryError(
            f"a spatial test inside OR or NOT, or a second one, may touch at most {most} chips, this one {len(rows)}; "
            "use a smaller geometry, or one spatial test joined with AND"
        )
    found = snapshot.take(rows, ["id", "geometry"])
    keep = _RELATIONS[relation]([footprint(row) for row in found], query.filters.geometry) if found else []
    return [row["id"] for row, holds in zip(found, keep, strict=True) if holds]


def _kept(query: Query, snapshot: Snapshot, rows: NDArray[np.uint64], most: int) -> NDArray[np.uint64]:
    """The first `most` rows whose footprints pass the exact test."""
    kept, total = [rows[:0]], 0
    for at in range(0, len(rows), _LONGEST_LOOK):
        part = rows[at : at + _LONGEST_LOOK]
        kept.append(part[query.filters.keeps(snapshot.footprints(part))])
        total += len(kept[-1])
        if total >= most:
            break
    return np.concatenate(kept)[:most]


def _passing(
    query: Query,
    snapshot: Snapshot,
    rows: NDArray[np.uint64],
    scores: NDArray[np.floating],
    most: int,
    columns: Sequence[str],
) -> list[tuple[float, dict[str, Any], BaseGeometry | None]]:
    # Where most rows will pass, they are read once, with all that a hit needs; else footprints are tested first.
    tested = not query.filters.is_spatial
    if len(rows) > most and not tested:
        keep, tested = query.filters.keeps(snapshot.footprints(rows)), True
        rows, scores = rows[keep], scores[keep]
    rows, scores = rows[:most], scores[:most]
    taken = snapshot.take(rows, columns)
    found = [(float(score), row, footprint(row)) for score, row in zip(scores, taken, strict=True)]
    if not tested and found:
        keep = query.filters.keeps(np.array([shape for _, _, shape in found], dtype=object))
        found = [hit for hit, passes in zip(found, keep, strict=True) if passes]
    return sorted(found, key=lambda hit: (-hit[0], hit[1]["id"]))


def _rankings(
    query: Query, parts: Sequence[Part], snapshot: Snapshot, k: int, scale: Scale | None
) -> Iterator[Ranking]:
    sql = query.filters.sql()
    if not parts:
        yield from _by_distance(query, snapshot, sql, k)
        return
    direction = combine(parts, snapshot, standardise=query.is_soft_near)
    if not query.is_soft_near:
        if scale is not None:
            yield from snapshot.rankings(
                direction.vector, query.filters, k, scale.after(direction.offset, direction.scale)
            )
            return
        for rows, scores in snapshot.rankings(direction.vector, query.filters, k):
            yield rows, (scores - np.float32(direction.offset)) / np.float32(direction.scale)
        return
    if scale is None:
        rows, scores = snapshot.scores(direction.vector, query.filters)
        scores = scores - direction.offset
    else:
        rows, scores = snapshot.scores(direction.vector, query.filters, scale.after(direction.offset, direction.scale))
        scores = scores * direction.scale
    weight = query.weight("near")
    near = np.zeros(len(rows), np.float32)
    order = np.argsort(rows)
    located, closeness = _closeness(query, snapshot, sql)
    near[order[np.searchsorted(rows[order], located)]] = closeness
    total = (scores + weight * near) / (direction.scale + weight)
    yield from best_first(rows, total.astype(np.float32), k)


def _by_distance(query: Query, snapshot: Snapshot, sql: str | None, k: int) -> Iterator[Ranking]:
    rows, closeness = _closeness(query, snapshot, sql)
    # Not in float32, where exp(-d / radius) of all that is far would be the same zero.
    yield from best_first(rows, closeness, k)


def _closeness(query: Query, snapshot: Snapshot, sql: str | None) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """``exp(-d / radius)`` with d the distance from the place to the centre of each footprint's bounds."""
    if query.near is None:
        raise InputError("a query without a place has no distances")
    rows, centres = snapshot.centres(sql)
    return rows, np.exp(-great_circle_km(*query.near, centres[:, 0], centres[:, 1]) / query.radius)


def pooled(features: Features) -> NDArray[np.float32]:
    """(B, D) float32 L2-normalised embeddings out of a tower's features."""
    vectors = features.pooled.detach().float().cpu().numpy()
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def _place_vector(place: tuple[float, float], encoder: Encoder) -> NDArray[np.float32]:
    encode = getattr(encoder, "encode_locations", None)
    if encode is None or getattr(encoder, "location", None) is None:
        raise QueryError(
            f"model {encoder.model_id} of this archive has no location tower, so it knows no meaning of places; "
            "search by distance (near), or index with a model that has one (see swath.models.location)"
        )
    vector = encode([place])[0].detach().float().cpu().numpy()
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def _image_vector(image: Path | Pixels, encoder: Encoder) -> NDArray[np.float32]:
    if isinstance(image, Path):
        from swath.raster import read_image  # GDAL is needed only for image files

        if not image.exists():
            raise QueryError(f"no image file {image} and no chip of that id to search by")
        image = read_image(image)
    batch = encoder.prepare(image)[None]
    vector: NDArray[np.float32] = pooled(encoder.encode_images(batch, image.sensor.name))[0]
    return vector
