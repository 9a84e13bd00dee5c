"""Chips of a scene with labels and captions: the entries of ``pairs.json``.

An entry has

- ``id``, ``scene``, ``region``, ``climate``, ``split`` (by region: ``train``, ``val``, ``test``), ``datetime``;
- ``lon``, ``lat`` of the centre and ``bbox`` in degrees (west > east across the antimeridian);
- ``labels``: unified labels, largest share first, and ``shares``: the share of each;
- ``captions``: 5 short sentences; ``long_caption``: a paragraph;
- ``event``: empty, ``flood``, ``fire`` or ``earthquake``;
- ``cloud``: share of the Sentinel-2 chip under cloud;
- ``images``: for each sensor ``item``, ``href`` (relative to the sandbox), ``window`` ([col, row, width, height] in
  pixels of that raster) and ``datetime``. All images of a chip show the same ground.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pyproj

from swath.chips import Window
from swath.corpus.sandbox import captions, facts, paragraphs
from swath.corpus.sandbox.days import Day
from swath.corpus.sandbox.noise import Field, stream
from swath.corpus.sandbox.stac import Grid


def stem(day: Day) -> str:
    """Name of a scene on a date: ``boreal-lakes-000-20190718``."""
    return f"{day.place.name}-{day.visit.when:%Y%m%d}"


def windows(size: int, window: int) -> Iterator[Window]:
    """The windows of a scene, row by row; what is left at the border is not annotated."""
    for row in range(0, size - window + 1, window):
        for col in range(0, size - window + 1, window):
            yield Window(col, row, window, window)


def chip(
    day: Day,
    grid: Grid,
    area: Window,
    entries: dict[str, dict[str, Any]],
    files: dict[str, str],
    cloud: Field,
) -> dict[str, Any]:
    """The annotation of one window (in 10 m pixels) of a day.

    Args:
        day: the scene on its date.
        grid: where the Sentinel pictures lie.
        area: the window.
        entries: STAC item by sensor.
        files: relative path by sensor.
        cloud: (S, S) opacity of the clouds, 0 to 1.
    """
    place = day.place
    seen = facts.observe(day, area)
    name = f"{stem(day)}-r{area.row // area.height:02d}c{area.col // area.width:02d}"
    rng = stream(place.seed, "words", name)
    x, y = grid.transform * (area.col + area.width / 2, area.row + area.height / 2)
    lon, lat = _to_degrees(grid.crs).transform(x, y)
    images = {}
    for kind, entry in entries.items():
        scale = 2 if kind == "rgb" else 1
        images[kind] = {
            "item": entry["id"],
            "href": files[kind],
            "window": [value * scale for value in area.to_list()],
            "datetime": entry["properties"]["datetime"],
        }
    covered = cloud[area.row : area.row + area.height, area.col : area.col + area.width] > 0.3
    return {
        "id": name,
        "scene": place.name,
        "region": place.region.name,
        "climate": place.region.climate.name,
        "split": place.region.split,
        "datetime": entries["s2-l2a"]["properties"]["datetime"],
        "lon": round(lon, 6),
        "lat": round(lat, 6),
        "bbox": [round(value, 6) for value in grid.footprint(area).bbox],
        "labels": list(seen.labels),
        "shares": dict(seen.labels),
        "captions": captions.write(rng, seen),
        "long_caption": paragraphs.write(rng, seen),
        "event": seen.event,
        "cloud": round(float(covered.mean()), 3),
        "images": images,
    }


@lru_cache(maxsize=64)
def _to_degrees(crs: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
