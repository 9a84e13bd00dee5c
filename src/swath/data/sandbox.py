"""The sandbox's ``pairs.json`` (see `swath.corpus.sandbox`): chips of synthetic scenes, each seen by several sensors.

A chip gives one pair a sensor, with the same captions, labels and place: ``<chip>/<sensor>``. They form a group, also
where they are read apart, each sensor as a data set of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from swath.chips import Window
from swath.data.annotations import Annotation, Annotations, Layout, ReadOptions
from swath.data.images import ScenePart
from swath.data.karpathy import load_json, parse_location
from swath.errors import DataError
from swath.sensors import matching, sensor

FORMAT = "swath-sandbox"
_VERSION = 1
_FILE = "pairs.json"
_ABOUT = ("scene", "region", "climate", "event", "cloud", "shares", "bbox")


def find_sandbox(path: Path) -> Path | None:
    """The ``pairs.json`` at `path` (the file or its folder); None where there is none."""
    file = path if path.is_file() else path / _FILE
    return file if file.name == _FILE and file.is_file() else None


def read_sandbox(path: Path, options: ReadOptions) -> Annotations:
    """Read a sandbox's chips, of all sensors or of `options.sensor`.

    Raises:
        DataError: not a sandbox's file, a chip lacks what it needs, or no chip has an image of the sensor.
    """
    document = load_json(path)
    if not isinstance(document, Mapping) or document.get("format") != FORMAT or document.get("version") != _VERSION:
        raise DataError(f'{path} is not a sandbox\'s file: it needs "format": "{FORMAT}" and "version": {_VERSION}')
    chips = document.get("chips")
    if not isinstance(chips, list) or not chips:
        raise DataError(f'{path} has no list "chips"; write the sandbox again')
    wanted = matching(options.sensor) if options.sensor is not None else None
    name = path.resolve().parent.name
    entries = [entry for number, chip in enumerate(chips) for entry in _entries(path, name, number, chip, wanted)]
    if not entries:
        known = sorted({kind for chip in chips for kind in chip["images"]})
        raise DataError(f"{path} has no image of sensor {options.sensor!r}; it has {', '.join(known)}")
    return Annotations(name, options.images or path.parent, tuple(entries))


SANDBOX = Layout("sandbox", "pairs.json of a sandbox (swath sandbox)", find_sandbox, read_sandbox)


def _entries(path: Path, name: str, number: int, chip: object, wanted: tuple[str, ...] | None) -> Iterator[Annotation]:
    where = f"{path}, chips[{number}]"
    if not isinstance(chip, Mapping) or not isinstance(chip.get("id"), str):
        raise DataError(f'{where} has no "id"')
    images = chip.get("images")
    if not isinstance(images, Mapping) or not images:
        raise DataError(f'{where} ({chip["id"]}) has no "images"')
    captions, labels = _texts(where, chip, "captions"), _texts(where, chip, "labels")
    long_caption = chip.get("long_caption") or ""
    place = None if chip.get("lon") is None else parse_location(where, [chip.get("lon"), chip.get("lat")])
    about = {key: chip[key] for key in _ABOUT if key in chip}
    for kind, image in images.items():
        if wanted is not None and kind not in wanted:
            continue
        yield Annotation(
            f"{chip['id']}/{kind}",
            captions=captions,
            long_captions=(str(long_caption),) if long_caption else (),
            labels=labels,
            split=str(chip.get("split") or ""),
            location=place,
            provenance={
                "file": path.name,
                "row": number,
                "chip": chip["id"],
                "sensor": kind,
                "synthetic": True,
                **about,
            },
            part=_part(f"{where}, images[{kind!r}]", kind, image),
            group=f"{name}/{chip['id']}",
        )


def _texts(where: str, chip: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = chip.get(key, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise DataError(f'{where}: "{key}" must be a list of texts')
    return tuple(value)


def _part(where: str, kind: str, image: object) -> ScenePart:
    if not isinstance(image, Mapping) or not isinstance(image.get("href"), str):
        raise DataError(f'{where} has no "href"')
    sensor(kind)
    return ScenePart(image["href"], kind, _window(where, image.get("window")), _moment(where, image.get("datetime")))


def _window(where: str, value: object) -> Window:
    whole = isinstance(value, list) and len(value) == 4 and all(type(number) is int for number in value)
    if not whole or not isinstance(value, list) or min(value[:2]) < 0 or min(value[2:]) < 1:
        raise DataError(f"{where}: window must be [col, row, width, height] in pixels; found {value!r:.80}")
    return Window(*value)


def _moment(where: str, value: object) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(str(value))
    except ValueError as error:
        raise DataError(f"{where}: datetime {value!r:.40} is not ISO 8601") from error
