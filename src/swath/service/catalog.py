"""`Catalog`: open archives, and the collections that they are seen as: one for each archive and sensor."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from swath.archive import Archive, Hit
from swath.archive.extents import Extent, extents
from swath.errors import ArchiveError, InputError
from swath.service.abilities import Abilities
from swath.service.problems import RequestError

if TYPE_CHECKING:
    from swath.archive import Encoder
    from swath.archive.snapshot import Snapshot

_ITEM_ID = re.compile(r"[0-9A-Za-z_.:-]{1,128}")


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """An archive under its name.

    Attributes:
        number: its place among the archives.
        name: what its collections' ids begin with.
        opened: the archive, as it was opened.
        place: what tells the folder of its versions from any other; None in an object store.
        abilities: what its model can do beside searching.
    """

    number: int
    name: str
    opened: Archive
    place: tuple[int, int] | None
    abilities: Abilities

    @property
    def archive(self) -> Archive:
        """The archive.

        Raises:
            ArchiveError: its folder was moved away and another put there, whose files are not those that were opened.
        """
        now = _place(self.opened.uri)
        if self.place is not None and now is not None and now != self.place:
            raise ArchiveError(f"archive {self.opened.uri} was replaced by another; start the service anew")
        return self.opened

    def collection_id(self, sensor: str) -> str:
        """The id of the collection of a sensor."""
        return f"{self.name}-{sensor}"

    def collections(self) -> dict[str, str]:
        """The ids of its collections by sensor, now."""
        return {sensor: self.collection_id(sensor) for sensor in self.archive.read(_sensors)}


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """All chips of one sensor in one archive."""

    id: str
    shelf: Shelf
    sensor: str
    extent: Extent


class Catalog:
    """The archives that are served. Everything is looked up anew in their newest versions."""

    def __init__(self, archives: Mapping[str, Archive], model: str | None = None) -> None:
        """Name archives.

        Args:
            archives: by name.
            model: where the model of all is, if not where each archive says.

        Raises:
            InputError: a name that is no part of an address.
        """
        for name in archives:
            if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}", name):
                raise InputError(f"{name!r} cannot name an archive; use letters, digits, - and _: NAME=ADDRESS")
        self.shelves = [
            Shelf(number, name, archive, _place(archive.uri), Abilities(archive, model))
            for number, (name, archive) in enumerate(archives.items())
        ]
        self._extents: WeakKeyDictionary[Snapshot, dict[str, Extent]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, addresses: Sequence[str], model: str | None = None) -> Catalog:
        """Open archives; one model serves all that were made with it.

        Args:
            addresses: each ``NAME=ADDRESS`` or an address, whose last part is then the name.
            model: the model to use; by default the one that each archive names.

        Raises:
            InputError: two archives of one name.
            ArchiveError: one cannot be opened.
        """
        encoder: Encoder | None = None
        if model is not None:
            from swath.models import DualEncoder  # slow to import

            encoder = DualEncoder.from_pretrained(model)
        found: dict[str, Archive] = {}
        for text in addresses:
            name, address = _named(text)
            if name in found:
                raise InputError(f"two archives are named {name}; name them: NAME=ADDRESS")
            found[name] = Archive.open(address, encoder)
        return cls(found, model)

    def collections(self) -> list[Collection]:
        """All collections, in the order of the archives and sensors."""
        return [
            Collection(shelf.collection_id(sensor), shelf, sensor, extent)
            for shelf in self.shelves
            for sensor, extent in shelf.archive.read(self.extents).items()
        ]

    def collection(self, name: str) -> Collection:
        """A collection by its id.

        Raises:
            RequestError: 404.
        """
        for collection in self.collections():
            if collection.id == name:
                return collection
        raise RequestError(404, f"there is no collection {name[:100]!r}")

    def item(self, collection: str, name: str) -> tuple[Collection, Hit]:
        """A chip by its collection and id.

        Raises:
            RequestError: 404.
        """
        found = self.collection(collection)
        hits = found.shelf.archive.get([name]) if _ITEM_ID.fullmatch(name) else ()
        if not hits or hits[0].sensor != found.sensor:
            raise RequestError(404, f"there is no item {name[:100]!r} in collection {collection}")
        return found, hits[0]

    def extents(self, snapshot: Snapshot) -> dict[str, Extent]:
        """The extents of an archive's sensors, found once for each version."""
        with self._lock:
            known = self._extents.get(snapshot)
        if known is None:
            known = extents(snapshot)
            with self._lock:
                self._extents[snapshot] = known
        return known


def _sensors(snapshot: Snapshot) -> tuple[str, ...]:
    return snapshot.sensors


def _place(address: str) -> tuple[int, int] | None:
    """Device and number of the folder that an archive's versions are written to; None where there is none."""
    try:
        found = Path(address, "chips.lance", "_versions").stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _named(text: str) -> tuple[str, str]:
    name, equals, address = text.partition("=")
    if equals and re.fullmatch(r"[\w-]+", name):
        return name, address
    last = text.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    last = last.removesuffix(".lance") or "archive"
    return re.sub(r"[^0-9A-Za-z_-]+", "-", last).strip("-_")[:64] or "archive", text
