"""Images inside container files: HDF5 files of CrisisLandMark's layout, and numpy archives of patches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swath.chips import SceneRef
from swath.errors import MissingExtraError, SourceError, SwathError
from swath.raster import arrays, hdf5, scene_from_file
from swath.raster.hrefs import local_path
from swath.sources.base import Source

SUFFIXES = (*hdf5.SUFFIXES, ".npz")
"""File names of containers, in lower case."""

METADATA = "metadata.parquet"
"""The table beside HDF5 files: `key`, `split`, `labels`."""

_MAIN = "crisislandmark.h5"


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus in CrisisLandMark's layout.

    Attributes:
        file: the HDF5 file whose keys name the images.
        table: its metadata; None where there is none.
        whole: whether the file stands for the whole table, or is one of its shards.
    """

    file: Path
    table: Path | None
    whole: bool

    def rows(self) -> Iterator[dict[str, Any]]:
        """One row an image: `key`, and the other columns of the metadata.

        Raises:
            SourceError: the table cannot be read or has no column `key`.
            RasterError: the HDF5 file cannot be read.
            MissingExtraError: h5py is not installed.
        """
        hdf5.library()
        held = None if self.whole and self.table is not None else set(hdf5.keys(local_path(self.file)))
        if self.table is None:
            yield from ({"key": key} for key in sorted(held or ()))
            return
        for row in read_metadata(self.table):
            if held is None or row["key"] in held:
                yield row


def find_corpus(path: Path) -> Corpus | None:
    """The corpus at a path: a folder with ``metadata.parquet`` and HDF5 files, or an HDF5 file; else None.

    Raises:
        SourceError: the folder has several HDF5 files, and nothing says which of them links the others.
    """
    if path.is_file():
        beside = path.parent / METADATA
        if path.suffix.lower() not in hdf5.SUFFIXES:
            return None
        return Corpus(path, beside if beside.is_file() else None, path.name == _MAIN)
    if not (path / METADATA).is_file():
        return None
    files = [entry for entry in sorted(path.iterdir()) if entry.suffix.lower() in hdf5.SUFFIXES]
    if not files:
        return None
    main = [file for file in files if file.name == _MAIN] or [
        file for file in files if len(files) == 1 or hdf5.links_others(local_path(file))
    ]
    if len(main) != 1:
        raise SourceError(
            f"{path}: has {len(files)} HDF5 files, and not one of them ({_MAIN}) that links the others; "
            f"name the file: {files[0]}"
        )
    return Corpus(main[0], path / METADATA, True)


def read_metadata(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a ``metadata.parquet``, batch by batch.

    Raises:
        SourceError: unreadable, or there is no column `key`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            if "key" not in file.schema_arrow.names:
                raise SourceError(f"{path}: has the columns {', '.join(file.schema_arrow.names)}; it needs key")
            for batch in file.iter_batches(batch_size=4096):
                for row in batch.to_pylist():
                    yield row | {"key": str(row["key"])}
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{path}: cannot be read as Parquet ({error}); fetch it again") from error


class CorpusSource(Source):
    """The images of a corpus in CrisisLandMark's layout: one scene a key.

    Properties of a scene are the other columns of the metadata (``split``, ``labels``).
    """

    def __init__(self, corpus: Corpus, *, sensor: str | None = None, bands: Sequence[str] | None = None) -> None:
        """Name the corpus.

        Args:
            corpus: where it lies.
            sensor: sensor or family of all images; None to take what each says.
            bands: names of the bands that count in file order, in place of what the keys tell.
        """
        super().__init__(str(corpus.file if corpus.table is None else corpus.table.parent))
        self.corpus, self.sensor, self.bands = corpus, sensor, bands

    def _scenes(self) -> Iterator[SceneRef]:
        file = local_path(self.corpus.file)
        for row in self.corpus.rows():
            about = {name: value for name, value in row.items() if name != "key" and value is not None}
            yield from _scene(self, f"{file}#{row['key']}", row["key"], about)


class ArraySource(Source):
    """The images of a numpy archive: one scene a row; a scene's id is its row."""

    def __init__(self, path: str | Path, *, sensor: str | None = None, bands: Sequence[str] | None = None) -> None:
        """Name the archive.

        Args:
            path: the ``.npz`` file.
            sensor: sensor or family of all rows; None to recognise it by the number of bands.
            bands: names of the bands in the array's order.
        """
        super().__init__(str(path))
        self.sensor, self.bands = sensor, bands

    def _scenes(self) -> Iterator[SceneRef]:
        file = local_path(self.name)
        for key in arrays.keys(file):
            yield from _scene(self, f"{file}#{key}", key, {})


def _scene(source: CorpusSource | ArraySource, href: str, key: str, about: Mapping[str, Any]) -> Iterator[SceneRef]:
    try:
        scene = scene_from_file(href, sensor=source.sensor, bands=source.bands, scene_id=key, properties=about)
    except MissingExtraError:
        raise
    except SwathError as error:
        source.fail(href, error)
    else:
        yield scene
