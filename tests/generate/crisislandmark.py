"""Corpora in CrisisLandMark's published layout: shards, a file that links them, metadata, queries, judgements."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

SIDE = 120


def pixels(bands: int, low: float, high: float, seed: int = 0, side: int = SIDE) -> NDArray[np.float32]:
    """(bands, side, side) seeded values."""
    return np.random.default_rng(seed).uniform(low, high, (bands, side, side)).astype(np.float32)


def coords(side: int = SIDE, x: float = 500_000.0, y: float = 5_000_000.0, metres: float = 10.0) -> NDArray[np.float32]:
    """(2, side, side) x and y of pixel centres, north up."""
    across = x + metres * (np.arange(side) + 0.5)
    down = y - metres * (np.arange(side) + 0.5)
    return np.stack(np.meshgrid(across, down)).astype(np.float32)


def write_key(
    file: h5py.File, key: str, image: NDArray[Any], place: NDArray[Any] | None = None, crs: object = 32633, **attrs: Any
) -> None:
    """One image of the layout."""
    group = file.create_group(key)
    group["image"] = image
    group["coords"] = coords(image.shape[-1]) if place is None else place
    group.attrs["crs"] = crs
    group.attrs["timestamp"] = "2021-07-15T05:53:00"
    for name, value in attrs.items():
        group.attrs[name] = value


KEYS = {
    "benv2s1_one": ("benv2s1_part1.h5", "train", ["Coniferous forest", "Water bodies"]),
    "mmflood_two": ("mmflood.h5", "corpus", ["Flooded Area"]),
    "quakeset_three": ("quakeset.h5", "corpus", ["earthquake damage"]),
    "benv2s2_four": ("benv2s2_part1.h5", "corpus", ["Arable land", "Inland waters"]),
    "cabuar_five": ("cabuar.h5", "corpus", ["Burned Area"]),
    "sen1flood_six": ("sen12flood.h5", "corpus", ["Flooded Area"]),
}
"""Key -> shard, split, the source's own labels."""


def image_of(key: str, side: int = SIDE) -> NDArray[np.float32]:
    """The image under a key: radar in decibel (quakeset in power, two dates), or 12 bands of reflectance x 10,000."""
    seed = list(KEYS).index(key)
    if key.startswith("quakeset"):
        return pixels(4, 0.01, 0.5, seed, side)
    if "s1" in key or key.startswith(("mmflood", "sen1flood")):
        return pixels(2, -25.0, -5.0, seed, side)
    return pixels(12, 1.0, 4000.0, seed, side)


def write_corpus(folder: Path, side: int = SIDE) -> Path:
    """The whole layout with one image of each source."""
    folder.mkdir(parents=True, exist_ok=True)
    for key, (shard, _, _) in KEYS.items():
        with h5py.File(folder / shard, "a") as file:
            write_key(file, key, image_of(key, side))
    with h5py.File(folder / "crisislandmark.h5", "w") as file:
        for key, (shard, _, _) in KEYS.items():
            file[key] = h5py.ExternalLink(shard, f"/{key}")
    write_metadata(folder, {key: (split, labels) for key, (_, split, labels) in KEYS.items()})
    queries = {"q1": "flooded area", "q2": "crops. water", "q3": "trees"}
    lines = [json.dumps({"id": name, "query": text}) for name, text in queries.items()]
    (folder / "queries.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "qrels").mkdir()
    judged = "q1 0 mmflood_two 1\nq1 0 sen1flood_six 1\nq2 0 benv2s2_four 1\nq3 0 cabuar_five 0\n"
    (folder / "qrels" / "corpus.tsv").write_text(judged)
    return folder


def write_metadata(folder: Path, rows: dict[str, tuple[str, list[str]]]) -> None:
    """``metadata.parquet``: key, split, the sources' own labels."""
    columns = {
        "key": list(rows),
        "split": [split for split, _ in rows.values()],
        "labels": [labels for _, labels in rows.values()],
    }
    pq.write_table(pa.table(columns), folder / "metadata.parquet")
