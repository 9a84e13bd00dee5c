"""`Query`: what to look for, and where.

A query has any of these parts, each with a weight: a text, an image to look like, a place, and positive and negative
examples. The rest are filters, see `swath.archive.filters`.

How parts combine (`swath.archive.ranking` does the arithmetic). A single text or image is ranked by its cosine. Several
parts live on different scales: two images are much closer to each other than a text is to any image. Each part's
cosines are therefore standardised by their mean and deviation over a fixed sample of the archive, and summed by weight:

    score = sum_i w_i (cos(x, e_i) - m_i) / s_i  /  sum_i |w_i|

Positive examples share their weight, so do negative ones, which count with a minus sign: Rocchio's formula (Manning et
al. 2008, section 9.1.1) in standardised units. Beside other parts a place with a weight adds ``w exp(-d / radius)``.

A place has two meanings. `near` is distance: what lies there. `like_place` is what the model's location tower makes of
the place, a vector like that of a text or image: what looks like images from there, wherever it lies.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import shapely
from shapely.geometry.base import BaseGeometry

from swath.archive.conditions import Condition
from swath.archive.filters import Circle, Filters
from swath.archive.interval import Instant
from swath.archive.places import read_geometry, read_point
from swath.chips import Pixels
from swath.errors import QueryError

if TYPE_CHECKING:
    from swath.archive.hits import Hit

DEFAULT_RADIUS_KM = 50.0
"""How near `near` means where a query has a text or image too and names no radius."""

DEFAULT_WEIGHTS = {"text": 1.0, "like": 1.0, "like_place": 1.0, "positives": 0.75, "negatives": 0.5, "near": 0.0}
"""Weights of the parts. `near` counts only when given a weight: beside a text or image, a place is a filter."""

_HALF_EARTH_KM = 20_038.0
_CHIP_ID = re.compile(r"[0-9a-f]{32}")
_IMAGE_SUFFIXES = {".tif", ".tiff", ".png", ".jpg", ".jpeg", ".webp", ".jp2", ".vrt", ".bmp"}


@dataclass(frozen=True, slots=True)
class ChipId:
    """An example that is in the archive already, by its id."""

    id: str


@dataclass(frozen=True, slots=True)
class Words:
    """An example that is words, whatever they look like: never a file or the id of a chip."""

    text: str


@dataclass(frozen=True, eq=False)
class Query:
    """What to look for.

    Attributes:
        text: words, from a keyword to a paragraph.
        like: an image file, pixels, a hit, or the id of a chip in the archive.
        near: (lon, lat) in degrees. Alone it ranks by distance; beside other parts it keeps what lies within
            `radius_km` (50 km unless given). With a weight and no radius it only prefers what is near.
        radius_km: how near; alone with `near` it is a filter too.
        positives: examples to look for: texts, image files, pixels, hits, chip ids; `Words` are never anything else.
        negatives: examples to avoid.
        weights: of ``text``, ``like``, ``like_place``, ``near``, ``positives``, ``negatives``; see `DEFAULT_WEIGHTS`.
        bbox: (west, south, east, north) in degrees; west > east crosses the antimeridian.
        geometry: shapely, GeoJSON, or a GeoJSON file, in EPSG:4326.
        datetime: a date or a STAC interval, see `swath.archive.interval`.
        sensor: a sensor or family, or several.
        where: see `swath.archive.where`; a program may give `swath.archive.conditions`.
        truncation: what to do with a text over the model's context length: ``warn`` (cut it and say so), ``error``, or
            ``window`` (read all of it, window by window, and pool).
        like_place: (lon, lat) in degrees of a place to look like, for models with a location tower.

    Raises:
        QueryError: on making a query that cannot be answered.
    """

    text: str | None = None
    like: str | Path | Pixels | Hit | None = None
    near: tuple[float, float] | None = None
    radius_km: float | None = None
    positives: Sequence[str | Path | Pixels | Hit | Words] = ()
    negatives: Sequence[str | Path | Pixels | Hit | Words] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    bbox: Sequence[float] | None = None
    geometry: BaseGeometry | Mapping[str, Any] | str | Path | None = None
    datetime: Instant | tuple[Instant | None, Instant | None] | None = None
    sensor: str | Sequence[str] | None = None
    where: str | Condition | None = None
    truncation: Literal["warn", "error", "window"] = "warn"
    like_place: tuple[float, float] | None = None
    filters: Filters = field(init=False)

    def __post_init__(self) -> None:
        self._check_parts()
        if self.near is not None:
            object.__setattr__(self, "near", read_point(self.near))
        if self.like_place is not None:
            object.__setattr__(self, "like_place", read_point(self.like_place))
        if self.geometry is not None:
            object.__setattr__(self, "geometry", read_geometry(self.geometry))
        filters = Filters.read(self.bbox, self.geometry, self.datetime, self.sensor, self.where, self._circle())
        object.__setattr__(self, "filters", filters)

    @classmethod
    def read(cls, query: Query | str | None, parts: Mapping[str, Any]) -> Query:
        """A whole query as it is, or one made of a text and further fields by name.

        Raises:
            QueryError: both are given, a field is unknown, or the text is given twice.
        """
        if isinstance(query, Query):
            if parts:
                raise QueryError(f"give a whole query or its parts, not both (got {', '.join(parts)} beside a query)")
            return query
        known = [name for name, entry in cls.__dataclass_fields__.items() if entry.init]
        if unknown := [name for name in parts if name not in known]:
            raise QueryError(f"a query has no part {unknown[0]!r}; there are {', '.join(known)}")
        if query is not None and "text" in parts:
            raise QueryError("the query text is given twice")
        return cls(text=query, **parts) if query is not None else cls(**parts)

    @property
    def ranks(self) -> bool:
        """Whether the query says how to rank, beyond what to filter by."""
        return self.has_examples or self.near is not None

    @property
    def has_examples(self) -> bool:
        """Whether anything is ranked by its embedding."""
        given = (self.text, self.like, self.like_place)
        return any(part is not None for part in given) or bool(self.positives)

    @property
    def is_soft_near(self) -> bool:
        """Whether nearness is a matter of score, beside other parts."""
        return self.near is not None and self.has_examples and self.weight("near") > 0

    @property
    def radius(self) -> float:
        """The radius in km, given or default."""
        return DEFAULT_RADIUS_KM if self.radius_km is None else float(self.radius_km)

    def weight(self, part: str) -> float:
        """The weight of a part, given or default."""
        return float(self.weights.get(part, DEFAULT_WEIGHTS[part]))

    def to_dict(self) -> dict[str, Any]:
        """The query as JSON values; pixels are named by their sensor and size."""
        out: dict[str, Any] = {
            "text": self.text,
            "like": None if self.like is None else _name(self.like),
            "like_place": None if self.like_place is None else list(self.like_place),
            "near": None if self.near is None else list(self.near),
            "radius_km": self.filters.circle.radius_km if self.filters.circle else self.radius_km,
            "positives": [_name(example) for example in self.positives],
            "negatives": [_name(example) for example in self.negatives],
            "weights": dict(self.weights),
            "bbox": None if self.filters.box is None else list(self.filters.box),
            "geometry": None
            if self.filters.geometry is None
            else json.loads(shapely.to_geojson(self.filters.geometry)),
            "datetime": _interval_text(self.datetime),
            "sensor": list(self.filters.sensors) or None,
            "where": None if self.where is None else str(self.where),
            "truncation": None if self.truncation == "warn" else self.truncation,
        }
        return {key: value for key, value in out.items() if value not in (None, [], {})}

    def title(self) -> str:
        """The query in one line."""
        parts = [self.text or ""]
        for key, value in self.to_dict().items():
            if key == "geometry":
                parts.append("within a geometry")
            elif key not in ("text", "weights", "truncation"):
                parts.append(f"{key} {', '.join(map(str, value)) if isinstance(value, list) else value}")
        return " · ".join(part for part in parts if part)

    def _check_parts(self) -> None:
        if self.text is not None and (not isinstance(self.text, str) or not self.text.strip()):
            raise QueryError("the query text is empty; say what to look for, or leave it out")
        if self.truncation not in ("warn", "error", "window"):
            raise QueryError(f"unknown truncation policy {self.truncation!r}; use warn, error or window")
        for name in ("positives", "negatives"):
            examples = getattr(self, name)
            if isinstance(examples, (str, Path, Pixels)) or not isinstance(examples, Sequence):
                raise QueryError(f"{name} must be a list of examples, got {type(examples).__name__}")
            if any(isinstance(example, str) and not example.strip() for example in examples):
                raise QueryError(f"one of the {name} is an empty text")
        for part, weight in self.weights.items():
            if part not in DEFAULT_WEIGHTS:
                raise QueryError(f"no query part {part!r} to weigh; there are {', '.join(DEFAULT_WEIGHTS)}")
            if not math.isfinite(weight) or weight < 0:
                raise QueryError(f"the weight of {part} must be a number from 0 up, got {weight}")
        if self.has_examples and not any(
            self.weight(part) for part in ("text", "like", "like_place", "positives") if getattr(self, part)
        ):
            raise QueryError("every part of the query has weight 0; give one a weight")
        if self.negatives and not self.has_examples:
            raise QueryError("negative examples alone say nothing to look for; add a text, an image or positives")
        if self.radius_km is not None:
            if self.near is None:
                raise QueryError("radius_km needs near=(lon, lat)")
            if not math.isfinite(self.radius_km) or not 0 < self.radius_km <= _HALF_EARTH_KM:
                raise QueryError(f"radius_km must lie above 0 and up to {_HALF_EARTH_KM:,.0f}, got {self.radius_km}")

    def _circle(self) -> Circle | None:
        """The hard filter by distance: with a radius always, without one beside other parts unless it is a score."""
        if self.near is None or (self.radius_km is None and (not self.has_examples or self.is_soft_near)):
            return None
        return Circle(*self.near, self.radius)


def read_example(example: str | Path | Pixels | Hit | Words) -> str | Path | Pixels | ChipId:
    """Tell what an example is.

    A hit or 32 hexadecimal digits name a chip of the archive. Text that ends like an image file and exists is that
    file. Any other text is words.
    """
    if isinstance(example, (Path, Pixels)):
        return example
    if isinstance(example, Words):
        return example.text
    if not isinstance(example, str):
        return ChipId(example.id)
    if _CHIP_ID.fullmatch(example):
        return ChipId(example)
    path = Path(example)
    return path if path.suffix.lower() in _IMAGE_SUFFIXES and path.exists() else example


def _name(example: str | Path | Pixels | Hit | Words) -> str:
    found = read_example(example)
    if isinstance(found, ChipId):
        return found.id
    if isinstance(found, Pixels):
        return f"{found.sensor.name} image of {found.data.shape[2]} x {found.data.shape[1]} pixels"
    return str(found)


def _interval_text(value: Instant | tuple[Instant | None, Instant | None] | None) -> str | None:
    if isinstance(value, tuple):
        return "/".join(_interval_text(end) or ".." for end in value)
    return value.isoformat() if isinstance(value, (date, datetime)) else value
