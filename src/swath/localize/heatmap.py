"""`HeatMap`: how well a text fits each part of a scene, with its place on Earth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray

from swath.chips import SceneRef, Window
from swath.errors import InputError
from swath.localize.peaks import FLOOR, PROMINENCE, Peak, find_peaks
from swath.localize.windows import ALL, CellMap
from swath.raster.footprints import to_degrees
from swath.raster.writing import write_geotiff

_MOST_FOR_PEAKS = 2048
"""Rows or columns of a map above which peaks are looked for on a coarser one."""


@dataclass(frozen=True, eq=False)
class HeatMap:
    """The maps of one scene, or of a window of it, for one or several texts.

    A value is the mean cosine between the text and every window that holds the pixel: comparable between scenes and
    texts of one model, not a probability. NaN where the scene has no data.

    Attributes:
        scene: the scene.
        texts: one a map.
        window: the part of the scene that the maps show.
        pixel: side of a map's pixel in pixels of the scene.
        cells: the maps, in pixels of the window.
        crs: the scene's CRS; None without georeference.
        transform: from pixels of the map (column, row) to the CRS.
        scales: sides of the windows that were looked at, in pixels of the scene.
        windows: how many windows were looked at.
        empty: how many windows held next to no valid pixel, and were left out.
        missing: (height, width) True where the scene has no data; None where it has data everywhere.
        model_id: the model that made the maps.
    """

    scene: SceneRef
    texts: tuple[str, ...]
    window: Window
    pixel: int
    cells: CellMap = field(repr=False)
    crs: str | None
    transform: Affine = field(repr=False)
    scales: tuple[int, ...]
    windows: int
    empty: int
    missing: NDArray[np.bool_] | None = field(repr=False)
    model_id: str

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the maps; the last row and column may reach over the window's border."""
        return -(-self.window.height // self.pixel), -(-self.window.width // self.pixel)

    def array(self, text: int = 0) -> NDArray[np.float32]:
        """(H, W) the whole map of one text.

        Raises:
            InputError: there is no such text.
        """
        if not -len(self.texts) <= text < len(self.texts):
            raise InputError(f"no text {text}; there are {len(self.texts)}")
        return self._one(text, 1)

    def _one(self, text: int, step: int) -> NDArray[np.float32]:
        """(H, W) one map, every `step`-th row and column."""
        place = range(len(self.texts))[text]
        heat: NDArray[np.float32] = self._rows(0, self.shape[0], step, slice(place, place + 1))[0]
        return heat

    def _rows(self, start: int, stop: int, step: int, maps: slice = ALL) -> NDArray[np.float32]:
        """(texts, rows, W) some rows of all maps or some, every `step`-th row and column."""
        return self._at(np.arange(start, stop, step), np.arange(0, self.shape[1], step), maps)

    def _at(self, rows: NDArray[np.integer], columns: NDArray[np.integer], maps: slice = ALL) -> NDArray[np.float32]:
        """(texts, rows, columns) the maps at some of their rows and columns: what holds at the pixels' centres."""
        centre = self.pixel // 2
        values = self.cells.sample(
            np.minimum(rows * self.pixel + centre, self.window.height - 1),
            np.minimum(columns * self.pixel + centre, self.window.width - 1),
            maps,
        )
        if self.missing is not None:
            values[:, self.missing[np.ix_(rows, columns)]] = np.nan
        return values

    def peaks(
        self,
        text: int = 0,
        *,
        distance: float | None = None,
        floor: float = FLOOR,
        prominence: float = PROMINENCE,
        limit: int = 20,
    ) -> list[Peak]:
        """Where a text fits best, highest first; coordinates are pixels of the scene.

        Args:
            text: which text.
            distance: least distance between two peaks in pixels of the scene; default half the smallest window.
            floor: see `swath.localize.peaks.find_peaks`, as for the rest.
            prominence: likewise.
            limit: most peaks.

        Returns:
            none where the map is flat or without data.

        Raises:
            InputError: no such text, or a setting out of range.
        """
        if not -len(self.texts) <= text < len(self.texts):
            raise InputError(f"no text {text}; there are {len(self.texts)}")
        step = -(-max(self.shape) // _MOST_FOR_PEAKS)
        side = self.pixel * step
        heat = self._one(text, step)
        if not np.isfinite(heat).any():
            return []
        apart = (min(self.scales) / 2 if distance is None else distance) / side
        found = find_peaks(heat, distance=apart, floor=floor, prominence=prominence, limit=limit)
        left, top = self.window.col, self.window.row
        whole = shapely.box(left, top, left + self.window.width, top + self.window.height)
        return [
            Peak(
                min(left + peak.x * side, left + self.window.width),
                min(top + peak.y * side, top + self.window.height),
                peak.value,
                peak.relative,
                shapely.affinity.affine_transform(peak.outline, [side, 0, 0, side, left, top]).intersection(whole),
            )
            for peak in found
        ]

    def to_geojson(self, **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - passed on to `peaks`
        """The peaks of all texts as a GeoJSON FeatureCollection in EPSG:4326.

        Each feature is the ground around a peak. Its properties are ``text``, ``rank``, ``score`` (the mean cosine),
        ``relative`` (0 to 1 within the map), ``pixel`` ([x, y] in the scene) and ``point`` ([lon, lat]). Without
        georeference geometries and points are null.

        Args:
            **settings: of `peaks`.
        """
        features = []
        for number, text in enumerate(self.texts):
            for rank, peak in enumerate(self.peaks(number, **settings), start=1):
                place = None if self.crs is None else self._on_earth(peak.outline)
                point = None if self.crs is None else self._on_earth(shapely.Point(peak.x, peak.y))
                features.append(
                    {
                        "type": "Feature",
                        "geometry": None if place is None else json.loads(shapely.to_geojson(place)),
                        "properties": {
                            "text": text,
                            "rank": rank,
                            "score": peak.value,
                            "relative": peak.relative,
                            "pixel": [round(peak.x, 2), round(peak.y, 2)],
                            "point": None if point is None else [point.x, point.y],
                        },
                    }
                )
        return {"type": "FeatureCollection", "features": features}

    def _on_earth(self, geometry: shapely.Geometry) -> shapely.Geometry:
        """A geometry in pixels of the scene, in EPSG:4326."""
        to_map = Affine.scale(1 / self.pixel) * Affine.translation(-self.window.col, -self.window.row)
        return to_degrees(geometry, self.crs or "", self.transform * to_map)

    def save(self, path: str | Path) -> Path:
        """Write the maps as a Cloud Optimized GeoTIFF: float32, one band a text, no data NaN, block by block.

        Raises:
            RasterError: the file cannot be written.
        """
        height, width = self.shape

        def strips(rows: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
            for start in range(0, height, rows):
                yield start, self._rows(start, min(start + rows, height), 1)

        return write_geotiff(
            Path(path),
            strips,
            shape=(len(self.texts), height, width),
            crs=self.crs,
            transform=self.transform,
            bands=self.texts,
            tags={
                "SOFTWARE": "swath localize",
                "MODEL": self.model_id,
                "SCENE": self.scene.id,
                "SCALES": " ".join(map(str, self.scales)),
                "PIXEL": str(self.pixel),
                "QUANTITY": "mean cosine between the text and every window that holds the pixel",
            },
        )

    def picture(self, side: int = 768) -> bytes:
        """The maps over the scene's quick-look as one PNG, a panel for each text.

        Args:
            side: longest side of a panel in pixels.

        Raises:
            RasterError: the scene cannot be read.
        """
        from swath.localize.picture import draw

        return draw(self, side)

    def glow(self, side: int = 768, text: int = 0) -> bytes:
        """One map alone as a PNG with transparency, to lie on a map at `corners`.

        Args:
            side: longest side of the picture in pixels.
            text: which text.
        """
        from swath.localize.picture import glow

        return glow(self, side, text)

    @property
    def corners(self) -> list[tuple[float, float]] | None:
        """(lon, lat) of the window's corners: upper left, upper right, lower right, lower left as it is stored.

        Longitudes go on past 180 degrees where the window crosses the antimeridian. None without georeference.
        """
        if self.crs is None:
            return None
        left, top = self.window.col, self.window.row
        right, bottom = left + self.window.width, top + self.window.height
        places = [
            self._on_earth(shapely.Point(*corner))
            for corner in ((left, top), (right, top), (right, bottom), (left, bottom))
        ]
        first = places[0].x
        return [(place.x - 360 * round((place.x - first) / 360), place.y) for place in places]

    def preview(self, height: int, width: int) -> NDArray[np.float32]:
        """(texts, height, width) the maps at another size, nearest pixel."""
        return self._at((np.arange(height) * self.shape[0]) // height, (np.arange(width) * self.shape[1]) // width)
