"""Parquet tables of pairs: image paths beside an image folder, or the image bytes themselves (Hugging Face layout)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from swath.data.annotations import Annotations, Layout, ReadOptions, image_root
from swath.data.columns import Columns, RowGatherer, choose_columns
from swath.data.dataset import Dataset
from swath.data.packed import suffix_of, unpack_folder, unpack_image
from swath.data.pairs import Pair
from swath.data.scene_parts import PART_COLUMNS
from swath.errors import DataError
from swath.sensors import matching

_BATCH = 256

IMAGES_KEY = b"swath:images"
"""Metadata of a table that name its image folder, relative to the table (tables of long captions have it)."""


def find_parquet(path: Path) -> Path | None:
    """`path`, if it is a Parquet file or a folder with Parquet files (also in ``data/``)."""
    if path.is_file():
        return path if path.suffix == ".parquet" else None
    return path if _files(path) else None


def read_parquet(path: Path, options: ReadOptions) -> Annotations:
    """Read one Parquet file, or all in a folder.

    The image column holds paths, bytes, or ``{"bytes", "path"}``; bytes are unpacked once (see `unpack_folder`). The
    caption column holds a text or a list of texts. Windows of scenes are told by further columns
    (see `swath.data.scene_parts`). Splits: the ``split`` column, or the file's name
    (``train-00000-of-00002.parquet``). Of windows, those of another sensor than the one wanted are left out.

    Raises:
        DataError: not Parquet, columns missing, a caption without image, or no window of the sensor wanted.
    """
    gatherer = RowGatherer()
    folder = unpack_folder(path, options)
    packed = False
    for file in [path] if path.is_file() else _files(path):
        packed |= _read_file(file, gatherer, folder)
    entries = gatherer.annotations()
    if not entries:
        raise DataError(f"{path} has no rows")
    if options.sensor is not None:
        wanted = matching(options.sensor)
        found = {entry.part.sensor for entry in entries if entry.part is not None}
        entries = tuple(entry for entry in entries if entry.part is None or entry.part.sensor in wanted)
        if not entries:
            raise DataError(f"{path} has no images of sensor {options.sensor!r}; it has {', '.join(sorted(found))}")
    beside = path.parent if path.is_file() else path
    noted = _noted_folder(path)
    if noted is not None and options.images is None:
        options = replace(options, images=noted)
    root = folder if packed else image_root(beside, (entry.name for entry in entries), options)
    return Annotations(path.stem if path.is_file() else path.resolve().name, root, entries)


def write_parquet(dataset: Dataset, path: Path, embed_images: bool = False) -> None:
    """Write a data set as one Parquet file that `read_parquet` reads back.

    Args:
        dataset: pairs of plain image files.
        path: the file to write.
        embed_images: put the image bytes into the table; otherwise the image names, relative to `dataset.root`.

    Raises:
        DataError: an image is not a single file, or cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = pa.list_(pa.string())
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())]) if embed_images else pa.string()
    kinds = {"image": image, "captions": texts, "long_captions": texts, "labels": texts}
    kinds |= {"split": pa.string(), "dataset": pa.string(), "group": pa.string()}
    kinds |= {"lon": pa.float64(), "lat": pa.float64()}
    schema = pa.schema(list(kinds.items()))
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, len(dataset), _BATCH):
            rows = [_row(dataset, pair, embed_images) for pair in dataset.pairs[start : start + _BATCH]]
            writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=schema))


PARQUET = Layout("parquet", "a .parquet table with an image and a caption column", find_parquet, read_parquet)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet")) or sorted(folder.glob("data/*.parquet"))


def _read_file(path: Path, gatherer: RowGatherer, folder: Path) -> bool:
    """Gather one file's rows; True if it holds image bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            columns = choose_columns(file.schema_arrow.names, str(path))
            packed = not (
                pa.types.is_string(file.schema_arrow.field(columns.image).type)
                or pa.types.is_large_string(file.schema_arrow.field(columns.image).type)
            )
            wanted = [name for name in _used(columns) if name]
            if set(PART_COLUMNS[:3]) <= set(file.schema_arrow.names):
                wanted += [name for name in PART_COLUMNS if name in file.schema_arrow.names]
            for number, row in enumerate(_rows(file, wanted), 1):
                name = _unpacked(row[columns.image], path, number, folder) if packed else ""
                gatherer.add(row, columns, path, number, name)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} is not a readable Parquet file: {error}") from error
    return packed


def _noted_folder(path: Path) -> Path | None:
    """The image folder that a table's metadata name, if it is there."""
    import pyarrow.parquet as pq

    noted = (pq.read_schema(path).metadata or {}).get(IMAGES_KEY, b"") if path.is_file() else b""
    folder = path.parent / noted.decode("utf-8", errors="replace")
    return folder if noted and folder.is_dir() else None


def _used(columns: Columns) -> tuple[str, ...]:
    return (
        columns.image,
        columns.caption,
        columns.long,
        columns.label,
        columns.split,
        columns.dataset,
        columns.lon,
        columns.lat,
        columns.group,
    )


def _rows(file: Any, columns: list[str]) -> Iterator[dict[str, object]]:  # noqa: ANN401
    for batch in file.iter_batches(batch_size=_BATCH, columns=columns):
        yield from batch.to_pylist()


def _unpacked(value: object, path: Path, number: int, folder: Path) -> str:
    """Unpack one image cell; returns the image's name."""
    data = value.get("bytes") if isinstance(value, Mapping) else value
    given = value.get("path") if isinstance(value, Mapping) else None
    if not isinstance(data, bytes) or not data:
        raise DataError(
            f"{path}, row {number}: a caption without image (the image cell is empty); fill it in, or delete the row"
        )
    name = str(given) if given else f"{path.stem}-{number:06d}{suffix_of(data)}"
    unpack_image(folder, name, data)
    return name


def _row(dataset: Dataset, pair: Pair, embed_images: bool) -> dict[str, object]:
    file = dataset.image_file(pair)
    image: object = pair.name
    if embed_images:
        try:
            image = {"bytes": file.read_bytes(), "path": pair.name}
        except OSError as error:
            raise DataError(f"image {file} cannot be read: {error}") from error
    lon, lat = pair.location or (None, None)
    return {
        "image": image,
        "captions": list(pair.captions),
        "long_captions": list(pair.long_captions),
        "labels": list(pair.labels),
        "split": pair.split,
        "dataset": pair.provenance.get("dataset"),
        "lon": lon,
        "lat": lat,
        "group": pair.group,
    }
