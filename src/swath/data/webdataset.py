"""WebDataset shards (``.tar``): samples are files with one key, ``000001.jpg`` + ``000001.txt`` and/or ``.json``.

The standard library's tarfile does the reading and writing; shards must be uncompressed, as WebDataset writes them.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from swath.data.annotations import Annotation, Annotations, Layout, ReadOptions
from swath.data.columns import split_of_file
from swath.data.dataset import Dataset, Failure
from swath.data.images import IMAGE_SUFFIXES
from swath.data.karpathy import parse_location
from swath.data.packed import MAX_IMAGE_BYTES, unpack_folder, unpack_image
from swath.data.pairs import Pair
from swath.errors import DataError

_UNSAFE = re.compile(r"[^\w\-]+")


@dataclass(slots=True)
class _Sample:
    """The members of one key."""

    key: str
    image: str = ""
    texts: dict[str, bytes] = field(default_factory=dict)


def find_shards(path: Path) -> Path | None:
    """`path`, if it is a ``.tar`` shard or a folder that holds shards."""
    if path.is_file():
        return path if path.suffix == ".tar" else None
    return path if _shards(path) else None


def read_shards(path: Path, options: ReadOptions) -> Annotations:
    """Read shards; their images are unpacked once (see `unpack_folder`).

    ``.txt`` holds one caption a line; ``.json`` may hold ``caption`` or ``captions``, ``long_captions``, ``labels``,
    ``split``, ``location``, ``dataset``; ``.cls`` a label. The split is the JSON's, or what the shard's name tells
    (``train-000000.tar``). A shard that breaks off is recorded as a failure and what came before the break is kept.

    Raises:
        DataError: a member leads out of the folder or is a link, a caption has no image, or nothing can be read.
    """
    folder = unpack_folder(path, options)
    entries: dict[str, Annotation] = {}
    failures: list[Failure] = []
    for shard in [path] if path.is_file() else _shards(path):
        for sample in _samples(shard, folder, failures):
            entry = _annotation(shard, sample)
            if entry.name in entries:
                raise DataError(f"{shard}: image {entry.name!r} is there twice; keys must be unique over all shards")
            entries[entry.name] = entry
    if not entries:
        detail = f": {failures[0].message}" if failures else ""
        raise DataError(f"{path} holds no sample{detail}")
    return Annotations(path.resolve().stem, folder, tuple(entries.values()), tuple(failures))


def write_shards(dataset: Dataset, folder: Path, per_shard: int = 1000) -> list[Path]:
    """Write a data set of plain image files as shards, one series a split, that `read_shards` reads back.

    Args:
        dataset: the pairs.
        folder: where shards go; made if needed.
        per_shard: images a shard.

    Returns:
        The shards written: ``<split>-000000.tar`` and so on (``data-...`` for images without a split).

    Raises:
        DataError: an image is not a single file, or cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    by_split: dict[str, list[Pair]] = {}
    for pair in dataset:
        by_split.setdefault(pair.split, []).append(pair)
    written = []
    for split, pairs in by_split.items():
        for number, start in enumerate(range(0, len(pairs), per_shard)):
            shard = folder / f"{_UNSAFE.sub('_', split) or 'data'}-{number:06d}.tar"
            _write_shard(dataset, shard, pairs[start : start + per_shard])
            written.append(shard)
    return written


SHARDS = Layout("webdataset", "WebDataset shards (.tar) with images and .txt or .json", find_shards, read_shards)


def _shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.tar"))


def _samples(shard: Path, folder: Path, failures: list[Failure]) -> Iterator[_Sample]:
    """The samples of one shard, in order; members of one key stand together, as WebDataset demands."""
    sample = _Sample("")
    try:
        with tarfile.open(shard, "r:") as archive:
            for member in archive:
                if member.isdir():
                    continue
                key, suffix = _key(member.name.removeprefix("./"))
                if key != sample.key:
                    if sample.key:
                        yield sample
                    sample = _Sample(key)
                _take(archive, _checked(member, shard, folder), suffix, sample, folder)
    except (tarfile.ReadError, EOFError) as error:
        failures.append(
            Failure(
                "damaged shard", shard.name, f"{shard} breaks off after {sample.key!r}: {error}", split_of_file(shard)
            )
        )
        return
    except OSError as error:
        raise DataError(f"{shard} cannot be read: {error}") from error
    if sample.key:
        yield sample


def _key(name: str) -> tuple[str, str]:
    """WebDataset's rule: the key is everything up to the first dot of the base name."""
    folder, slash, base = name.rpartition("/")
    stem, _, suffix = base.partition(".")
    return folder + slash + stem, "." + suffix.lower()


def _checked(member: tarfile.TarInfo, shard: Path, folder: Path) -> tarfile.TarInfo:
    try:
        safe = tarfile.data_filter(member, str(folder))
    except tarfile.FilterError as error:
        raise DataError(f"{shard}: member {member.name!r} is refused: {error}") from error
    if not safe.isfile() or safe.size > MAX_IMAGE_BYTES:
        raise DataError(f"{shard}: member {member.name!r} is refused: it is a link, a device or larger than 256 MiB")
    return safe


def _take(archive: tarfile.TarFile, member: tarfile.TarInfo, suffix: str, sample: _Sample, folder: Path) -> None:
    source = archive.extractfile(member)
    data = source.read() if source is not None else b""
    if len(data) != member.size:
        raise tarfile.ReadError(f"member {member.name!r} is cut short")
    if suffix in IMAGE_SUFFIXES:
        sample.image = member.name.removeprefix("./")
        unpack_image(folder, sample.image, data)
    else:
        sample.texts[suffix] = data


def _annotation(shard: Path, sample: _Sample) -> Annotation:
    where = f"{shard}, sample {sample.key!r}"
    if not sample.image:
        raise DataError(
            f"{where}: a caption without image (members: {', '.join(sample.texts) or 'none'}); "
            f"add one of {', '.join(sorted(IMAGE_SUFFIXES))} under the same key, or leave the key out"
        )
    about = _json(where, sample.texts.get(".json", b"{}"))
    captions = [*_strings(about.get("captions")), *_strings(about.get("caption"))]
    if not captions:
        captions = _decode(where, sample.texts.get(".txt", b"")).strip().splitlines()
    return Annotation(
        sample.image,
        captions=tuple(captions),
        long_captions=tuple(_strings(about.get("long_captions"))),
        labels=tuple(_strings(about.get("labels")) or _decode(where, sample.texts.get(".cls", b"")).split()[:1]),
        split=str(about.get("split") or split_of_file(shard)),
        location=parse_location(where, about.get("location")),
        provenance={
            "file": shard.name,
            "key": sample.key,
            **({"dataset": about["dataset"]} if "dataset" in about else {}),
        },
    )


def _decode(where: str, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: text is not UTF-8: {error}") from error


def _json(where: str, data: bytes) -> dict[str, object]:
    try:
        value = json.loads(_decode(where, data))
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{where}: its .json is not valid: {error}") from error
    if not isinstance(value, dict):
        raise DataError(f"{where}: its .json must be an object")
    return value


def _strings(value: object) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _write_shard(dataset: Dataset, shard: Path, pairs: Iterable[Pair]) -> None:
    with tarfile.open(shard, "w", format=tarfile.PAX_FORMAT) as archive:
        for number, pair in enumerate(pairs):
            image = dataset.image_file(pair)
            key = f"{shard.stem}-{number:06d}"
            about = {
                "name": pair.name,
                "captions": list(pair.captions),
                "long_captions": list(pair.long_captions),
                "labels": list(pair.labels),
                "split": pair.split,
                "location": list(pair.location) if pair.location else None,
                "dataset": pair.provenance.get("dataset", ""),
            }
            try:
                data = image.read_bytes()
            except OSError as error:
                raise DataError(f"image {image} cannot be read: {error}") from error
            _add(archive, key + image.suffix.lower(), data)
            _add(archive, key + ".json", json.dumps(about, ensure_ascii=False).encode())


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))
