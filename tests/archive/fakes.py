"""Chips made from nothing, and an encoder without weights that gives a chip or text the same vector always."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
import torch
from numpy.typing import NDArray
from rasterio.transform import from_origin
from torch import Tensor

from swath.archive import Archive
from swath.archive.background import captions
from swath.chips import Chip, Footprint, Layer, Pixels, SceneRef, Window
from swath.features import Features
from swath.sensors import SENSORS
from swath.sources import cut, open_source

DIM = 16
START = datetime(2020, 1, 1, tzinfo=UTC)


def unit(seed: str | int, dim: int = DIM) -> NDArray[np.float32]:
    """A unit vector that depends on the seed only."""
    digest = hashlib.sha256(str(seed).encode()).digest()
    vector = np.random.default_rng(int.from_bytes(digest[:8], "little")).standard_normal(dim).astype(np.float32)
    return vector / np.linalg.norm(vector)


def units(count: int, dim: int = DIM, seed: int = 0) -> NDArray[np.float32]:
    """(count, dim) random unit vectors."""
    vectors = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make_chip(
    number: int,
    lon: float | None = 0.0,
    lat: float = 0.0,
    *,
    side: float = 0.1,
    date: datetime | None = START,
    sensor: str = "rgb",
    properties: dict[str, Any] | None = None,
    geometry: shapely.Geometry | None = None,
) -> Chip:
    """A chip whose footprint is a box of `side` degrees around (lon, lat); none for lon None."""
    if geometry is None and lon is not None:
        half = side / 2
        geometry = shapely.box(lon - half, lat - half, lon + half, lat + half)
    href = f"/data/scene{number}.tif"
    layers = tuple(Layer(band, href, place) for place, band in enumerate(SENSORS[sensor].band_names, 1))
    scene = SceneRef(f"scene{number}", href, sensor, layers, None, date, properties or {})
    return Chip(scene, Window(0, 0, 256, 256), None if geometry is None else Footprint(geometry, "EPSG:4326"))


def grid(count: int, seed: int = 0) -> list[Chip]:
    """Chips all over the world, of three sensors, over two years; every tenth without georeference or date."""
    rng = np.random.default_rng(seed)
    chips = []
    for number in range(count):
        nowhere = number % 10 == 9
        chips.append(
            make_chip(
                number,
                None if nowhere else float(rng.uniform(-179, 179)),
                float(rng.uniform(-80, 80)),
                side=float(rng.uniform(0.05, 1.0)),
                date=None if nowhere else START + timedelta(hours=float(rng.uniform(0, 17520))),
                sensor=("rgb", "s2-l2a", "s1-grd")[number % 3],
                properties={"cloud": float(rng.uniform(0, 100)), "name": f"n{number}", "even": number % 2 == 0},
            )
        )
    return chips


class FakeEncoder:
    """Embeds an image by its mean colours over a 2 x 2 grid, a text by its hash, unless the text is given a vector."""

    def __init__(self, dim: int = DIM, model_id: str = "fake@1", texts: dict[str, NDArray[np.float32]] | None = None):
        self.model_id = model_id
        self.dim = dim
        self.texts = texts or {}
        self.encoded_texts = 0
        self.images = 0
        rng = np.random.default_rng(1)
        self._weights = torch.from_numpy(rng.standard_normal((12, dim)).astype(np.float32))

    def prepare(self, pixels: Pixels) -> Tensor:
        picture = torch.from_numpy(pixels.to_rgb().astype(np.float32)) / 255 - 0.4
        return torch.nn.functional.adaptive_avg_pool2d(picture, 2)

    def encode_images(self, batch: Tensor, sensor: str) -> Features:
        self.images += len(batch)
        # Row by row: a product of a whole batch may round differently than that of a part of it.
        pooled = torch.stack([torch.nn.functional.normalize(row.flatten() @ self._weights, dim=0) for row in batch])
        return Features(pooled, pooled[:, None].repeat(1, 3, 1), torch.ones(len(batch), 3, dtype=torch.bool))

    def encode_texts(self, texts: Sequence[str]) -> Features:
        self.encoded_texts += len(texts)
        pooled = torch.from_numpy(np.stack([self.texts.get(text, unit(text, self.dim)) for text in texts]))
        return Features(pooled, pooled[:, None], torch.ones(len(texts), 1, dtype=torch.bool))


def filled(
    uri: Any, chips: Sequence[Chip], vectors: NDArray[np.float32] | None = None, encoder: FakeEncoder | None = None
) -> Archive:
    """An archive that holds the chips."""
    vectors = units(len(chips)) if vectors is None else vectors
    encoder = encoder or FakeEncoder(vectors.shape[1])
    archive = Archive.create(uri, encoder.model_id, encoder.dim, encoder=encoder)
    archive.add(chips, vectors)
    return archive


def write_scenes(folder: Path, count: int, side: int = 128) -> Path:
    """RGB GeoTIFFs of coloured noise, one beside the other along the equator."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        colours = np.random.default_rng(number).integers(0, 255, (3, 8, 8), dtype=np.uint8)
        pixels = np.kron(colours, np.ones((1, side // 8, side // 8), np.uint8))
        profile = {"driver": "GTiff", "width": side, "height": side, "count": 3, "dtype": "uint8", "crs": "EPSG:4326"}
        transform = from_origin(number * 0.2, 0.1, 0.1 / side, 0.1 / side)
        with rasterio.open(folder / f"scene{number:03d}.tif", "w", **profile, transform=transform) as out:
            out.write(pixels)
    return folder


def source_chips(folder: Path, size: int = 32) -> list[Chip]:
    """All chips of a folder of scenes."""
    return list(cut(open_source(str(folder)), size))


def on_one_scale(
    scores: NDArray[np.floating], sensors: Sequence[str], vectors: NDArray[np.float32], bank: NDArray[np.float32]
) -> NDArray[np.floating]:
    """Calibrated scores by their definition, one sensor after the other; all of its rows are the sample."""
    found, names = np.array(scores, dtype=np.float64), np.array(sensors)
    levels = {name: np.quantile(vectors[names == name] @ bank.T, [0.5, 0.99]) for name in set(sensors)}
    centre = np.mean([middle for middle, _ in levels.values()])
    spread = np.mean([upper - middle for middle, upper in levels.values()])
    for name, (middle, upper) in levels.items():
        own = names == name
        found[own] = centre + spread * (found[own] - middle) / (upper - middle)
    return found


def caption_bank(dim: int = DIM) -> NDArray[np.float32]:
    """The background bank as `FakeEncoder` gives it and an archive keeps it."""
    return np.stack([unit(caption, dim) for caption in captions()]).astype(np.float16).astype(np.float32)


def contents(archive: Archive) -> list[dict[str, Any]]:
    """Every row, sorted by id: what two archives are compared by."""
    rows = archive._store.snapshot().search().limit(None).to_list()
    return sorted(rows, key=lambda row: row["id"])
