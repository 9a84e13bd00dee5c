"""Records to captions: what a ship's AIS record says of a radar chip of it (OpenSARShip)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from swath.corpus.facts import Fact, Facts
from swath.corpus.narrate.images import file_item
from swath.corpus.narrate.material import Item, Material, Statement
from swath.corpus.narrate.options import RouteOptions
from swath.corpus.narrate.phrasing import a
from swath.corpus.narrate.ships import FILE, Ship, read_ship
from swath.corpus.narrate.tables import first_of, read_rows
from swath.corpus.seasons import MONTHS, degrees
from swath.errors import DataError, SwathError

LARGE, SMALL = 200.0, 60.0
"""Metres from which a ship is called large, and below which it is called small."""


class RecordsRoute:
    """Reads records, one an image.

    Args:
        path: a table of records (.json, .jsonl, .csv, .parquet); see `swath.corpus.narrate.ships` for its fields.
        options: `images`, `sensor`.

    Raises:
        DataError: the table cannot be read, or no record has an image.
    """

    name = "records"

    def __init__(self, path: Path, options: RouteOptions) -> None:
        root = options.images or path.parent
        self.settings: Mapping[str, object] = {"route": self.name}
        self.failures: list[str] = []
        self._ships: dict[str, Ship] = {}
        items: list[Item] = []
        for number, row in enumerate(read_rows(path), 1):
            where = f"{path}, record {number}"
            try:
                name = str(first_of(row, FILE) or "")
                if not name:
                    raise DataError(f"{where} names no image ({', '.join(FILE)})")
                if name in self._ships:
                    raise DataError(f"{where}: image {name!r:.80} is listed twice")
                ship = read_ship(row, where)
                items.append(
                    file_item(root, name, options.sensor or _sensor(ship), ship.unit, str(row.get("split") or ""))
                )
            except SwathError as error:
                self.failures.append(str(error))
                continue
            self._ships[name] = ship
        if not items:
            raise DataError(f"no record of {path} can be used; first: {self.failures[0]}")
        self.items: Sequence[Item] = tuple(items)

    def tell(self, items: Sequence[Item]) -> list[Material | SwathError]:
        """Facts and statements of the records."""
        return [material_of(item.name, self._ships[item.name]) for item in items]


def material_of(name: str, ship: Ship) -> Material:
    """What one record says.

    Args:
        name: the image's name.
        ship: the record.
    """
    found = [Fact("class", "", ship.kind, "record.type")]
    if ship.general:
        found.append(Fact("label", "", ship.general, "record.type"))
    if ship.length is not None:
        found.append(Fact("length", ship.kind, ship.length, "record.length"))
    if ship.width is not None:
        found.append(Fact("width", ship.kind, ship.width, "record.width"))
    told = f", {ship.polarisation} polarisation" if ship.polarisation else ""
    found.append(Fact("sensor", "", f"Sentinel-1 radar (SAR){told}", "record.polarisation"))
    if ship.moment is not None:
        found.append(Fact("date", "", ship.moment.isoformat(), "record.utc"))
        found.append(Fact("tag", "time", f"{ship.moment:%H:%M} UTC", "record.utc"))
    if ship.place is not None:
        found.append(Fact("location", "", ship.place, "record.position"))
    if ship.incidence is not None:
        found.append(Fact("tag", "incidence angle", f"{ship.incidence:.1f} degrees", "record.incidence"))
    labels = dict.fromkeys(("ship", *(name for name in (ship.general, ship.kind) if name)))
    return Material(Facts(name, tuple(found)), tuple(_statements(ship)), tuple(labels), ship.notes)


def _statements(ship: Ship) -> list[Statement]:
    """What the rules can say of a ship."""
    stated = [_whole(ship)]
    for say in (_long, _size, _kind, _circumstances, _passage, _polarisation, _incidence):
        found = say(ship)
        if found is not None:
            stated.append(found)
    return stated


def _whole(ship: Ship) -> Statement:
    thing, band = _called(ship), f" in {ship.polarisation} polarisation" if ship.polarisation else ""
    wordings = (f"the radar image shows {a(thing)}", f"this SAR image{band} shows {a(thing)}")
    fragments = (f"{a(thing)} in a SAR image{band}", f"a Sentinel-1 radar image of {a(thing)}")
    return Statement("whole", wordings, ("record.type", "record.polarisation"), follows=False, fragments=fragments)


def _long(ship: Ship) -> Statement | None:
    if ship.length is None:
        return None
    thing, band = _called(ship), f" in {ship.polarisation} polarisation" if ship.polarisation else ""
    long = f"{ship.length:.0f} metres"
    wordings = (f"the SAR image shows {a(thing)} with a length of {long}",)
    fragments = (
        f"{a(thing)} with a length of {long}, seen by radar{band}",
        f"a SAR image{band} of {a(thing)} that is {long} long",
    )
    sources = ("record.type", "record.length", "record.polarisation")
    return Statement("size", wordings, sources, follows=False, fragments=fragments)


def _size(ship: Ship) -> Statement | None:
    if ship.length is None:
        return None
    thing, long = ship.kind, f"{ship.length:.0f} metres"
    if ship.width is None:
        wordings = [f"the {thing} is {long} long", f"from bow to stern the {thing} measures {long}"]
        return Statement("size", tuple(wordings), ("record.type", "record.length"))
    wide = f"{ship.width:.0f} metres"
    wordings = [
        f"the {thing} is {long} long and {wide} wide",
        f"the {thing} measures {long} from bow to stern and {wide} across",
        f"the {thing} has a length of {long} and a beam of {wide}",
    ]
    fragments = (f"{a(thing)} {long} long and {wide} wide", f"{a(thing)} of {long} from bow to stern and {wide} across")
    return Statement("size", tuple(wordings), ("record.type", "record.length", "record.width"), fragments=fragments)


def _kind(ship: Ship) -> Statement | None:
    if not ship.general:
        return None
    wordings = (
        f"the ship is {a(ship.kind)}, which is a type of {ship.general}",
        f"the {ship.general} in the image is {a(ship.kind)}",
    )
    return Statement("kind", wordings, ("record.type",))


def _circumstances(ship: Ship) -> Statement | None:
    if ship.place is None or ship.moment is None:
        return None
    day, at = _day(ship), degrees(*ship.place)
    fragments = (f"{a(ship.kind)} imaged on {day} at {at}",)
    wordings = (
        f"on {day} the {ship.kind} was at {at}",
        f"the {ship.kind} was seen by Sentinel-1 on {day}, at {at}",
    )
    sources = ("record.type", "record.utc", "record.position")
    return Statement("place", wordings, sources, fragments=fragments)


def _passage(ship: Ship) -> Statement | None:
    if ship.moment is None:
        return None
    wordings = (
        f"the image was taken on {_day(ship)} at {ship.moment:%H:%M} UTC",
        f"Sentinel-1 passed at {ship.moment:%H:%M} UTC on {_day(ship)}",
    )
    return Statement("time", wordings, ("record.type", "record.utc"), opens=False)


def _polarisation(ship: Ship) -> Statement | None:
    if not ship.polarisation:
        return None
    kind = "co" if ship.polarisation in ("VV", "HH") else "cross"
    wordings = (
        f"the polarisation is {ship.polarisation}",
        f"it is a {kind}-polarised image ({ship.polarisation})",
        f"the radar sends and receives in {ship.polarisation} polarisation",
    )
    return Statement("polarisation", wordings, ("record.type", "record.polarisation"), opens=False)


def _incidence(ship: Ship) -> Statement | None:
    if ship.incidence is None:
        return None
    angle = f"{ship.incidence:.0f} degrees"
    wordings = (f"the incidence angle is {angle}", f"the radar looks down at an incidence angle of {angle}")
    return Statement("incidence", wordings, ("record.type", "record.incidence"), opens=False)


def _called(ship: Ship) -> str:
    if ship.length is None:
        return ship.kind
    size = "large " if ship.length >= LARGE else "small " if ship.length < SMALL else ""
    return f"{size}{ship.kind}"


def _day(ship: Ship) -> str:
    moment = ship.moment
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}" if moment is not None else ""


_BANDS = {"VV": "s1-vv-8bit", "VH": "s1-vh-8bit"}


def _sensor(ship: Ship) -> str:
    """The sensor of an 8-bit chip of this polarisation."""
    return _BANDS.get(ship.polarisation, "sar")
