"""Deciding what a source is from how it is named."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from swath.errors import InputError, SourceError
from swath.raster import SUFFIXES
from swath.raster.hrefs import is_remote, local_path, scheme_of
from swath.sensors import matching
from swath.sources.api import ApiSource
from swath.sources.base import Source
from swath.sources.containers import SUFFIXES as CONTAINERS
from swath.sources.containers import ArraySource, CorpusSource, find_corpus
from swath.sources.documents import read_json
from swath.sources.folder import EXCLUDE, FolderSource, UrlSource
from swath.sources.parquet import ParquetSource, is_parquet
from swath.sources.stac import CatalogSource, ItemCollectionSource, ItemSource

_CATALOGS = ("catalog.json", "collection.json")
_COLLECTIONS = ("items.json", "item_collection.json", "itemcollection.json")


def open_source(
    spec: str | Path,
    *,
    sensor: str | None = None,
    bands: Sequence[str] | None = None,
    include: Sequence[str] = ("*",),
    exclude: Sequence[str] = EXCLUDE,
    href_column: str | None = None,
    collections: Sequence[str] | None = None,
    bbox: Sequence[float] | None = None,
    datetime: str | None = None,
    limit: int | None = None,
) -> Source:
    """Open a source of scenes by what its name says it is.

    - a folder with ``catalog.json`` or ``collection.json``: static STAC catalogue;
    - a folder with ``items.json``: STAC item collection;
    - a folder with ``metadata.parquet`` and HDF5 files, or an HDF5 file: images in CrisisLandMark's layout;
    - an ``.npz`` file: patches in a numpy archive;
    - any other folder: the images, GeoTIFFs and COGs in it;
    - ``.json`` / ``.geojson`` (path or http(s) URL): STAC item, item collection, catalogue or collection;
    - ``.parquet``: GeoParquet of hrefs, or stac-geoparquet;
    - an http(s) URL that answers as a STAC API: a search, with the options below or the same as URL parameters
      (``https://host/stac?collections=a,b&bbox=1,2,3,4&datetime=2020-01-01/..&limit=100``);
    - a raster file or its URL: that one scene.

    Args:
        spec: path or URL.
        sensor: a sensor or family to read all scenes as; None to recognise each.
        bands: names of the files' bands in file order, where files name none or wrong ones (folders, files, tables).
        include: name patterns to take (folders).
        exclude: name patterns to leave out (folders).
        href_column: the column of hrefs (tables).
        collections: collections to search (APIs).
        bbox: west, south, east, north in degrees (APIs).
        datetime: RFC 3339 instant or interval (APIs).
        limit: most items to take (APIs).

    Raises:
        SourceError: there is nothing at `spec`, or it is of no known kind.
        SensorError: there is no such sensor.
        InputError: an option is malformed, or not for this kind of source.
    """
    if sensor is not None:
        matching(sensor)
    search = {"collections": collections, "bbox": bbox, "datetime": datetime, "limit": limit}
    chosen = {"include": include, "exclude": exclude}
    found = _open(os.fspath(spec), sensor, bands, chosen, href_column, search)
    # Taking more than was asked for would cost hours: an option that the source would not follow is refused.
    if not isinstance(found, ApiSource):
        _refuse(found, "only for searching a STAC API, which this is not", search)
    if not isinstance(found, FolderSource) and tuple(include) != ("*",):
        _refuse(found, "only for choosing files of a folder of images, which this is not", {"include": include})
    lists_files = isinstance(found, ParquetSource) and found.column != "assets"
    if isinstance(found, ItemSource) and not lists_files:
        _refuse(found, "only for naming the bands of files; those of STAC items have names", {"bands": bands})
    return found


def _refuse(source: Source, purpose: str, options: Mapping[str, Any]) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise InputError(f"{source.name}: {', '.join(given)}: {purpose}; leave that out")


def _open(
    text: str,
    sensor: str | None,
    bands: Sequence[str] | None,
    chosen: dict[str, Any],
    href_column: str | None,
    search: dict[str, Any],
) -> Source:
    """The source that a path or URL names."""
    if is_remote(text):
        return _remote(text, sensor, bands, search)
    if scheme_of(text) not in ("", "file"):
        raise SourceError(f"{text}: scheme {scheme_of(text)!r} is not read; give a path or an http(s), s3 or gs URL")
    path = Path(local_path(text))
    if path.is_dir():
        for name in (*_CATALOGS, *_COLLECTIONS):
            if (path / name).is_file():
                return _document(str(path / name), sensor)
        corpus = find_corpus(path)
        if corpus is not None:
            return CorpusSource(corpus, sensor=sensor, bands=bands)
        return FolderSource(path, sensor=sensor, bands=bands, **chosen)
    if is_parquet(path):
        return ParquetSource(path, sensor=sensor, bands=bands, href_column=href_column)
    return _file(path, sensor, bands)


def _file(path: Path, sensor: str | None, bands: Sequence[str] | None) -> Source:
    """The source that one local file is."""
    if not path.exists():
        raise SourceError(f"{path}: no such file or folder; check the path")
    if path.suffix.lower() in (".json", ".geojson"):
        return _document(str(path), sensor)
    if path.suffix.lower() in CONTAINERS:
        corpus = find_corpus(path)
        if corpus is None:
            return ArraySource(path, sensor=sensor, bands=bands)
        return CorpusSource(corpus, sensor=sensor, bands=bands)
    if path.suffix.lower() in SUFFIXES:
        return FolderSource(path, sensor=sensor, bands=bands)
    raise SourceError(
        f"{path}: not a source swath knows; give a folder, a raster ({', '.join(SUFFIXES)}), a STAC .json, "
        f"a .parquet table, a container ({', '.join(CONTAINERS)}) or a STAC API's URL"
    )


def _remote(text: str, sensor: str | None, bands: Sequence[str] | None, search: dict[str, Any]) -> Source:
    path = urlsplit(text).path.lower()
    if path.endswith(SUFFIXES):
        return UrlSource(text, sensor=sensor, bands=bands)
    if scheme_of(text) not in ("http", "https"):
        raise SourceError(f"{text}: only rasters are read from object stores; copy the document to disk first")
    if is_parquet(path):
        raise SourceError(f"{text}: tables are read from disk; copy the file to disk first")
    if path.endswith((".json", ".geojson")):
        return _document(text, sensor)
    url, options = _split_query(text)
    given = {key: value for key, value in search.items() if value is not None}
    return ApiSource(url, sensor=sensor, **{**options, **given})


def _document(href: str, sensor: str | None) -> Source:
    """The source for a STAC document, by its ``type``."""
    document = read_json(href)
    kind = document.get("type") if isinstance(document, dict) else None
    if kind in ("Catalog", "Collection"):
        return CatalogSource(href, sensor=sensor)
    if kind in ("FeatureCollection", "Feature"):
        return ItemCollectionSource(href, document=document, sensor=sensor)
    raise SourceError(f"{href}: type {kind!r} is no STAC document; give an Item, ItemCollection, Catalog or Collection")


def _split_query(text: str) -> tuple[str, dict[str, Any]]:
    """An API's address, and the search in its URL parameters."""
    parts = urlsplit(text)
    given = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    options: dict[str, Any] = {}
    try:
        if "collections" in given:
            options["collections"] = given.pop("collections").split(",")
        if "bbox" in given:
            options["bbox"] = [float(value) for value in given.pop("bbox").split(",")]
        if "datetime" in given:
            options["datetime"] = given.pop("datetime")
        if "limit" in given:
            options["limit"] = int(given.pop("limit"))
    except ValueError as error:
        raise InputError(f"{text}: bbox needs four numbers and limit a whole number ({error})") from error
    rest = "&".join(f"{key}={value}" for key, value in given.items())
    address = parts.path.removesuffix("/search") if options else parts.path
    return urlunsplit((parts.scheme, parts.netloc, address, rest, "")), options
