"""Semantic localisation with exact ground truth: find the tile of a mosaic that a human caption was written for.

    python benchmarks/localization_mosaic.py [--model NAME] [--mosaics 16] [--side 4] [--queries 8]

Tiles are test images of RSICD and UCM-Captions at their own size, one class once in a mosaic; the queries are captions
of some of its tiles, and the truth is the tile's rectangle. Windows are not told where tiles begin. Rsu, Ras, Rda and
Rmi are the corrected ones (`swath.evaluation.localization`); `pointing` is the share of queries whose highest pixel
lies in the right tile, of which `chance` would be right. Intervals are bootstrapped over mosaics.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from harness import data_root, write_result
from numpy.typing import NDArray
from PIL import Image

from swath.data import Dataset, read_dataset
from swath.evaluation.localization import score_map
from swath.evaluation.run_localization import summarise
from swath.localize import By, localize
from swath.models import DualEncoder
from swath.raster import read_chip, scene_from_file

DATASETS = {"rsicd": 224, "ucm": 256}
"""Data set and side of its images."""

PIXEL = 4


@dataclass(frozen=True)
class Mosaic:
    """A picture of tiles, and the queries whose answers are some of them.

    Attributes:
        path: the picture (PNG).
        captions: the queries.
        tiles: (N, 4) left, top, right, bottom of each query's tile.
    """

    path: Path
    captions: list[str]
    tiles: NDArray[np.float64]


def make_mosaics(
    pairs: Dataset, tile: int, folder: Path, *, count: int, side: int, queries: int, seed: int = 0, jpeg: bool = False
) -> list[Mosaic]:
    """Draw mosaics of `side` x `side` tiles of different classes.

    As JPEG they keep colours at full size, so that every decoder gives the same pixels.
    """
    rng = np.random.default_rng(seed)
    classes = defaultdict(list)
    for pair in pairs:
        classes[pair.labels[0]].append(pair)
    if len(classes) < side**2:
        raise SystemExit(f"{len(classes)} classes are too few for {side} x {side} tiles of different classes")
    mosaics = []
    for number in range(count):
        picture = Image.new("RGB", (side * tile, side * tile))
        chosen = [
            classes[name][rng.integers(len(classes[name]))] for name in rng.permutation(sorted(classes))[: side**2]
        ]
        corners = [(place % side * tile, place // side * tile) for place in range(side**2)]
        for pair, corner in zip(chosen, corners, strict=True):
            pixels = np.moveaxis(read_chip(pair.chip).to_rgb(), 0, -1)
            picture.paste(Image.fromarray(np.ascontiguousarray(pixels)).resize((tile, tile)), corner)
        path = folder / f"mosaic{number}.{'jpg' if jpeg else 'png'}"
        picture.save(path, compress_level=1, quality=95, subsampling=0)
        asked = rng.permutation(side**2)[:queries]
        captions = [str(rng.choice(chosen[place].captions)) for place in asked]
        tiles = np.array([(*corners[place], corners[place][0] + tile, corners[place][1] + tile) for place in asked])
        mosaics.append(Mosaic(path, captions, tiles.astype(np.float64)))
    return mosaics


def corners_of(tile: NDArray[np.float64]) -> NDArray[np.float64]:
    """(4, 2) corners (x, y) of a rectangle."""
    left, top, right, bottom = tile
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def measure(
    model: DualEncoder, mosaics: list[Mosaic], scales: tuple[int, ...], by: By
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Mean scores over all queries, and their intervals."""
    scores, owner = [], []
    for mosaic in mosaics:
        scene = scene_from_file(str(mosaic.path), sensor="rgb")
        heat = localize(scene, mosaic.captions, model, scales=scales, by=by, pixel=PIXEL)
        for number, tile in enumerate(mosaic.tiles):
            regions = [corners_of(tile) / PIXEL]
            scores.append(score_map(heat.array(number), regions, distance=heat.scales[0] / 2 / PIXEL))
            owner.append(mosaic.path.name)
    return summarise(scores, owner)


def main() -> None:
    """Measure on both data sets and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="swath-mini")
    parser.add_argument("--mosaics", type=int, default=16)
    parser.add_argument("--side", type=int, default=4)
    parser.add_argument("--queries", type=int, default=8)
    parser.add_argument("--scales", default="128,256")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = DualEncoder.from_pretrained(options.model)
    scales = tuple(int(part) for part in options.scales.split(","))
    metrics: dict[str, float] = {"chance": 1 / options.side**2}
    intervals: dict[str, tuple[float, float]] = {}
    for dataset, tile in DATASETS.items():
        pairs = read_dataset(data_root() / dataset).split("test")
        with tempfile.TemporaryDirectory() as folder:
            mosaics = make_mosaics(
                pairs, tile, Path(folder), count=options.mosaics, side=options.side, queries=options.queries
            )
            for by in ("windows", "tokens"):
                found, bounds = measure(model, mosaics, scales, by)
                prefix = dataset if by == "windows" else f"{dataset}_tokens"
                metrics |= {f"{prefix}_{name}": value for name, value in found.items()}
                intervals |= {f"{prefix}_{name}": value for name, value in bounds.items()}
    write_result(
        "localization_mosaic",
        {
            "model": model.model_id,
            "data": "test images and captions of RSICD (224 px) and UCM-Captions (256 px)",
            "mosaics": options.mosaics,
            "tiles": f"{options.side} x {options.side}, each of another class",
            "queries": options.mosaics * options.queries,
            "scales": list(scales),
            "pixel": PIXEL,
            "intervals": "95 % bootstrap over mosaics, 2,000 rounds",
        },
        metrics,
        intervals,
    )


if __name__ == "__main__":
    main()
