"""A recipe over pictures of two sensors, some of which show one place at one time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import rasterio

from generate import captions
from generate.recipes import MODEL, tiny_recipe
from swath.training import Recipe

TOWER = MODEL["towers"]["rgb"] | {"drop_path": 0.0, "dropout": 0.0}
TWO_TOWERS = MODEL | {
    "towers": {"rgb": TOWER, "s2": TOWER | {"bands": 12}},
    "sensors": {"rgb": {"tower": "rgb"}, "s2-l2a": {"tower": "s2", "input": "bands"}},
    "location": {"type": "satclip", "width": 8, "legendre_polys": 3, "capacity": 8},
}


def twelve_bands(path: Path, seed: int, size: int = 32) -> None:
    """A Sentinel-2 chip of random numbers."""
    values = np.random.default_rng(seed).integers(100, 4000, (12, size, size), dtype=np.uint16)
    with rasterio.open(path, "w", driver="GTiff", width=size, height=size, count=12, dtype="uint16") as file:
        file.write(values)


def radar(path: Path, seed: int, size: int = 32) -> None:
    """A Sentinel-1 chip of random decibels, VV and VH."""
    values = np.random.default_rng(seed).normal(-14, 5, (2, size, size)).astype(np.float32)
    with rasterio.open(path, "w", driver="GTiff", width=size, height=size, count=2, dtype="float32") as file:
        file.write(values)


def radar_and_bands(folder: Path, each: int = 8) -> Path:
    """Write a data set of Sentinel-1 and Sentinel-2 chips with captions, labels and places; returns the folder.

    Args:
        folder: the data set.
        each: chips of each sensor in each of the splits train and val.
    """
    rows = []
    for number in range(2 * each):
        for kind, write in (("s1", radar), ("s2", twelve_bands)):
            (folder / "images").mkdir(parents=True, exist_ok=True)
            write(folder / "images" / f"{kind}_{number}.tif", number)
            label = captions.CLASSES[number % len(captions.CLASSES)]
            row = {"image": f"{kind}_{number}.tif", "captions": [f"{label}. land"], "labels": [label, "land"]}
            row |= {"lon": 3.0 * number, "lat": 40.0, "split": "train" if number < each else "val"}
            rows.append(row | {"group": f"place {number}"})
    pq.write_table(pa.Table.from_pylist(rows), folder / "pairs.parquet")
    return folder


def two_sensors(folder: Path, *overrides: str, pictures: int = 16, chips: int = 6, pairs: int = 4) -> Recipe:
    """A recipe with a tower for RGB and one for Sentinel-2.

    Args:
        folder: where data and run go; a second call finds the data there.
        overrides: of the recipe.
        pictures: RGB pictures, all with captions; the first `pairs` have a group and a place.
        chips: Sentinel-2 chips; the first `pairs` are partners of the pictures and have no captions.
        pairs: partners.
    """
    base = tiny_recipe(folder, "objective.class_weight=0")
    root = folder / "data"
    if not (root / "rgb.parquet").exists():
        for number in range(pictures):
            captions.save(root / "images" / f"{number}.png", captions.picture(number, 32))
        _table(root / "rgb.parquet", [f"{number}.png" for number in range(pictures)], pairs, silent=False)
        for number in range(chips):
            twelve_bands(root / "images" / f"{number}.tif", number)
        _table(root / "s2.parquet", [f"{number}.tif" for number in range(chips)], pairs, silent=True)
    train = [
        {"path": "rgb.parquet", "split": None, "sensor": "rgb"},
        {"path": "s2.parquet", "split": None, "sensor": "s2-l2a"},
    ]
    data = base.model_dump()["data"] | {"train": train}
    recipe = Recipe.parse(base.model_dump() | {"model": TWO_TOWERS, "data": data})
    file = folder / "two.yaml"
    file.write_text(recipe.to_yaml())
    return Recipe.load(file, overrides)


def _table(path: Path, images: list[str], pairs: int, *, silent: bool) -> None:
    rows = []
    for number, image in enumerate(images):
        partner = number < pairs
        label = captions.CLASSES[number % len(captions.CLASSES)]
        written = captions.captions(label) if not (partner and silent) else []
        rows.append(
            {
                "image": image,
                "captions": written,
                "labels": [label, "land"] if written else [],
                "group": f"place {number}" if partner else None,
                "lon": float(number) if partner else None,
                "lat": 10.0 if partner else None,
            }
        )
    pq.write_table(pa.Table.from_pylist(rows), path)
