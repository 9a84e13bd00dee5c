"""Karpathy's JSON layout: RSICD, UCM-Captions, Sydney-Captions, RSITMD, and what `swath data merge` writes.

``{"dataset": ..., "images": [{"filename", "split", "sentences": [{"raw": ...}]}]}`` with, where they are known,
``class`` (or ``cls``, ``labels``), ``long_sentences``, ``location`` ([lon, lat]) and, in a merged set, ``dataset``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from swath.data.annotations import Annotation, Annotations, Layout, ReadOptions, image_root
from swath.data.pairs import Pair
from swath.errors import DataError

_PEEK = 1 << 16


def find_karpathy(path: Path) -> Path | None:
    """The annotation file at `path` (the JSON itself or the folder that holds it); None if there is none.

    Raises:
        DataError: the folder holds several such files.
    """
    if path.is_file():
        return path if path.suffix == ".json" and _has_sentences(path) else None
    found = [entry for entry in sorted(path.glob("*.json")) if _has_sentences(entry)]
    if len(found) > 1:
        names = ", ".join(entry.name for entry in found)
        raise DataError(f"{path} holds several caption files ({names}); name the one to read")
    return found[0] if found else None


def read_karpathy(path: Path, options: ReadOptions) -> Annotations:
    """Parse a Karpathy JSON file.

    Raises:
        DataError: not valid JSON, or an entry lacks its file name or sentences; the message names the entry.
    """
    document = load_json(path)
    if not isinstance(document, dict) or not isinstance(document.get("images"), list) or not document["images"]:
        raise DataError(f'{path} has no list "images"; it is not in Karpathy layout')
    entries = tuple(_entry(path, number, image) for number, image in enumerate(document["images"]))
    root = image_root(path.parent, (entry.name for entry in entries), options)
    return Annotations(str(document.get("dataset") or path.stem), root, entries)


def write_karpathy(path: Path, name: str, pairs: Iterable[Pair]) -> None:
    """Write pairs as a Karpathy JSON file that `read_karpathy` reads back; image names are the pairs' names."""
    images = []
    for number, pair in enumerate(pairs):
        entry: dict[str, object] = {"filename": pair.name, "imgid": number, "split": pair.split}
        entry["sentences"] = [{"raw": text} for text in pair.captions]
        optional = {
            "long_sentences": [{"raw": text} for text in pair.long_captions],
            "labels": list(pair.labels),
            "location": list(pair.location or ()),
            "dataset": pair.provenance.get("dataset"),
        }
        images.append(entry | {key: value for key, value in optional.items() if value})
    document = {"dataset": name, "images": images}
    path.write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")


def load_json(path: Path) -> object:
    """The document in a JSON file.

    Raises:
        DataError: the file is not valid JSON in UTF-8, with the place of the fault.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{path} is not valid JSON: {error}") from error


KARPATHY = Layout(
    "karpathy", 'a .json file with "images" and their "sentences" (RSICD, UCM, Sydney)', find_karpathy, read_karpathy
)


def _has_sentences(path: Path) -> bool:
    with path.open("rb") as file:
        return b'"sentences"' in file.read(_PEEK)


def _entry(path: Path, number: int, image: object) -> Annotation:
    where = f"{path}, images[{number}]"
    if not isinstance(image, Mapping) or not isinstance(image.get("filename"), str):
        raise DataError(f'{where} has no "filename"')
    if not isinstance(image.get("sentences"), list):
        raise DataError(f'{where} ({image["filename"]}) has no list "sentences"')
    if not isinstance(image.get("long_sentences", []), list):
        raise DataError(f'{where} ({image["filename"]}): "long_sentences" must be a list')
    folder = image.get("filepath")
    name = f"{folder}/{image['filename']}" if folder else image["filename"]
    provenance: dict[str, Any] = {"file": path.name, "row": number}
    if image.get("dataset"):
        provenance["dataset"] = str(image["dataset"])
    return Annotation(
        name,
        captions=tuple(_sentence(where, sentence) for sentence in image["sentences"]),
        long_captions=tuple(_sentence(where, sentence) for sentence in image.get("long_sentences", ())),
        labels=_labels(image),
        split=str(image.get("split") or ""),
        location=parse_location(where, image.get("location")),
        provenance=provenance,
    )


def _sentence(where: str, sentence: object) -> str:
    if isinstance(sentence, str):
        return sentence
    if isinstance(sentence, Mapping):
        if isinstance(sentence.get("raw"), str):
            return str(sentence["raw"])
        if isinstance(sentence.get("tokens"), list):
            return " ".join(map(str, sentence["tokens"]))
    raise DataError(f'{where}: a sentence must be a string or have "raw" or "tokens"; found {sentence!r:.80}')


def _labels(image: Mapping[str, Any]) -> tuple[str, ...]:
    for key in ("labels", "class", "cls"):
        value = image.get(key)
        if value:
            return tuple(map(str, value)) if isinstance(value, list) else (str(value),)
    return ()


def parse_location(where: str, value: object) -> tuple[float, float] | None:
    """(lon, lat) in degrees from a JSON value ``[lon, lat]``; None from null.

    Raises:
        DataError: anything else, or a place that is not on Earth.
    """
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(part, int | float) for part in value):
        raise DataError(f"{where}: location must be [lon, lat]; found {value!r}")
    lon, lat = float(value[0]), float(value[1])
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise DataError(f"{where}: location [{lon}, {lat}] is not [lon, lat] in degrees")
    return lon, lat
