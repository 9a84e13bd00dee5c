"""The rows of an archive: one chip, its embedding, and everything that a filter or a hit needs.

| column | what |
|---|---|
| `id` | `Chip.id`; the primary key |
| `scene_id`, `href`, `window`, `layers` | where the pixels are: enough to read them again |
| `sensor`, `family`, `datetime` | filters; `datetime` in UTC, null where unknown |
| `minx`, `miny`, `maxx`, `maxy` | bounds in degrees; across the antimeridian `maxx` is above 180 |
| `geometry`, `crs` | footprint (WKB, EPSG:4326) and the scene's own CRS; null without georeference |
| `properties` | what the source said, JSON text |
| `scalars` | the text, number and boolean members of `properties`, in the binary JSON that filters read |
| `thumbnail` | JPEG |
| `vector` | the L2-normalised embedding, float32 |
| `tokens` | compressed local tokens, see `swath.archive.tokens`; null where they are not kept |
| `model_id` | the model that made `vector` |
| `caption`, `captioner` | what a model wrote about the chip, and which; only where `swath.archive.captions` has been |
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from swath.chips import Chip, Footprint, Layer, SceneRef, Window
from swath.errors import InputError
from swath.sensors import sensor

BOUNDS = ("minx", "miny", "maxx", "maxy")
INDEXED = ("id", "sensor", "family", "datetime", *BOUNDS)
"""Columns that `optimize` gives an index."""

HIT_COLUMNS = (
    "id", "scene_id", "sensor", "datetime", "href", "window", "layers", "geometry", "crs", "properties", "thumbnail",
)  # fmt: skip
"""Columns that a hit is made of."""

_LONGEST_SCALAR = 1000


def primary_key(name: str) -> pa.Field:
    """A text column that Lance keeps unique when two writers insert at once (declared, so atomic with creation)."""
    return pa.field(name, pa.string(), nullable=False, metadata={"lance-schema:unenforced-primary-key:position": "1"})


def chip_schema(dim: int) -> pa.Schema:
    """The Arrow schema of an archive whose embeddings have length `dim`."""
    return pa.schema(
        [
            primary_key("id"),
            pa.field("scene_id", pa.string()),
            pa.field("sensor", pa.string()),
            pa.field("family", pa.string()),
            pa.field("datetime", pa.timestamp("us", tz="UTC")),
            pa.field("href", pa.string()),
            pa.field("window", pa.list_(pa.int32(), 4)),
            pa.field("layers", pa.string()),
            *(pa.field(name, pa.float64()) for name in BOUNDS),
            pa.field("geometry", pa.binary()),
            pa.field("crs", pa.string()),
            pa.field("properties", pa.string()),
            pa.field("scalars", pa.json_()),
            pa.field("thumbnail", pa.binary()),
            pa.field("vector", pa.list_(pa.float32(), dim)),
            pa.field("tokens", pa.binary()),
            pa.field("model_id", pa.string()),
        ]
    )


def chip_table(
    chips: Sequence[Chip],
    vectors: NDArray[np.float32],
    tokens: Sequence[bytes | None],
    thumbnails: Sequence[bytes | None],
    model_id: str,
) -> pa.Table:
    """Rows for chips and their embeddings.

    Args:
        chips: B chips.
        vectors: (B, D), L2-normalised.
        tokens: B packed tokens or None.
        thumbnails: B JPEG files or None.
        model_id: the model that made `vectors`.
    """
    columns: dict[str, list[Any]] = {name: [] for name in (*HIT_COLUMNS, "family", "scalars", *BOUNDS)}
    scenes: dict[int, dict[str, Any]] = {}  # by identity: chips of one scene share it
    for chip, thumbnail in zip(chips, thumbnails, strict=True):
        scene = scenes.get(id(chip.scene))
        if scene is None:
            scene = scenes[id(chip.scene)] = _scene_values(chip.scene)
        for name, value in (*scene.items(), *_chip_values(chip).items()):
            columns[name].append(value)
        columns["thumbnail"].append(thumbnail)
    schema = chip_schema(vectors.shape[1])
    arrays = []
    for field in schema:
        if field.name == "vector":
            flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1))
            arrays.append(pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]))
        elif field.name == "scalars":
            arrays.append(pa.ExtensionArray.from_storage(field.type, pa.array(columns["scalars"], pa.string())))
        elif field.name == "tokens":
            arrays.append(pa.array(list(tokens), field.type))
        elif field.name == "model_id":
            arrays.append(pa.array([model_id] * len(chips), field.type))
        else:
            arrays.append(pa.array(columns[field.name], field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def _scene_values(scene: SceneRef) -> dict[str, Any]:
    """What all chips of a scene have in common."""
    properties = clean_json(scene.properties)
    return {
        "scene_id": scene.id,
        "sensor": scene.sensor,
        "family": sensor(scene.sensor).family,
        "datetime": _utc(scene.datetime),
        "href": scene.href,
        "layers": json.dumps([astuple(layer) for layer in scene.layers]),
        "properties": json.dumps(properties, ensure_ascii=False),
        "scalars": json.dumps(
            {
                key: value
                for key, value in properties.items()
                if isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) <= _LONGEST_SCALAR)
            },
            ensure_ascii=False,
        ),
    }


def _chip_values(chip: Chip) -> dict[str, Any]:
    """What is a chip's own."""
    footprint = chip.footprint
    bounds = unwrapped_bounds(footprint) if footprint else (None,) * 4
    return {
        "id": chip.id,
        "window": chip.window.to_list(),
        **dict(zip(BOUNDS, bounds, strict=True)),
        "geometry": shapely.to_wkb(footprint.geometry) if footprint else None,
        "crs": footprint.crs if footprint else None,
    }


def chip_from_row(row: Mapping[str, Any]) -> Chip:
    """The chip that a row (with `HIT_COLUMNS`) was made from, ready to be read again.

    The scene's own footprint is not kept, so `Chip.scene.footprint` is None.
    """
    geometry = shapely.from_wkb(row["geometry"]) if row["geometry"] is not None else None
    scene = SceneRef(
        id=row["scene_id"],
        href=row["href"],
        sensor=row["sensor"],
        layers=tuple(Layer(*layer) for layer in json.loads(row["layers"])),
        datetime=row["datetime"],
        properties=json.loads(row["properties"]),
    )
    return Chip(scene, Window(*row["window"]), Footprint(geometry, row["crs"]) if geometry is not None else None)


def unwrapped_bounds(footprint: Footprint) -> tuple[float, float, float, float]:
    """(minx, miny, maxx, maxy) in degrees with minx <= maxx; maxx is above 180 across the antimeridian."""
    west, south, east, north = footprint.bbox
    return west, south, east + 360.0 if east < west else east, north


def clean_json(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties as strict JSON values: NaN and infinities become null, dates text, anything else its `str`."""
    return {str(key): _clean(value) for key, value in properties.items()}


def _clean(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, str):
        # Lone surrogates (from undecodable file names) cannot be written as UTF-8.
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return clean_json(value)
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return [_clean(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def unit_vectors(vectors: NDArray[np.floating], dim: int, names: Sequence[str]) -> NDArray[np.float32]:
    """Check embeddings and return them as exactly normalised float32.

    Args:
        vectors: (B, D); rows must have length 1 within 2 % (what 16-bit arithmetic leaves).
        dim: D that the archive has.
        names: B names for messages.

    Raises:
        InputError: wrong shape, NaN or infinite values, or a row that is not normalised; the message names the row.
    """
    values = np.asarray(vectors, dtype=np.float32)
    if values.shape != (len(names), dim):
        raise InputError(f"vectors must have shape ({len(names)}, {dim}), got {values.shape}")
    norms = np.linalg.norm(values, axis=1)
    for name, norm in zip(names, norms, strict=True):
        if not math.isfinite(norm):
            raise InputError(f"the vector of {name} holds NaN or infinite values; leave this chip out or fix its model")
        if abs(norm - 1.0) > 0.02:
            raise InputError(f"the vector of {name} has length {norm:.3g}, not 1; divide it by its length first")
    return np.asarray(values / norms[:, None], dtype=np.float32)
