"""`Hits`: what a search found, ready for a notebook, a map, a table, a STAC client or a folder of pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import shapely
from shapely.geometry.base import BaseGeometry

from swath.archive.interval import rfc3339
from swath.archive.schema import chip_from_row
from swath.chips import Chip, Footprint
from swath.errors import ArchiveError, InputError

if TYPE_CHECKING:
    import geopandas
    import pystac

    from swath.archive.encoder import Encoder
    from swath.localize import HeatMap

LOW_CONFIDENCE = 0.5
"""Below this confidence of a query nothing in an archive matches it well: most general captions find better matches."""

_FIELDS = (
    "rank",
    "id",
    "score",
    "raw_score",
    "calibrated_score",
    "confidence",
    "sensor",
    "datetime",
    "bbox",
    "geometry",
    "href",
    "window",
    "properties",
)


@dataclass(frozen=True, eq=False)
class Hit:
    """One chip that was found.

    Attributes:
        rank: 1 for the best.
        id: the chip's id.
        score: what hits are ranked by: cosine for a query of one part, calibrated where a text is looked for among
            several sensors (`swath.archive.scale`); mean standardised score for several parts; closeness (0 to 1) for
            a place alone; None where nothing was ranked.
        confidence: share (0 to 1) of a bank of general captions that match this chip less well than the query's text
            does; None where the query has no text.
        sensor: the sensor's name.
        datetime: acquisition time, UTC; None where unknown.
        geometry: footprint in EPSG:4326; None without georeference.
        href: path or URL of the scene.
        window: [col, row, width, height] in pixels of the scene.
        properties: what the source said of the scene.
        thumbnail: JPEG bytes; None where none was kept.
        row: the archive's row, see `swath.archive.schema`.
        raw_score: the score before calibration.
        calibrated_score: the score on one scale for all sensors; None where there is one sensor only, or nothing that
            tells the scale (see `swath.archive.refine.Scores`).
    """

    rank: int
    id: str
    score: float | None
    confidence: float | None
    sensor: str
    datetime: datetime | None
    geometry: BaseGeometry | None
    href: str
    window: list[int]
    properties: dict[str, Any]
    thumbnail: bytes | None = field(repr=False)
    row: Mapping[str, Any] = field(repr=False)
    raw_score: float | None = None
    calibrated_score: float | None = None

    @classmethod
    def from_row(
        cls,
        rank: int,
        score: float | None,
        confidence: float | None,
        row: Mapping[str, Any],
        footprint: BaseGeometry | None,
        both: tuple[float | None, float | None] = (None, None),
    ) -> Hit:
        """The hit that a row (with `swath.archive.schema.HIT_COLUMNS`) is; `both` are its raw and calibrated score."""
        return cls(
            rank=rank,
            id=row["id"],
            score=score,
            confidence=confidence,
            sensor=row["sensor"],
            datetime=row["datetime"],
            geometry=footprint,
            href=row["href"],
            window=list(row["window"]),
            properties=json.loads(row["properties"]),
            thumbnail=row["thumbnail"],
            row=row,
            raw_score=both[0],
            calibrated_score=both[1],
        )

    @property
    def caption(self) -> str | None:
        """What a model wrote about the chip (see `swath.archive.captions`); None where none has."""
        written: str | None = self.row.get("caption")
        return written

    @property
    def bbox(self) -> tuple[float, float, float, float] | None:
        """(west, south, east, north) in degrees; west > east across the antimeridian."""
        return None if self.geometry is None else Footprint(self.geometry, self.row["crs"]).bbox

    def to_chip(self) -> Chip:
        """The chip, whose pixels `swath.raster.read_chip` reads again."""
        return chip_from_row(self.row)

    def heat_map(self, texts: str | Sequence[str], encoder: Encoder, *, whole_scene: bool = False) -> HeatMap:
        """Where in this chip, or in its whole scene, texts fit; see `swath.localize.localize`.

        Raises:
            InputError: an empty text.
            RasterError: the scene cannot be read any more.
        """
        from swath.localize import localize  # needs torch

        chip = self.to_chip()
        return localize(chip.scene, texts, encoder, window=None if whole_scene else chip.window)

    def to_dict(self) -> dict[str, Any]:
        """The hit as JSON values (without picture)."""
        return {
            "rank": self.rank,
            "id": self.id,
            "score": self.score,
            "raw_score": self.raw_score,
            "calibrated_score": self.calibrated_score,
            "confidence": self.confidence,
            "sensor": self.sensor,
            "datetime": rfc3339(self.datetime) if self.datetime else None,
            "bbox": None if self.bbox is None else list(self.bbox),
            "geometry": None if self.geometry is None else geojson(self.geometry),
            "href": self.href,
            "window": self.window,
            "properties": self.properties,
            **({} if self.caption is None else {"caption": self.caption}),
        }


class Hits(Sequence[Hit]):
    """Hits, best first.

    Attributes:
        query: the query they answer, and how it was answered, as JSON values.
        title: the query in one line.
        confidence: share (0 to 1) of general captions whose best matches in the archive are worse than those of the
            query's text, see `swath.archive.background`; None where the query has no text or nothing was found.
    """

    def __init__(
        self, query: Mapping[str, Any], title: str, hits: Sequence[Hit], confidence: float | None = None
    ) -> None:
        """Keep hits with the query they answer.

        Args:
            query: the query as JSON values.
            title: the query in one line.
            hits: best first.
            confidence: see the attribute.
        """
        self.query = dict(query)
        self.title = title
        self.confidence = confidence
        self._hits = list(hits)

    def __len__(self) -> int:
        return len(self._hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> Hits: ...
    def __getitem__(self, index: int | slice) -> Hit | Hits:
        if isinstance(index, slice):
            return Hits(self.query, self.title, self._hits[index], self.confidence)
        return self._hits[index]

    def __iter__(self) -> Iterator[Hit]:
        return iter(self._hits)

    def by_sensor(self) -> dict[str, Hits]:
        """The hits of each sensor, in the order in which sensors first appear."""
        found: dict[str, list[Hit]] = {}
        for hit in self:
            found.setdefault(hit.sensor, []).append(hit)
        return {name: Hits(self.query, self.title, hits, self.confidence) for name, hits in found.items()}

    @property
    def matches_well(self) -> bool:
        """False where nothing was found, or nothing that matches the text well (see `LOW_CONFIDENCE`)."""
        return len(self) > 0 and (self.confidence is None or self.confidence >= LOW_CONFIDENCE)

    def heat_map(self, index: int, encoder: Encoder, *, whole_scene: bool = False) -> HeatMap:
        """Where in one of the hits, or in its whole scene, the query's text fits; see `Hit.heat_map`.

        Args:
            index: which hit, from 0.
            encoder: the archive's model.
            whole_scene: look at all of the hit's scene instead of its chip.

        Raises:
            InputError: the query has no text.
            RasterError: the scene cannot be read any more.
        """
        text = self.query.get("text")
        if not text:
            raise InputError("the query has no text to find within a hit; call heat_map of the hit with one")
        return self[index].heat_map(text, encoder, whole_scene=whole_scene)

    def to_dict(self) -> dict[str, Any]:
        """``{"query": {...}, "hits": [{"rank", "id", "score", ...}]}``, JSON values.

        The query of a text search also has ``confidence`` and ``matches_well``.
        """
        judged = {"confidence": self.confidence, "matches_well": self.matches_well}
        query = self.query if self.confidence is None else {**self.query, **judged}
        return {"query": query, "hits": [hit.to_dict() for hit in self]}

    def to_json(self, indent: int | None = None) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)

    def to_geojson(self) -> dict[str, Any]:
        """A GeoJSON FeatureCollection; hits without georeference have a null geometry."""
        features = []
        for hit in self:
            values = hit.to_dict()
            feature = {"type": "Feature", "id": hit.id, "geometry": values.pop("geometry")}
            if values["bbox"] is not None:
                feature["bbox"] = values["bbox"]
            feature["properties"] = {key: value for key, value in values.items() if key not in ("id", "bbox")}
            features.append(feature)
        return {"type": "FeatureCollection", "features": features}

    def columns(self) -> list[str]:
        """Names of the columns of tables of these hits."""
        return [*_FIELDS, *(["caption"] if any(hit.caption is not None for hit in self) else [])]

    def to_geodataframe(self) -> geopandas.GeoDataFrame:
        """A GeoDataFrame in EPSG:4326, one row a hit, with the columns of `to_dict`."""
        import geopandas  # slow to import, and only needed here
        import pandas

        table = pandas.DataFrame([hit.to_dict() for hit in self], columns=self.columns()).drop(columns="geometry")
        table["datetime"] = pandas.to_datetime([hit.datetime for hit in self], utc=True)
        return geopandas.GeoDataFrame(table, geometry=[hit.geometry for hit in self], crs="EPSG:4326")

    def to_stac(self) -> pystac.ItemCollection:
        """A STAC ItemCollection with one valid item a hit; score and rank are ``swath:`` properties.

        A chip of unknown date gets the interval of all years, and ``swath:datetime_unknown``.
        """
        from swath.archive.stac import item_collection  # pystac is slow to import

        return item_collection(self)

    def save(self, path: str | Path) -> Path:
        """Write a table: ``.csv``, ``.geojson`` or ``.parquet`` (GeoParquet); see `swath.archive.tables.write_hits`.

        Raises:
            InputError: another suffix.
            ArchiveError: the file cannot be written.
        """
        from swath.archive.tables import write_hits

        return write_hits(self, path)

    def save_thumbnails(self, directory: str | Path) -> list[Path]:
        """Write the thumbnails as ``001_<id>.jpg``, ...; hits without one are left out.

        Raises:
            ArchiveError: the directory cannot be written.
        """
        folder = Path(directory)
        paths = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for hit in self:
                if hit.thumbnail is not None:
                    paths.append(folder / f"{hit.rank:03d}_{re.sub(r'[^0-9A-Za-z_-]', '_', hit.id)}.jpg")
                    paths[-1].write_bytes(hit.thumbnail)
        except OSError as error:
            raise ArchiveError(
                f"cannot write thumbnails to {folder}: {error.strerror}; choose another place"
            ) from error
        return paths

    def contact_sheet(self, path: str | Path, columns: int = 5) -> Path:
        """Draw all hits on one sheet (PNG) with rank, score, sensor and date, under a line with the query.

        Raises:
            ArchiveError: the file cannot be written.
        """
        from swath.archive.contact_sheet import draw

        try:
            draw(self, columns).save(path, format="PNG")
        except OSError as error:
            raise ArchiveError(f"cannot write contact sheet {path}: {error}; choose another place") from error
        return Path(path)

    def __repr__(self) -> str:
        lines = [f"Hits({len(self)}): {self.title}"]
        for hit in self[:20]:
            date = rfc3339(hit.datetime) if hit.datetime else "-"
            lines.append(f"{hit.rank:>4}  {score_text(hit.score):>7}  {hit.sensor:<12} {date:<20}  {hit.href}")
        if len(self) > 20:
            lines.append(f"      and {len(self) - 20} more")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from swath.archive.notebook import render

        return render(self)


def geojson(geometry: BaseGeometry) -> dict[str, Any]:
    """A geometry as GeoJSON made of JSON values only (lists, not tuples)."""
    return dict(json.loads(shapely.to_geojson(geometry)))


def score_text(score: float | None) -> str:
    """A score for people."""
    return "-" if score is None else f"{score:.3f}"
