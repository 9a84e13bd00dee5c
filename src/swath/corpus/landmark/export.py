"""A finished corpus with its pixels: CrisisLandMark's HDF5 layout, or Cloud Optimized GeoTIFFs beside the table.

Shards and images appear whole or not at all; a run that was interrupted goes on with those that are missing. A chip
that cannot be written is left out and listed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from swath.chips import Chip, Pixels
from swath.corpus.landmark.records import copied
from swath.data import Dataset, Pair
from swath.data.topics import documents_of, topics_of, write_topics
from swath.errors import GeoreferenceError, InputError, SwathError
from swath.raster import read_chip, scene_grid, write_geotiff
from swath.raster.hdf5 import keys, library
from swath.raster.windows import to_crs

MAIN = "crisislandmark.h5"
METADATA = "metadata.parquet"
SHARD = 1000
"""Images of a shard."""

Progress = Callable[[int, int, float], None]


@dataclass(slots=True)
class ExportReport:
    """What an export did.

    Attributes:
        folder: where to.
        images: images that are there now.
        written: those of this run.
        failures: images that could not be written, with the reason.
    """

    folder: Path
    images: int = 0
    written: int = 0
    failures: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "folder": str(self.folder),
            "images": self.images,
            "written": self.written,
            "failures": self.failures,
        }


def write_hdf5(dataset: Dataset, folder: Path, progress: Progress = lambda _done, _total, _rate: None) -> ExportReport:
    """Write CrisisLandMark's layout: shards, the file that links them, metadata, queries and judgements.

    Beside the published attributes every image has ``bands``, ``sensor`` and ``transform``, which make reading it back
    exact; pixels without data are NaN in all bands. The metadata have ``captions``, ``long_captions`` and ``sensor``
    beside the published columns.

    Args:
        dataset: labelled images of Sentinel-1 or Sentinel-2, or any that are not 8-bit pictures.
        folder: where to; made where it does not exist.
        progress: called with images done, all images, and 0.

    Raises:
        InputError: images of 8 bits, or two names that become one key.
        MissingExtraError: h5py is not installed.
    """
    h5 = library()
    named = _keyed(dataset.pairs)
    folder.mkdir(parents=True, exist_ok=True)
    report = ExportReport(folder)
    kept: list[tuple[str, Pair]] = []
    links: dict[str, str] = {}
    done = 0
    for shard, members in _shards(named):
        path = folder / shard
        fresh = not path.exists()
        if fresh:
            partial = path.with_name(shard + ".partial")
            with h5.File(partial, "w") as file:
                for key, pair in members:
                    try:
                        _write_image(file, key, pair)
                        report.written += 1
                    except SwathError as error:
                        report.failures.append(f"{pair.name}: {error}")
            os.replace(partial, path)
        held = set(keys(os.path.realpath(path)))
        if not fresh:
            report.failures += [
                f"{pair.name}: not in {path}, which an earlier run wrote; remove it to have it written again"
                for key, pair in members
                if key not in held
            ]
        kept += [(key, pair) for key, pair in members if key in held]
        links |= dict.fromkeys((key for key, _ in members if key in held), shard)
        done += len(members)
        progress(done, len(named), 0.0)
    partial = folder / f"{MAIN}.partial"
    with h5.File(partial, "w") as file:
        for key, shard in links.items():
            file[key] = h5.ExternalLink(shard, f"/{key}")
    os.replace(partial, folder / MAIN)
    _write_metadata(kept, folder)
    names = {pair.name: key for key, pair in kept}
    _write_queries(dataset, names, folder)
    report.images = len(kept)
    return report


def write_cogs(
    dataset: Dataset, table: Path, folder: Path, progress: Progress = lambda _done, _total, _rate: None
) -> ExportReport:
    """Write every image as a Cloud Optimized GeoTIFF under ``images/``, a table of them, queries and judgements.

    Args:
        dataset: images that are not 8-bit pictures.
        table: the finished corpus that `dataset` was read from; its rows go into ``corpus.parquet`` of the folder.
        folder: where to; made where it does not exist.
        progress: called with images done, all images, and 0.

    Raises:
        InputError: images of 8 bits, or two names that become one file.
        RasterError: the folder cannot be written.
    """
    named = _keyed(dataset.pairs)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    report = ExportReport(folder)
    names: dict[str, str] = {}
    for done, (key, pair) in enumerate(named, 1):
        target = folder / "images" / f"{key}.tif"
        try:
            if not target.exists():
                _write_cog(target, pair)
                report.written += 1
            names[pair.name] = key
        except SwathError as error:
            report.failures.append(f"{pair.name}: {error}")
        progress(done, len(named), 0.0)
    copied(table, folder / "corpus.parquet", {name: f"{key}.tif" for name, key in names.items()}, folder / "images")
    _write_queries(dataset, {name: name for name in names}, folder)
    report.images = len(names)
    return report


def key_of(name: str) -> str:
    """The key (and file name) of an image: its name without folders and endings that files have."""
    return name.replace(".tif", "").replace("/", "_").replace("#", "_").replace(" ", "_")


def _keyed(pairs: Sequence[Pair]) -> list[tuple[str, Pair]]:
    """Images with their keys.

    Raises:
        InputError: 8-bit pictures, or two images of one key.
    """
    picture = next((pair for pair in pairs if pair.chip.sensor.units == "dn8"), None)
    if picture is not None:
        raise InputError(
            f"{picture.name}: images of sensor {picture.chip.sensor.name!r} have 8 bits, this format holds measured "
            "values; keep the table, which names the files where they are"
        )
    named = [(key_of(pair.name), pair) for pair in pairs]
    twice = next((key for key, count in Counter(key for key, _ in named).items() if count > 1), None)
    if twice is not None:
        first, second = (pair.name for key, pair in named if key == twice)
        raise InputError(f"images {first!r} and {second!r} would both be called {twice!r}; rename one")
    return named


def _shards(named: Sequence[tuple[str, Pair]]) -> Iterator[tuple[str, list[tuple[str, Pair]]]]:
    """Shard names with their images: one sensor each, in order."""
    for sensor in dict.fromkeys(pair.chip.sensor.name for _, pair in named):
        own = [entry for entry in named if entry[1].chip.sensor.name == sensor]
        for number, first in enumerate(range(0, len(own), SHARD)):
            yield f"{sensor}_part{number + 1}.h5", own[first : first + SHARD]


def _write_image(file: Any, key: str, pair: Pair) -> None:  # noqa: ANN401 - h5py has no types
    pixels = read_chip(pair.chip, min_valid=0.0)
    crs, transform = _place(pair.chip)
    if crs is None:
        raise GeoreferenceError("has no georeference, and this layout needs coordinates; keep the table, or use COG")
    values = _masked(pixels)
    height, width = values.shape[1:]
    cols, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    x, y = transform.c + transform.a * cols + transform.b * rows, transform.f + transform.d * cols + transform.e * rows
    group = file.create_group(key)
    group.create_dataset("image", data=values, compression="gzip", compression_opts=4, shuffle=True)
    group.create_dataset("coords", data=np.stack([x, y]).astype(np.float32), compression="gzip", shuffle=True)
    group.attrs["crs"] = int(crs[5:]) if crs.startswith("EPSG:") else crs
    moment = pair.chip.scene.datetime
    group.attrs["timestamp"] = moment.isoformat() if moment is not None else ""
    group.attrs["labels"] = list(pair.labels)
    group.attrs["bands"] = list(pixels.sensor.band_names)
    group.attrs["sensor"] = pixels.sensor.name
    group.attrs["transform"] = list(transform)[:6]


def _write_cog(target: Path, pair: Pair) -> None:
    pixels = read_chip(pair.chip, min_valid=0.0)
    values = _masked(pixels)
    crs, transform = _place(pair.chip)

    def strips(rows: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        for first in range(0, values.shape[1], rows):
            yield first, values[:, first : first + rows]

    moment = pair.chip.scene.datetime
    write_geotiff(
        target,
        strips,
        shape=(values.shape[0], values.shape[1], values.shape[2]),
        crs=crs,
        transform=transform,
        bands=pixels.sensor.band_names,
        tags={} if moment is None else {"TIFFTAG_DATETIME": moment.strftime("%Y:%m:%d %H:%M:%S")},
    )


def _masked(pixels: Pixels) -> NDArray[np.float32]:
    """(bands, H, W) float32; NaN where there is no data."""
    return np.where(pixels.valid[None], pixels.data, np.nan).astype(np.float32)


def _place(chip: Chip) -> tuple[str | None, Affine]:
    grid = scene_grid(chip.scene)
    at = grid.transform
    x, y = to_crs(at, float(chip.window.col), float(chip.window.row))
    return grid.crs, Affine(at.a, at.b, x, at.d, at.e, y)


def _write_metadata(kept: Sequence[tuple[str, Pair]], folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = pa.list_(pa.string())
    kinds = {"key": pa.string(), "split": pa.string(), "labels": texts}
    kinds |= {"captions": texts, "long_captions": texts, "sensor": pa.string()}
    rows = [
        {
            "key": key,
            "split": pair.split,
            "labels": list(pair.labels),
            "captions": list(pair.captions),
            "long_captions": list(pair.long_captions),
            "sensor": pair.chip.sensor.name,
        }
        for key, pair in kept
    ]
    partial = folder / f"{METADATA}.partial"
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items()))), partial)
    partial.replace(folder / METADATA)


def _write_queries(dataset: Dataset, names: dict[str, str], folder: Path) -> None:
    """Queries and judgements over what was written, where images that are not for training have labels."""
    kept = Dataset(dataset.name, tuple(pair for pair in dataset if pair.name in names))
    if not any(pair.labels and pair.split != "train" for pair in kept):
        return
    topics = topics_of(documents_of(kept))
    renamed = {query: {names[name]: found for name, found in own.items()} for query, own in topics.qrels.items()}
    write_topics(replace(topics, qrels=renamed), folder)
